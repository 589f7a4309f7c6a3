/**
 * Writing and adding at places that an index tensor names. The results do not depend on the order of
 * threads; the cost of writing is that of comparing every index with every place along the dimension.
 */
import { full } from "./creation.ts";
import { add, clone, compare, mul, where } from "./elementwise.ts";
import { alongDim, gather, iota, requireIndex, scatterSum } from "./indexing.ts";
import { amax } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim, sameShape } from "./shape.ts";
import { grow, slice } from "./slicing.ts";
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
  const spread = unsqueeze(index, at);
  const pairs = spread.shape.with(at, x.shape[at] ?? 1);
  const hit = compare("eq", expand(spread, pairs), iota(pairs, at));
  // For each place the last element that is meant for it; −1 where there is none.
  const last = amax(where(hit, iota(pairs, at + 1), -1), at + 1);
  const covered = compare("ge", grow(last, x.shape, -1), 0);
  return where(covered, grow(gather(values, at, last), x.shape), x);
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
