/** Reads arrays of numbers: NumPy's .npy and .npz, and IDX, the format of MNIST. */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { tensor } from "../tensor/creation.ts";
import { numel, type Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How the elements of a type are read, by NumPy's name of it: kind and bytes. */
interface ElementType {
  readonly bytes: number;
  readonly dtype: Tensor["dtype"];
  read(view: DataView, at: number, littleEndian: boolean): number;
}

const TYPES: Readonly<Record<string, ElementType>> = {
  f4: { bytes: 4, dtype: "float32", read: (view, at, le) => view.getFloat32(at, le) },
  f8: { bytes: 8, dtype: "float32", read: (view, at, le) => view.getFloat64(at, le) },
  i1: { bytes: 1, dtype: "int32", read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, dtype: "int32", read: (view, at, le) => view.getInt16(at, le) },
  i4: { bytes: 4, dtype: "int32", read: (view, at, le) => view.getInt32(at, le) },
  i8: { bytes: 8, dtype: "int32", read: (view, at, le) => narrow(view.getBigInt64(at, le)) },
  u1: { bytes: 1, dtype: "int32", read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, dtype: "int32", read: (view, at, le) => view.getUint16(at, le) },
  u4: { bytes: 4, dtype: "uint32", read: (view, at, le) => view.getUint32(at, le) },
  b1: { bytes: 1, dtype: "bool", read: (view, at) => view.getUint8(at) },
};

/**
 * The array of a file that NumPy's `save` wrote. float64 becomes float32, whole numbers int32 (uint32
 * where they are that).
 * @throws Error that names the file, if it is no such file, is cut short, has another type of element,
 *   or an int64 that has no place in 32 bits.
 */
export function loadNpy(path: string): Promise<Tensor> {
  return about(path, readNpy);
}

/**
 * The arrays of a file that NumPy's `savez` or `savez_compressed` wrote, by their names; `arr_0`, … where
 * they were given none. Elements are those of `loadNpy`.
 * @throws Error that names the file and the array, as `loadNpy` does, or if it is no such file.
 */
export function loadNpz(path: string): Promise<Record<string, Tensor>> {
  return about(path, view => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const files = Object.entries(unzip(bytes)).filter(([name]) => name.endsWith(".npy"));
    const arrays = files.map(([file, content]) => {
      const name = file.slice(0, -".npy".length);
      const array = within(name, () =>
        readNpy(new DataView(content.buffer, content.byteOffset, content.byteLength)),
      );
      return [name, array] as const;
    });
    return Object.fromEntries(arrays);
  });
}

function unzip(bytes: Uint8Array): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes);
  } catch (error) {
    throw new Error("not a .npz file, or it is cut short", { cause: error });
  }
}

function readNpy(view: DataView): Tensor {
  const text = (from: number, to: number) =>
    Buffer.from(view.buffer, view.byteOffset + from, to - from).toString("latin1");
  if (view.byteLength < 12 || text(0, 6) !== "\x93NUMPY") throw new Error("not a .npy file");
  // Version 1 has a length of two bytes.
  const isFirst = view.getUint8(6) === 1;
  const from = isFirst ? 10 : 12;
  const start = from + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > view.byteLength) throw new Error("its header is cut short");
  const header = text(from, start);
  const type = /'descr': *'([<>|=])(\w+)'/.exec(header);
  const shape = /'shape': *\(([\d, ]*)\)/.exec(header);
  if (!type || !shape) throw new Error(`cannot be read: ${header.trim()}`);
  const sizes = (shape[1] ?? "").split(",").filter(Boolean).map(Number);
  const isFortran = /'fortran_order': *True/.test(header);
  const stored = isFortran ? sizes.toReversed() : sizes;
  const elements = decode(view, start, type[2] ?? "", type[1] !== ">", stored);
  return isFortran ? elements.permute(sizes.map((_, i) => sizes.length - 1 - i)) : elements;
}

/** Codes of element types in the third byte of an IDX file. */
const IDX_TYPES = new Map([
  [0x08, "u1"],
  [0x09, "i1"],
  [0x0b, "i2"],
  [0x0c, "i4"],
  [0x0d, "f4"],
  [0x0e, "f8"],
]);

/**
 * The array of an IDX file, such as `train-images-idx3-ubyte` of MNIST, also with gzip. Whole numbers
 * become int32, others float32.
 * @throws Error that names the file, if it is no such file or is cut short.
 */
export function loadIdx(path: string): Promise<Tensor> {
  return about(path, view => {
    const type = view.byteLength < 4 ? undefined : IDX_TYPES.get(view.getUint8(2));
    if (!type || view.getUint16(0) !== 0) throw new Error("not an IDX file");
    const start = 4 + 4 * view.getUint8(3);
    if (start > view.byteLength) throw new Error("its header is cut short");
    const shape: number[] = [];
    for (let at = 4; at < start; at += 4) shape.push(view.getUint32(at));
    return decode(view, start, type, false, shape);
  });
}

function decode(
  view: DataView,
  start: number,
  name: string,
  littleEndian: boolean,
  shape: Shape,
): Tensor {
  const type = TYPES[name];
  if (!type) {
    throw new Error(`elements of type ${name}; ${Object.keys(TYPES).join(", ")} can be read`);
  }
  const count = numel(shape);
  if (view.byteLength - start !== count * type.bytes) {
    throw new Error(
      `${count} elements of ${type.bytes} bytes are announced, and there are ${view.byteLength - start} bytes`,
    );
  }
  const data = new (arrayOf(type.dtype))(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, start + i * type.bytes, littleEndian);
  return tensor(data, { shape, dtype: type.dtype });
}

function arrayOf(dtype: Tensor["dtype"]) {
  if (dtype === "float32") return Float32Array;
  return dtype === "uint32" ? Uint32Array : Int32Array;
}

function narrow(wide: bigint): number {
  if (BigInt.asIntN(32, wide) === wide) return Number(wide);
  throw new RangeError(`${wide} needs more than 32 bits`);
}

/** Reads a file, unpacked, and has the message of an error say which one it is about. */
async function about<T>(path: string, read: (view: DataView) => T): Promise<T> {
  const bytes = await readFile(path);
  return within(path, () => {
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const { buffer, byteOffset, byteLength } = isPacked ? gunzipSync(bytes) : bytes;
    return read(new DataView(buffer, byteOffset, byteLength));
  });
}

/** Has the message of an error begin with what it is about. */
function within<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}
