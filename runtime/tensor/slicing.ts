/** Parts of a tensor by ranges of their indices. They are views: reading one costs no copy. */
import type { AffineView } from "../kernels/op.ts";
import { full } from "./creation.ts";
import { cast, clone, where } from "./elementwise.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { squeeze } from "./views.ts";
import { affine, inverse } from "./windows.ts";

/**
 * What `slice` takes along a dimension: `null` is Python's `:`, `[start, stop, step]` its
 * `start:stop:step` (null for a bound that is left out), a number one index, whose dimension goes.
 */
export type Range =
  | null
  | number
  | readonly [start: number | null, stop?: number | null, step?: number];

/**
 * Indices start, start + step, … of dimension `dim`, `length` of them. The step may be negative.
 * @internal
 */
export function strided(
  x: Tensor,
  dim: number,
  start: number,
  step: number,
  length: number,
): Tensor {
  return affine(x, stepping(dim, start, step), length);
}

/** The same as a view, through which the tensor can be changed. @internal */
export function stretch(
  x: Tensor,
  dim: number,
  start: number,
  step: number,
  length: number,
): Tensor {
  const y = strided(x, dim, start, step, length);
  if (y === x) return x;
  const size = x.shape[dim] ?? 1;
  return y.views(
    x,
    base => strided(base, dim, start, step, length),
    (base, value) => {
      const inside = embed(full(value.shape, 1, { dtype: "bool" }), dim, start, size, step);
      return cast(where(inside, embed(value, dim, start, size, step), base), base.dtype);
    },
  );
}

/**
 * The opposite of a slice: a dimension of `size` that is `fill` but at start, start + step, …,
 * where the elements of `x` are.
 * @internal
 */
export function embed(
  x: Tensor,
  dim: number,
  start: number,
  size: number,
  step = 1,
  fill = 0,
): Tensor {
  const view = inverse(stepping(dim, start, step));
  const y = affine(x, view, size);
  if (fill === 0) return y;
  const inside = affine(full(x.shape, 1, { dtype: "bool" }), view, size);
  return cast(where(inside, y, fill), x.dtype);
}

/** Element i is element start + step · i of dimension `dim`. */
function stepping(dim: number, start: number, step: number): AffineView {
  return { kind: "affine", dim, along: dim, scale: step, slope: 0, offset: start, divisor: 1 };
}

/** `x` in the first corner of a tensor of `shape` that is `fill` elsewhere. @internal */
export function grow(x: Tensor, shape: Shape, fill = 0): Tensor {
  return shape.reduce((y, size, d) => (y.shape[d] === size ? y : embed(y, d, 0, size, 1, fill)), x);
}

/**
 * `length` indices of a dimension from `start` on; a negative start counts from the end.
 * @throws RangeError if the stretch reaches beyond the dimension.
 */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  const at = normalizeDim(dim, x.ndim, "narrow");
  const size = x.shape[at] ?? 1;
  const first = start < 0 ? start + size : start;
  const whole = Number.isInteger(start) && Number.isInteger(length);
  if (!whole || x.ndim === 0 || first < 0 || length < 0 || first + length > size) {
    throw new RangeError(
      `narrow: start ${start} and length ${length} do not fit into dimension ${at} of size ` +
        `${size} of a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  return stretch(x, at, first, 1, length);
}

/**
 * One index of a dimension, which is removed.
 * @throws RangeError if the index is out of bounds.
 */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const at = normalizeDim(dim, x.ndim, "select");
  const size = x.shape[at] ?? 0;
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new RangeError(
      `select: index ${index} is out of bounds for dimension ${at} with size ${size} of a tensor ` +
        `of shape ${formatShape(x.shape)}`,
    );
  }
  return squeeze(stretch(x, at, index < 0 ? index + size : index, 1, 1), at);
}

/**
 * Python's `x[a:b, :, i]` as `slice(x, [[a, b], null, i])`: bounds beyond the end are cut, negative
 * ones count from it. Dimensions that are not named are taken whole.
 * @throws RangeError if there are more ranges than dimensions, an index is out of bounds, or a step
 * is not a whole number from 1 on.
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  if (ranges.length > x.ndim) {
    throw new RangeError(
      `slice: too many ranges: ${ranges.length} for a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  let y = x;
  let dim = 0;
  for (const range of ranges) {
    if (typeof range === "number") y = select(y, dim, range);
    else y = sliceDim(y, dim++, range);
  }
  return y;
}

function sliceDim(x: Tensor, dim: number, range: Exclude<Range, number>): Tensor {
  const size = x.shape[dim] ?? 1;
  const [from, to, step = 1] = range ?? [null];
  const whole = [from ?? 0, to ?? 0, step].every(Number.isInteger);
  if (!whole || step < 1) {
    throw new RangeError(
      `slice: [${[from, to, step].join(", ")}] along dimension ${dim} must be whole numbers with a ` +
        "step greater than zero. Use flip() to go backwards",
    );
  }
  const bound = (index: number) => Math.min(Math.max(index < 0 ? index + size : index, 0), size);
  const start = bound(from ?? 0);
  const stop = bound(to ?? size);
  return stretch(x, dim, start, step, Math.max(0, Math.ceil((stop - start) / step)));
}

/** The elements in the opposite order along the dimensions. */
export function flip(x: Tensor, dims: readonly number[]): Tensor {
  const named = dims.map(dim => normalizeDim(dim, x.ndim, "flip"));
  if (new Set(named).size !== named.length) {
    throw new RangeError(`flip: a dimension appears twice in [${dims.join(", ")}]`);
  }
  const flipped = named.reduce((y, dim) => {
    const size = y.shape[dim] ?? 1;
    return size < 2 ? y : strided(y, dim, size - 1, -1, size);
  }, x);
  return flipped === x ? clone(x) : flipped;
}

/**
 * Pieces along a dimension: of `sizes` elements each (the last may be smaller), or of the sizes
 * that are listed.
 * @throws RangeError if listed sizes do not add up to the dimension.
 */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  const at = normalizeDim(dim, x.ndim, "split");
  const size = x.shape[at] ?? 1;
  const lengths = typeof sizes === "number" ? pieces(size, sizes) : sizes;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== size || !lengths.every(length => Number.isInteger(length) && length >= 0)) {
    throw new RangeError(
      `split: sizes ${formatShape(lengths)} should be whole numbers that add up to ${size}, the ` +
        `size of dimension ${at} of ${formatShape(x.shape)}`,
    );
  }
  let start = 0;
  return lengths.map(length => {
    start += length;
    return narrow(x, at, start - length, length);
  });
}

/** Sizes of the pieces of `size` elements when each has `each` of them. */
function pieces(size: number, each: number): number[] {
  if (!Number.isInteger(each) || each < 1) {
    throw new RangeError(
      `split: the size of a piece should be a whole number from 1 on, got ${each}`,
    );
  }
  const count = Math.max(1, Math.ceil(size / each));
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
}

/** At most `chunks` pieces of equal size along a dimension; the last may be smaller. */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  const at = normalizeDim(dim, x.ndim, "chunk");
  if (!Number.isInteger(chunks) || chunks < 1) {
    throw new RangeError(`chunk: expects a whole number of chunks from 1 on, got ${chunks}`);
  }
  const size = x.shape[at] ?? 1;
  if (size === 0) return Array.from({ length: chunks }, () => x);
  return split(x, Math.ceil(size / chunks), at);
}

/** All slices along a dimension, which is removed. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const at = normalizeDim(dim, x.ndim, "unbind");
  return Array.from({ length: x.shape[at] ?? 0 }, (_, i) => select(x, at, i));
}
