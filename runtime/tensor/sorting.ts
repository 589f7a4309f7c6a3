/**
 * Order along a dimension. In short rows elements are ranked by counting how many come before them;
 * long rows are divided into such, which are merged in pairs.
 */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { add, compare, map, mul, scalarNode, sub } from "./elementwise.ts";
import { gather, iota } from "./indexing.ts";
import { pad } from "./joining.ts";
import { argReduce, sum } from "./reduce.ts";
import { formatShape, normalizeDim, sameShape } from "./shape.ts";
import { narrow } from "./slicing.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape, squeeze, transpose, unsqueeze } from "./views.ts";

/** Elements, and where along the dimension they were (int32). */
export interface ValuesAndIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** Equal elements keep their order; NaN is larger than all others, as in PyTorch. */
export function sort(x: Tensor, dim = -1, descending = false): ValuesAndIndices {
  const at = normalizeDim(dim, x.ndim, "sort");
  return pick(x, rows => order(rows, at, rows.shape[at] ?? 1, descending), at);
}

/** Indices (int32) that sort the tensor along a dimension. */
export function argsort(x: Tensor, dim = -1, descending = false): Tensor {
  return sort(x, dim, descending).indices;
}

/**
 * The k largest elements along a dimension, or with `largest` false the smallest, in order.
 * @throws RangeError if there are fewer than k.
 */
export function topk(x: Tensor, k: number, dim = -1, largest = true): ValuesAndIndices {
  const at = normalizeDim(dim, x.ndim, "topk");
  const size = x.shape[at] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > size) {
    throw new RangeError(
      `topk: k = ${k} should be a whole number from 0 to ${size}, the size of dimension ${at} of ` +
        formatShape(x.shape),
    );
  }
  return pick(x, rows => order(rows, at, k, largest), at);
}

/** The largest or smallest element along a dimension, the first of equals. It gets the gradient. */
export function extreme(
  x: Tensor,
  fn: "argmax" | "argmin",
  dim: number,
  keepdim: boolean,
): ValuesAndIndices {
  const at = normalizeDim(dim, x.ndim, fn === "argmax" ? "max" : "min");
  const { values, indices } = pick(x, rows => argReduce(rows, fn, at, true), at);
  if (keepdim || x.ndim === 0) return { values, indices };
  return { values: squeeze(values, at), indices: squeeze(indices, at) };
}

/** The elements at the indices that `find` finds. A number is a row of one element. */
function pick(x: Tensor, find: (rows: Tensor) => Tensor, dim: number): ValuesAndIndices {
  const rows = x.ndim === 0 ? reshape(x, [1]) : x;
  const indices = find(rows);
  const values = sameShape(indices.shape, rows.shape)
    ? permuted(rows, dim, indices)
    : gather(rows, dim, indices);
  if (x.ndim > 0) return { values, indices };
  return { values: reshape(values, []), indices: reshape(indices, []) };
}

/** The elements of each row in another order. The gradient goes back by the inverse order. */
function permuted(x: Tensor, dim: number, indices: Tensor): Tensor {
  const y = gather(x.detach(), dim, indices);
  return differentiable(y, "sort", [x], [indices], grad => [
    permuted(grad, dim, argsort(indices, dim)),
  ]);
}

/** Rows up to this length are ranked by comparing every pair. */
const DIRECT = 128;
/** The largest key: behind all others, and what is taken from it the key of the opposite order. */
const LAST_KEY = 0xffff_ffff;

/** Where the first `count` elements in order are. */
function order(x: Tensor, dim: number, count: number, descending: boolean): Tensor {
  const rows = transpose(x.detach(), dim, -1);
  const keys = map("sortKey", [rows.node], rows.shape, "uint32");
  const ascending = descending ? sub(LAST_KEY, keys) : keys;
  const size = rows.shape.at(-1) ?? 1;
  const indices =
    size <= DIRECT ? ranked(ascending, count) : narrow(merged(ascending), -1, 0, count);
  return transpose(indices, dim, -1);
}

/** Where the `count` smallest keys of each row are, found by comparing all pairs. */
function ranked(keys: Tensor, count: number): Tensor {
  const size = keys.shape.at(-1) ?? 1;
  const pairs = [...keys.shape, size];
  const [i, j] = [iota(pairs, pairs.length - 2), iota(pairs, pairs.length - 1)];
  const [own, other] = [unsqueeze(keys, -1), unsqueeze(keys, -2)];
  const before = compare("lt", other, own);
  const tied = mul(compare("eq", other, own), compare("lt", j, i));
  const rank = sum(add(before, tied), -1);
  // The element of rank r: all others add 0.
  const places = [...keys.shape.slice(0, -1), count, size];
  const hit = compare("eq", unsqueeze(rank, -2), iota(places, places.length - 2));
  return sum(mul(expand(hit, places), iota(places, places.length - 1)), -1);
}

/**
 * Where the keys of each row are in order: those of equal parts are ranked, and the parts merged.
 * What fills up the last part comes last.
 */
function merged(keys: Tensor): Tensor {
  const size = keys.shape.at(-1) ?? 1;
  const parts = 2 ** Math.ceil(Math.log2(size / DIRECT));
  const length = Math.ceil(size / parts);
  const width = parts * length;
  const rows = [...keys.shape.slice(0, -1), width];
  const divided = reshape(pad(keys, [0, width - size], LAST_KEY), [
    ...rows.with(-1, parts),
    length,
  ]);
  const local = ranked(divided, length);
  const starts = mul(iota(local.shape, local.ndim - 2), length);
  let indices = reshape(add(local, starts), rows);
  let sorted = reshape(gather(divided, -1, local), rows);
  for (let run = length; run < width; run *= 2) {
    const operands = [sorted.node, scalarNode(run, "uint32")];
    const op = internOp({ kind: "merge" }, rows, "int32");
    const source = new Tensor(recordNode(new Node(op, operands)));
    indices = gather(indices, -1, source);
    sorted = gather(sorted, -1, source);
  }
  return indices;
}
