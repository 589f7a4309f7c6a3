/**
 * Order along a dimension. Elements are ranked by counting how many come before them: every pair of
 * a row is compared, which suits rows of up to some thousands of elements.
 */
import { add, compare, map, mul } from "./elementwise.ts";
import { gather, iota } from "./indexing.ts";
import { argReduce, sum } from "./reduce.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
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
  const values = gather(rows, dim, indices);
  if (x.ndim > 0) return { values, indices };
  return { values: reshape(values, []), indices: reshape(indices, []) };
}

/** Where the first `count` elements in order are. */
function order(x: Tensor, dim: number, count: number, descending: boolean): Tensor {
  const rows = transpose(x.detach(), dim, -1);
  const keys = map("sortKey", [rows.node], rows.shape, "uint32");
  const size = keys.shape.at(-1) ?? 1;
  const pairs = [...keys.shape, size];
  const [i, j] = [iota(pairs, pairs.length - 2), iota(pairs, pairs.length - 1)];
  const [own, other] = [unsqueeze(keys, -1), unsqueeze(keys, -2)];
  const before = compare(descending ? "gt" : "lt", other, own);
  const tied = mul(compare("eq", other, own), compare("lt", j, i));
  const rank = sum(add(before, tied), -1);
  // The element of rank r: all others add 0.
  const places = [...keys.shape.slice(0, -1), count, size];
  const hit = compare("eq", unsqueeze(rank, -2), iota(places, places.length - 2));
  const indices = sum(mul(expand(hit, places), iota(places, places.length - 1)), -1);
  return transpose(indices, dim, -1);
}
