/** The public namespace `safetensors`: tensors by name in a file that Python's safetensors reads. */
import { encodeHalves } from "../kernels/halfValues.ts";
import type { DType } from "../kernels/op.ts";
import type { Tensor, TensorData } from "../tensor/tensor.ts";
import { writeAtomically } from "./atomic.ts";
import { DTYPE_BYTES, type Entry, encodeHeader, type FileDtype } from "./header.ts";
import { readMetadata, readTensors } from "./tensorFile.ts";

/** Tensors by name, such as a state dict. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

const FILE_DTYPE: Readonly<Record<DType, FileDtype>> = {
  float32: "F32",
  float16: "F16",
  int32: "I32",
  uint32: "U32",
  bool: "BOOL",
};

/**
 * Writes tensors to a file, Python's `safetensors.torch.save_file`. They are written as they are at
 * the call, whatever the loop does before the file is there. The file replaces an older one in one
 * step: whoever reads it, or dies meanwhile, has the old or the new one whole.
 * @param metadata text to go with them. `format: "pt"`, which Python's libraries ask for, is there.
 */
export async function saveFile(
  tensors: NamedTensors,
  path: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  // The widest elements come first, so that all are aligned.
  const named = Object.entries(tensors).sort(
    ([, a], [, b]) => DTYPE_BYTES[FILE_DTYPE[b.dtype]] - DTYPE_BYTES[FILE_DTYPE[a.dtype]],
  );
  const values = named.map(([, value]) => value.data());
  const entries = new Map<string, Entry>();
  let begin = 0;
  for (const [name, { dtype, shape, numel }] of named) {
    const end = begin + numel * DTYPE_BYTES[FILE_DTYPE[dtype]];
    entries.set(name, { dtype: FILE_DTYPE[dtype], shape, begin, end });
    begin = end;
  }
  const header = encodeHeader({ entries, metadata: { format: "pt", ...metadata } });
  const data = await Promise.all(values);
  const contents = data.map((each, i) => bytesOf(each, named[i]?.[1].dtype));
  await writeAtomically(path, [header, ...contents]);
}

/**
 * Reads the tensors of a file, Python's `safetensors.torch.load_file`. F16 is float16; other
 * floating-point numbers become float32 (rounded, for F64), whole numbers int32 or uint32.
 * @throws Error if the file is damaged in any way, or if a whole number has no place in 32 bits.
 */
export async function loadFile(path: string): Promise<Record<string, Tensor>> {
  return (await readTensors(path)).tensors;
}

/** The text that goes with the tensors of a file. @throws as `loadFile`. */
export function loadMetadata(path: string): Promise<Readonly<Record<string, string>>> {
  return readMetadata(path);
}

function bytesOf(data: TensorData, dtype: DType | undefined): Uint8Array {
  if (dtype === "float16") return new Uint8Array(encodeHalves(data).buffer, 0, 2 * data.length);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
