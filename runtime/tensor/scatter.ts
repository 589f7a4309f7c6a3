/**
 * Writing and adding at places that an index tensor names. The results do not depend on the order of
 * threads.
 */
import { full } from "./creation.ts";
import { add, clone, compare, mul, sub, where } from "./elementwise.ts";
import {
  alongDim,
  gather,
  hasManyPairs,
  iota,
  requireIndex,
  scatterSum,
  sortedStretches,
} from "./indexing.ts";
import { cat } from "./joining.ts";
import { amax } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim, sameShape } from "./shape.ts";
import { grow, narrow, slice } from "./slicing.ts";
import { argsort } from "./sorting.ts";
import { Tensor } from "./tensor.ts";
import { expand, unsqueeze } from "./views.ts";

/**
 * x with `y[index[i][j]][j] = source[i][j]` for dim 0, and so on. Of several elements for one place
 * the last one stays.
 * @param index int32, of as many dimensions as x, nowhere larger than the source, and nowhere larger
 * than x but along `dim`.
 * @param source a tensor of x's dtype, or a number.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
  const values = source instanceof Tensor ? source : full(index.shape, source, { dtype: x.dtype });
  const at = checkScatter("scatter", x, dim, index, values);
  if (index.numel === 0) return clone(x);
  const size = x.shape[at] ?? 1;
  const last = (hasManyPairs(index, at, size) ? lastOfSorted : lastOfAll)(index, at, size);
  const covered = compare("ge", grow(last, x.shape, -1), 0);
  return where(covered, grow(gather(values, at, last), x.shape), x);
}

/** For each place the last element that is meant for it; −1 where there is none. */
function lastOfAll(index: Tensor, dim: number, size: number): Tensor {
  const spread = unsqueeze(index, dim);
  const pairs = spread.shape.with(dim, size);
  const hit = compare("eq", expand(spread, pairs), iota(pairs, dim));
  return amax(where(hit, iota(pairs, dim + 1), -1), dim + 1);
}

/** The same by sorting the indices: equal ones keep their order, and only the last of them counts. */
function lastOfSorted(index: Tensor, dim: number, size: number): Tensor {
  const order = argsort(index, dim);
  const keys = gather(index, dim, order);
  const others = (keys.shape[dim] ?? 1) - 1;
  const changes = compare("ne", narrow(keys, dim, 0, others), narrow(keys, dim, 1, others));
  const isLast = cat([changes, full(keys.shape.with(dim, 1), 1, { dtype: "bool" })], dim);
  return sub(sortedStretches(where(isLast, add(order, 1), 0), dim, keys, size), 1);
}

/**
 * x with `y[index[i][j]][j] += source[i][j]` for dim 0, and so on.
 * @param index as for `scatter`.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const at = checkScatter("scatterAdd", x, dim, index, source);
  return add(x, scatterSum(corner(source, index.shape), at, index, x.shape));
}

/**
 * x with `alpha` times the slices of the source added to those that `index` (int32, one dimension)
 * names along `dim`.
 * @throws RangeError if the source has not one slice an index, in the shape of x's.
 */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor, alpha = 1): Tensor {
  const at = normalizeDim(dim, x.ndim, "indexAdd");
  const expected = x.shape.with(at, index.numel);
  if (index.ndim > 1 || !sameShape(source.shape, expected)) {
    throw new RangeError(
      `indexAdd: index ${formatShape(index.shape)} into ${formatShape(x.shape)} along dimension ` +
        `${at} needs a source of shape ${formatShape(expected)}, got ${formatShape(source.shape)}`,
    );
  }
  requireIndex(index, "indexAdd", x.shape[at] ?? 1, at);
  const places = alongDim(index, x.shape, at);
  return scatterAdd(x, at, places, alpha === 1 ? source : mul(source, alpha));
}

/** The first elements along each dimension. */
function corner(x: Tensor, shape: Shape): Tensor {
  return slice(
    x,
    shape.map(length => [0, length]),
  );
}

/** The dimension, counted from 0. */
function checkScatter(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor): number {
  const at = normalizeDim(dim, x.ndim, op);
  requireIndex(index, op, x.shape[at] ?? 1, at);
  if (source.dtype !== x.dtype) {
    throw new TypeError(
      `${op}: the source should have the tensor's dtype, ${x.dtype}, got ${source.dtype}`,
    );
  }
  const fits =
    index.ndim === x.ndim &&
    index.ndim === source.ndim &&
    index.shape.every(
      (size, d) => size <= (source.shape[d] ?? 0) && (d === at || size <= (x.shape[d] ?? 0)),
    );
  if (!fits) {
    throw new RangeError(
      `${op}: index ${formatShape(index.shape)} must have as many dimensions as the tensor ` +
        `${formatShape(x.shape)} and the source ${formatShape(source.shape)}, be no larger than the ` +
        `source, and no larger than the tensor apart from dimension ${at}`,
    );
  }
  return at;
}
