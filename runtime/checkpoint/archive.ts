/** Any state in one safetensors file: PyTorch's `torch.save` and `torch.load`. */
import type { HostData } from "../graph/node.ts";
import { tensor } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { saveFile } from "./safetensors.ts";
import { readTensors } from "./tensorFile.ts";

/** Key of a file's metadata with everything that is no tensor, as JSON. */
const METADATA = "stepscope";

/** What JSON cannot say stands in an object with this one key. */
const SPECIAL = "$stepscope";

type Special =
  /** The tensor of this name. */
  | { readonly tensor: string }
  /** A typed array, kept as the tensor of this name. */
  | { readonly array: string }
  /** NaN, ±Infinity or −0. */
  | { readonly number: string };

/**
 * Writes a state to a file, PyTorch's `torch.save`: tensors, numbers, strings, truth values, null,
 * typed arrays, in objects and arrays, such as `{ model: model.stateDict(), step }`. It is written as
 * it is at the call, whatever the loop does before the file is there, and replaces an older file in
 * one step.
 *
 * The file is a safetensors file: Python reads its tensors by their paths, `model.0.weight`.
 * @throws TypeError that names what cannot be written.
 */
export async function save(state: unknown, path: string): Promise<void> {
  const tensors: Record<string, Tensor> = {};
  const json = JSON.stringify(pack(state, "", tensors));
  await saveFile(tensors, path, { [METADATA]: json });
}

/**
 * Reads the state of a file, PyTorch's `torch.load`. Nothing in the file is executed. A safetensors
 * file of another program is an object of tensors by name.
 * @throws Error if the file is damaged in any way.
 */
export async function load(path: string): Promise<unknown> {
  const { tensors, metadata } = await readTensors(path);
  const json = metadata[METADATA];
  if (json === undefined) return tensors;
  // Read before `load` resolves: a state is complete, and no longer needs the file.
  const arrays = new Map<string, HostData>();
  const packed: unknown = JSON.parse(json);
  await Promise.all(
    arrayNames(packed).map(async name => {
      arrays.set(name, (await tensorOf(tensors, name).data()) as HostData);
    }),
  );
  return unpack(packed, tensors, arrays);
}

/** The state as JSON can say it; its tensors are put into `tensors`. */
function pack(value: unknown, path: string, tensors: Record<string, Tensor>): unknown {
  const enter = (entered: Tensor): string => {
    let name = path || "value";
    while (Object.hasOwn(tensors, name)) name += "_";
    tensors[name] = entered;
    return name;
  };
  if (value instanceof Tensor) return special({ tensor: enter(value) });
  if (isHostData(value)) return special({ array: enter(tensor(value)) });
  if (Array.isArray(value)) return value.map((item, i) => pack(item, join(path, i), tensors));
  if (isPlain(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, pack(item, join(path, key), tensors)]),
    );
  }
  if (typeof value === "number") {
    const isJson = Number.isFinite(value) && !Object.is(value, -0);
    return isJson ? value : special({ number: Object.is(value, -0) ? "-0" : String(value) });
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  const kind = typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
  throw new TypeError(
    `save: ${path || "the state"} is of type ${kind}, which cannot be written. A state is made of ` +
      "tensors, numbers, strings, truth values, null and typed arrays, in plain objects and arrays",
  );
}

function unpack(
  value: unknown,
  tensors: Readonly<Record<string, Tensor>>,
  arrays: ReadonlyMap<string, HostData>,
): unknown {
  if (Array.isArray(value)) return value.map(item => unpack(item, tensors, arrays));
  if (!isPlain(value)) return value;
  const found = specialOf(value);
  if (!found) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, unpack(item, tensors, arrays)]),
    );
  }
  if ("tensor" in found) return tensorOf(tensors, found.tensor);
  return "array" in found ? arrays.get(found.array) : Number(found.number);
}

function arrayNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(arrayNames);
  if (!isPlain(value)) return [];
  const found = specialOf(value);
  if (!found) return Object.values(value).flatMap(arrayNames);
  return "array" in found ? [found.array] : [];
}

function tensorOf(tensors: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (!found)
    throw new Error(`load: the file's description names a tensor "${name}" that it lacks`);
  return found;
}

function special(value: Special): Record<string, Special> {
  return { [SPECIAL]: value };
}

function specialOf(value: Readonly<Record<string, unknown>>): Special | undefined {
  return value[SPECIAL] as Special | undefined;
}

function isHostData(value: unknown): value is HostData {
  return (
    value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint32Array
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function join(path: string, key: string | number): string {
  return path ? `${path}.${key}` : String(key);
}
