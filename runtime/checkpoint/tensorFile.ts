/** Reads tensors from a safetensors file. */
import type { FileHandle } from "node:fs/promises";
import { halfValue } from "../kernels/halfValues.ts";
import { tensor } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { withFile } from "./atomic.ts";
import { type Entry, type Header, headerLength, LENGTH_BYTES, parseHeader } from "./header.ts";

/** Tensors and metadata of a file. @throws Error that names the file and what is wrong with it. */
export function readTensors(
  path: string,
): Promise<{ tensors: Record<string, Tensor>; metadata: Header["metadata"] }> {
  return withFile(path, "r", file =>
    about(path, async () => {
      const { header, start } = await readHeader(file);
      const tensors: [string, Tensor][] = [];
      for (const [name, entry] of header.entries) {
        const bytes = await read(file, start + entry.begin, entry.end - entry.begin);
        tensors.push([name, decode(name, entry, bytes)]);
      }
      return { tensors: Object.fromEntries(tensors), metadata: header.metadata };
    }),
  );
}

/** The metadata of a file. @throws as `readTensors`. */
export function readMetadata(path: string): Promise<Header["metadata"]> {
  return withFile(path, "r", file =>
    about(path, async () => (await readHeader(file)).header.metadata),
  );
}

async function readHeader(file: FileHandle): Promise<{ header: Header; start: number }> {
  const { size } = await file.stat();
  const prefix = await read(file, 0, Math.min(LENGTH_BYTES, size));
  const length = headerLength(prefix, size);
  const start = LENGTH_BYTES + length;
  const header = parseHeader(await read(file, LENGTH_BYTES, length), size - start);
  return { header, start };
}

/** Bytes of a file in memory of their own, so that they are aligned. */
async function read(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    done += bytesRead;
  }
  return bytes;
}

/** Has the message of an error say which file it is about. */
async function about<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`${path}: ${error.message}`, { cause: error });
  }
}

function decode(name: string, { dtype, shape }: Entry, { buffer }: Uint8Array): Tensor {
  switch (dtype) {
    case "F32":
      return tensor(new Float32Array(buffer), { shape });
    case "F16":
      return tensor(Float32Array.from(new Uint16Array(buffer), halfValue), {
        shape,
        dtype: "float16",
      });
    case "BF16":
      // The upper half of a float32.
      return tensor(new Float32Array(Uint32Array.from(new Uint16Array(buffer), upper).buffer), {
        shape,
      });
    case "F64":
      return tensor(Float32Array.from(new Float64Array(buffer)), { shape });
    case "I32":
      return tensor(new Int32Array(buffer), { shape });
    case "I16":
      return tensor(Int32Array.from(new Int16Array(buffer)), { shape });
    case "I8":
      return tensor(Int32Array.from(new Int8Array(buffer)), { shape });
    case "I64":
      return tensor(inRange(name, new BigInt64Array(buffer), Int32Array), { shape });
    case "U32":
      return tensor(new Uint32Array(buffer), { shape });
    case "U16":
      return tensor(Uint32Array.from(new Uint16Array(buffer)), { shape });
    case "U8":
      return tensor(Uint32Array.from(new Uint8Array(buffer)), { shape });
    case "U64":
      return tensor(inRange(name, new BigUint64Array(buffer), Uint32Array), { shape });
    case "BOOL":
      return tensor(Int32Array.from(new Uint8Array(buffer)), { shape, dtype: "bool" });
  }
}

function upper(half: number): number {
  return half << 16;
}

function inRange<Narrow extends Int32Array | Uint32Array>(
  name: string,
  wide: BigInt64Array | BigUint64Array,
  Narrow: new (length: number) => Narrow,
): Narrow {
  const narrow = new Narrow(wide.length);
  for (let i = 0; i < wide.length; i++) {
    narrow[i] = Number(wide[i]);
    if (BigInt(narrow[i] ?? 0) === wide[i]) continue;
    throw new RangeError(
      `tensor ${name}: element ${i} is ${wide[i]}, which needs more than 32 bits`,
    );
  }
  return narrow;
}
