/** Elements by their indices, and sums into places that are named by them. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { add, cast, compare, where } from "./elementwise.ts";
import { hostValues } from "./hostValues.ts";
import { cat } from "./joining.ts";
import { matmul } from "./linear.ts";
import { addUp } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import { grow } from "./slicing.ts";
import { argsort } from "./sorting.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape, transpose, unsqueeze } from "./views.ts";

/** The index along `dim` in a tensor of `shape`, int32. */
export function iota(shape: Shape, dim: number): Tensor {
  return new Tensor(recordNode(new Node(internOp({ kind: "iota", dim }, shape, "int32"))));
}

/**
 * `y[i][j] = x[i][index[i][j]]` for dim 1, and so on.
 * @param index int32, of as many dimensions as x and nowhere larger but along `dim`. Indices out of
 * range read the last element.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const at = normalizeDim(dim, x.ndim, "gather");
  requireIndex(index, "gather", x.shape[at] ?? 1, at);
  const fits =
    index.ndim === x.ndim && index.shape.every((size, d) => d === at || size <= (x.shape[d] ?? 0));
  if (!fits) {
    throw new RangeError(
      `gather: index ${formatShape(index.shape)} must have as many dimensions as ` +
        `${formatShape(x.shape)} and be no larger apart from dimension ${at}`,
    );
  }
  const op = internOp({ kind: "gather", dim: at }, index.shape, x.dtype);
  const y = new Tensor(recordNode(new Node(op, [x.node, index.node])));
  return differentiable(y, "gather", [x], [index], grad => [scatterSum(grad, at, index, x.shape)]);
}

/** `index` (int32, one dimension) names slices along `dim`. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const at = normalizeDim(dim, x.ndim, "indexSelect");
  requireIndex(index, "indexSelect", x.shape[at] ?? 1, at);
  if (index.ndim > 1) {
    throw new RangeError(
      `indexSelect: index must have one dimension, this one has shape ${formatShape(index.shape)}`,
    );
  }
  const y = gather(x.detach(), at, alongDim(index, x.shape, at));
  const size = x.shape[at] ?? 1;
  return differentiable(y, "indexSelect", [x], [index], grad => [indexSum(grad, at, index, size)]);
}

/** A one-dimensional index along `dim`, the same in all other dimensions of `shape`. @internal */
export function alongDim(index: Tensor, shape: Shape, dim: number): Tensor {
  const column = shape.map((_, d) => (d === dim ? index.numel : 1));
  return expand(reshape(index, column), shape.with(dim, index.numel));
}

/** Of more pairs of an index and a place the indices are sorted, which takes some twenty dispatches. */
const COMPARED_PAIRS = 1 << 18;
/** Most pairs of an index and a place of which it is kept in memory at once whether they are equal. */
const KEPT_PAIRS = 1 << 22;
const MAX_PRODUCTS = 16;
/** Fewer columns do not make up for a second kernel. */
const FEW_COLUMNS = 8;

/**
 * The slices of `x` added to a dimension of `size`, at the places that `index` names: the product with
 * a matrix of ones and zeros, in parts where that is large.
 */
function indexSum(x: Tensor, dim: number, index: Tensor, size: number): Tensor {
  const count = index.numel;
  const columns = count === 0 ? 0 : x.numel / count;
  if (count * size > MAX_PRODUCTS * KEPT_PAIRS || columns < FEW_COLUMNS) {
    const along = (one: Tensor) => alongDim(one, x.shape, dim);
    if (count * size <= COMPARED_PAIRS) {
      return scatterSum(x, dim, along(index), x.shape.with(dim, size));
    }
    // The order is the same in all columns.
    const y = stretchSum(x.detach(), dim, along(index), along(argsort(index)), size);
    return differentiable(y, "indexSum", [x], [index], grad => [indexSelect(grad, dim, index)]);
  }
  const front = transpose(x.detach(), 0, dim);
  const rows = reshape(front, [count, columns]);
  const sums: Tensor[] = [];
  const step = Math.max(1, Math.floor(KEPT_PAIRS / count));
  for (let start = 0; start < size; start += step) {
    const pairs = [Math.min(step, size - start), count];
    const hits = compare("eq", add(iota(pairs, 0), start), reshape(index, [1, count]));
    sums.push(matmul(cast(hits, rows.dtype), rows));
  }
  const y = transpose(reshape(cat(sums), front.shape.with(0, size)), 0, dim);
  return differentiable(y.detach(), "indexSum", [x], [index], grad => [
    indexSelect(grad, dim, index),
  ]);
}

/**
 * Sums `x` into a tensor of `shape` at the places that `index` names along `dim`: for each place the
 * sum over all that name it, in their order, which is deterministic where atomic adds are not.
 * @internal
 */
export function scatterSum(x: Tensor, dim: number, index: Tensor, shape: Shape): Tensor {
  const size = shape[dim] ?? 1;
  const summed = (hasManyPairs(index, dim, size) ? sortedSum : comparedSum)(
    x.detach(),
    dim,
    index,
    size,
  );
  const y = grow(summed, shape);
  return differentiable(y, "scatterSum", [x], [index], grad => [gather(grad, dim, index)]);
}

/** Whether to sort the indices along a dimension is less than to compare them with `size` places. @internal */
export function hasManyPairs(index: Tensor, dim: number, size: number): boolean {
  return (index.shape[dim] ?? 1) * size > COMPARED_PAIRS;
}

/** Compares every index with every place. */
function comparedSum(x: Tensor, dim: number, index: Tensor, size: number): Tensor {
  const spread = unsqueeze(index, dim);
  const pairs = spread.shape.with(dim, size);
  const hit = compare("eq", expand(spread, pairs), iota(pairs, dim));
  return addUp(where(hit, unsqueeze(x, dim), 0), dim + 1);
}

/** Sorts the indices, and sums the stretches of equal ones. */
function sortedSum(x: Tensor, dim: number, index: Tensor, size: number): Tensor {
  return stretchSum(x, dim, index, argsort(index, dim), size);
}

/** The sum of what belongs to each place, where `order` sorts the indices. */
function stretchSum(x: Tensor, dim: number, index: Tensor, order: Tensor, size: number): Tensor {
  return sortedStretches(gather(x, dim, order), dim, gather(index, dim, order), size);
}

/** For each of `size` places the sum of the values beside its keys, which are sorted. @internal */
export function sortedStretches(values: Tensor, dim: number, keys: Tensor, size: number): Tensor {
  const dtype = values.dtype === "float16" ? "float32" : values.dtype;
  const op = internOp({ kind: "segment", dim }, values.shape.with(dim, size), dtype);
  return cast(new Tensor(recordNode(new Node(op, [values.node, keys.node]))), values.dtype);
}

/**
 * Values are checked where they are in host memory; others read the last element if too large.
 * @internal
 */
export function requireIndex(index: Tensor, op: string, size: number, dim: number): void {
  if (index.dtype !== "int32" && index.dtype !== "uint32") {
    throw new TypeError(`${op}: expects an int32 index, got ${index.dtype}. Use to("int32")`);
  }
  const stray = hostValues(index)?.find(value => value < 0 || value >= size);
  if (stray !== undefined) {
    throw new RangeError(
      `${op}: index ${stray} is out of bounds for dimension ${dim} with size ${size}`,
    );
  }
}
