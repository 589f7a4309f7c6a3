/** Running sums. */
import { differentiable } from "./autograd.ts";
import { add, cast, compare, where } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import { pad } from "./joining.ts";
import { sum } from "./reduce.ts";
import { normalizeDim } from "./shape.ts";
import { flip, narrow, select } from "./slicing.ts";
import type { Tensor } from "./tensor.ts";
import { reshape, transpose, unsqueeze } from "./views.ts";

/** Rows up to this length are summed directly: each element adds up all before it. */
const DIRECT = 128;

/** Element i of the result is the sum of elements 0 … i along the dimension. bool becomes int32. */
export function cumsum(x: Tensor, dim: number): Tensor {
  const at = normalizeDim(dim, x.ndim, "cumsum");
  const numbers = cast(x.detach(), x.dtype === "bool" ? "int32" : x.dtype);
  if (x.numel < 2) return add(x, 0);
  const y = transpose(running(transpose(numbers, at, -1)), at, -1);
  return differentiable(y, "cumsum", [x], [], grad => [flip(cumsum(flip(grad, [at]), at), [at])]);
}

/** Along the last dimension: long rows as a square, whose rows are summed, then their totals. */
function running(x: Tensor): Tensor {
  const length = x.shape.at(-1) ?? 1;
  if (length <= DIRECT) {
    const pairs = [...x.shape, length];
    const upTo = compare("le", iota(pairs, x.ndim), iota(pairs, x.ndim - 1));
    return sum(where(upTo, unsqueeze(x, -2), 0), -1);
  }
  const width = Math.ceil(Math.sqrt(length));
  const height = Math.ceil(length / width);
  const square = [...x.shape.slice(0, -1), height, width];
  const rows = running(reshape(pad(x, [0, height * width - length]), square));
  const before = pad(running(select(rows, -1, -1)), [1, -1]);
  const all = reshape(add(rows, unsqueeze(before, -1)), [...x.shape.slice(0, -1), height * width]);
  return narrow(all, -1, 0, length);
}
