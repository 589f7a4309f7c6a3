/** Arrays in host memory, float64: what tests compute for comparison, one element after the other. */
import { contiguousStrides, numel, type Shape } from "../../runtime/tensor/shape.ts";

export interface HostArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** Builds data by asking for the element at each index. */
export function build(shape: Shape, element: (index: readonly number[]) => number): Float64Array {
  const strides = contiguousStrides(shape);
  return Float64Array.from({ length: numel(shape) }, (_, i) =>
    element(strides.map((stride, d) => Math.floor(i / stride) % (shape[d] ?? 1))),
  );
}

/** Where an index is; dimensions of size 1 repeat, missing leading ones are ignored. */
export function place(shape: Shape, index: readonly number[]): number {
  const strides = contiguousStrides(shape);
  const own = index.slice(index.length - shape.length);
  return shape.reduce(
    (sum, size, d) => sum + (size === 1 ? 0 : (own[d] ?? 0)) * (strides[d] ?? 0),
    0,
  );
}

/** The element at an index; dimensions of size 1 repeat, missing leading ones are ignored. */
export function at({ shape, data }: HostArray, index: readonly number[]): number {
  return data[place(shape, index)] ?? Number.NaN;
}

/** All indices of a shape, in row-major order. */
export function indices(shape: Shape): (readonly number[])[] {
  const all: (readonly number[])[] = [];
  build(shape, index => all.push(index));
  return all;
}
