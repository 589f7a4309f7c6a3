/** Elements by their place: gather, selection, concatenation. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { cast, compare, maximum, minimum, mul, sub, where } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { expand, narrow, reshape, unsqueeze } from "./views.ts";

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
  const shape = x.shape.with(at, index.numel);
  const column = x.shape.map((_, d) => (d === at ? index.numel : 1));
  return gather(x, at, expand(reshape(index, column), shape));
}

/**
 * Sums `grad` into a tensor of `shape` at the places that `index` names along `dim`: for each place
 * the sum over all that name it, which is deterministic where atomic adds are not.
 */
function scatterSum(grad: Tensor, dim: number, index: Tensor, shape: Shape): Tensor {
  const size = shape[dim] ?? 1;
  const spread = unsqueeze(index, dim);
  const pairs = spread.shape.with(dim, size);
  const hit = compare("eq", expand(spread, pairs), iota(pairs, dim));
  const summed = sum(where(hit, unsqueeze(grad, dim), 0), dim + 1);
  return shape.reduce((y, full, d) => ((y.shape[d] ?? 1) < full ? pad(y, d, 0, full) : y), summed);
}

/** Zeros of `size` along a dimension, with `x` from `start` on. */
export function pad(x: Tensor, dim: number, start: number, size: number): Tensor {
  const length = x.shape[dim] ?? 1;
  const shape = x.shape.with(dim, size);
  const place = sub(iota(shape, dim), start);
  const inside = mul(compare("ge", place, 0), compare("lt", place, length));
  if (length === 0) return mul(cast(inside, x.dtype), 0);
  const op = internOp({ kind: "gather", dim }, shape, x.dtype);
  const index = minimum(maximum(place, 0), length - 1);
  const moved = new Tensor(recordNode(new Node(op, [x.node, index.node])));
  const y = new Tensor(where(inside, moved, 0).node);
  return differentiable(y, "pad", [x], [], grad => [narrow(grad, dim, start, length)]);
}

/**
 * Joins tensors along a dimension.
 * @throws RangeError if their shapes differ elsewhere.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first, ...rest] = tensors;
  if (!first) throw new RangeError("cat: expects at least one tensor");
  const at = normalizeDim(dim, first.ndim, "cat");
  for (const tensor of rest) {
    const fits =
      tensor.ndim === first.ndim &&
      tensor.shape.every((size, d) => d === at || size === first.shape[d]);
    if (!fits) {
      throw new RangeError(
        `cat: ${formatShape(first.shape)} and ${formatShape(tensor.shape)} differ apart from ` +
          `dimension ${at}`,
      );
    }
  }
  const total = tensors.reduce((length, tensor) => length + (tensor.shape[at] ?? 1), 0);
  let start = 0;
  const starts = tensors.map(tensor => {
    const before = start;
    start += tensor.shape[at] ?? 1;
    return before;
  });
  const shape = first.shape.with(at, total);
  const place = iota(shape, at);
  const parts = tensors.map((tensor, i) => pad(tensor.detach(), at, starts[i] ?? 0, total));
  const joined = parts.reduce((y, part, i) =>
    i === 0 ? part : where(compare("lt", place, starts[i] ?? 0), y, part),
  );
  return differentiable(new Tensor(joined.node), "cat", tensors, [], grad =>
    tensors.map((tensor, i) => narrow(grad, at, starts[i] ?? 0, tensor.shape[at] ?? 1)),
  );
}

/** Values are checked where they are in host memory; others read the last element if too large. */
function requireIndex(index: Tensor, op: string, size: number, dim: number): void {
  if (index.dtype !== "int32" && index.dtype !== "uint32") {
    throw new TypeError(`${op}: expects an int32 index, got ${index.dtype}. Use to("int32")`);
  }
  const stray = index.node.host?.find(value => value < 0 || value >= size);
  if (stray !== undefined) {
    throw new RangeError(
      `${op}: index ${stray} is out of bounds for dimension ${dim} with size ${size}`,
    );
  }
}
