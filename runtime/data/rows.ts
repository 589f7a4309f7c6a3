/** Samples as rows of tensors, in host memory. */
import { tensor } from "../tensor/creation.ts";
import { formatShape, numel, type Shape } from "../tensor/shape.ts";
import type { Tensor, TensorData } from "../tensor/tensor.ts";

/** The rows of a tensor. */
export interface Column {
  readonly dtype: Tensor["dtype"];
  /** Of one row. */
  readonly shape: Shape;
  readonly data: TensorData;
}

export async function readColumn(source: Tensor): Promise<Column> {
  const [, ...shape] = source.shape;
  return { dtype: source.dtype, shape, data: await source.data() };
}

/** The rows of these numbers, as a tensor. */
export function takeRows({ dtype, shape, data }: Column, indices: ArrayLike<number>): Tensor {
  const size = numel(shape);
  const rows = new (arrayType(data))(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const start = (indices[i] ?? 0) * size;
    rows.set(data.subarray(start, start + size), i * size);
  }
  return tensor(rows, { dtype, shape: [indices.length, ...shape] });
}

/** The rows of tensors one behind the other. @throws TypeError if their rows differ in kind. */
export async function joinRows(tensors: readonly Tensor[]): Promise<Column> {
  const columns = await Promise.all(tensors.map(readColumn));
  const kinds = columns.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`);
  const [first] = columns;
  if (!first || kinds.some(kind => kind !== kinds[0])) {
    throw new TypeError(`the samples of the data sets differ: ${kinds.join(" and ")}`);
  }
  const data = new (arrayType(first.data))(columns.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const column of columns) {
    data.set(column.data, at);
    at += column.data.length;
  }
  return { dtype: first.dtype, shape: first.shape, data };
}

/** The array type that `tensor` takes for what `Tensor.data` gives. */
function arrayType(data: TensorData) {
  if (data instanceof Float32Array) return Float32Array;
  return data instanceof Int32Array ? Int32Array : Uint32Array;
}
