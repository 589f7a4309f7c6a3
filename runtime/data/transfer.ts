/** Batches on their way from a worker: tensors as typed arrays, whose memory moves along. */
import { fromHost, hostValues } from "../tensor/hostValues.ts";
import { formatShape, type Shape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

type Elements = NonNullable<ReturnType<typeof hostValues>>;

/** A tensor as it travels. The name is one that no object of a script has. */
interface PackedTensor {
  readonly "stepscope:tensor": Elements;
  readonly shape: Shape;
  readonly dtype: Tensor["dtype"];
}

/** What a worker sends in place of a value, and the memory that it gives away with it. */
export interface Packed {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}

/** Whether a value has no tensor that is to be computed. */
export function isSendable(value: unknown): boolean {
  if (value instanceof Tensor) return hostValues(value) !== undefined;
  if (Array.isArray(value)) return value.every(isSendable);
  return !isPlainObject(value) || Object.values(value).every(isSendable);
}

/** @throws TypeError for a tensor that was computed: there is no GPU in a worker. */
export function pack(value: unknown): Packed {
  const transfer: ArrayBuffer[] = [];
  const packed = mapTree(value, leaf => {
    if (!(leaf instanceof Tensor)) return leaf;
    const values = hostValues(leaf);
    if (!values) {
      throw new TypeError(
        `a worker has no GPU and can only send data of the host, and a tensor ${formatShape(leaf.shape)} ` +
          "of the batch is to be computed. Compute it in the training loop, or from plain numbers",
      );
    }
    // A copy: the data set may keep the tensor for other batches.
    const elements = values.slice();
    transfer.push(elements.buffer as ArrayBuffer);
    const { shape, dtype } = leaf;
    return { "stepscope:tensor": elements, shape, dtype } satisfies PackedTensor;
  });
  return { value: packed, transfer };
}

/** What `pack` was given. */
export function unpack(packed: unknown): unknown {
  return mapTree(packed, leaf => {
    if (!isPackedTensor(leaf)) return leaf;
    return fromHost(leaf["stepscope:tensor"], leaf.shape, leaf.dtype);
  });
}

/** A copy of nested arrays and plain objects with other leaves. */
function mapTree(value: unknown, map: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(item => mapTree(item, map));
  if (!isPlainObject(value) || isPackedTensor(value)) return map(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTree(item, map)]));
}

function isPackedTensor(value: unknown): value is PackedTensor {
  return typeof value === "object" && value !== null && "stepscope:tensor" in value;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
