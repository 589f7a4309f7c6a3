/** Shapes: sizes of dimensions, row-major. Pure functions. */

export type Shape = readonly number[];

/** Sizes as PyTorch takes them: `zeros(2, 3)` and `zeros([2, 3])`. */
export type Sizes = readonly number[] | readonly [Shape];

/** The sizes, however they were given. */
export function sizesOf(sizes: Sizes): Shape {
  return sizes.flat() as Shape;
}

/**
 * The shape of a new tensor.
 * @throws RangeError if a size is negative or no whole number.
 */
export function newShape(sizes: Sizes, op: string): Shape {
  const shape = sizesOf(sizes);
  const bad = shape.find(size => !Number.isInteger(size) || size < 0);
  if (bad !== undefined) {
    throw new RangeError(
      `${op}: sizes must be whole numbers from 0 on, got ${bad} in ${formatShape(shape)}`,
    );
  }
  return shape;
}

/** Number of elements. */
export function numel(shape: Shape): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a === b || (a.length === b.length && a.every((size, d) => size === b[d]));
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d] ?? 1;
  }
  return strides;
}

/**
 * NumPy's broadcasting rule.
 * @throws RangeError naming both shapes and the sizes that differ.
 */
export function broadcastShapes(a: Shape, b: Shape, op: string): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let d = 1; d <= rank; d++) {
    const p = a[a.length - d] ?? 1;
    const q = b[b.length - d] ?? 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw new RangeError(
        `${op}: ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${p} and ${q} of ` +
          `dimension ${-d} differ, and neither is 1`,
      );
    }
    shape[rank - d] = p === 1 ? q : p;
  }
  return shape;
}

/**
 * Counts a negative dimension from the end.
 * @throws RangeError if there is no such dimension.
 */
export function normalizeDim(dim: number, rank: number, op: string): number {
  const range = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -range || dim >= range) {
    throw new RangeError(
      `${op}: dimension ${dim} is out of range: a tensor of ${rank} dimensions has ` +
        `${-range} … ${range - 1}`,
    );
  }
  return dim < 0 ? dim + range : dim;
}

/** `[32, 64]`, as error messages write it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
