/** Running sums and products. */
import { raised, roundedOutside } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { add, cast, compare, mul, rounded, where, widened } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import { pad } from "./joining.ts";
import { prod, sum } from "./reduce.ts";
import { normalizeDim } from "./shape.ts";
import { flip, narrow, select } from "./slicing.ts";
import type { Operand, Tensor } from "./tensor.ts";
import { reshape, transpose, unsqueeze } from "./views.ts";

/** What is taken together on the way. */
interface Fold {
  readonly all: (x: Tensor, dim: number) => Tensor;
  readonly two: (a: Tensor, b: Operand) => Tensor;
  /** Changes nothing. */
  readonly neutral: number;
}

const SUM: Fold = { all: sum, two: add, neutral: 0 };
const PRODUCT: Fold = { all: prod, two: mul, neutral: 1 };

/** Rows up to this length are folded directly: each element takes together all before it. */
const DIRECT = 128;

/** Element i of the result is the sum of elements 0 … i along the dimension. bool becomes int32. */
export function cumsum(values: Tensor, dim: number): Tensor {
  const x = raised(values);
  const at = normalizeDim(dim, x.ndim, "cumsum");
  const y = rounded(alongDim(widened(x.detach()), at, SUM), x);
  return differentiable(y, "cumsum", [x], [], grad => [flip(cumsum(flip(grad, [at]), at), [at])]);
}

/** Element i of the result is the product of elements 0 … i along the dimension. bool becomes int32. */
export function cumprod(x: Tensor, dim: number): Tensor {
  const at = normalizeDim(dim, x.ndim, "cumprod");
  return roundedOutside(alongDim(widened(x), at, PRODUCT), x);
}

function alongDim(x: Tensor, dim: number, fold: Fold): Tensor {
  const numbers = x.dtype === "bool" ? cast(x, "int32") : x;
  if (x.numel < 2) return fold.two(numbers, fold.neutral);
  return transpose(running(transpose(numbers, dim, -1), fold), dim, -1);
}

/** Along the last dimension: long rows as a square, whose rows are folded, then their results. */
function running(x: Tensor, fold: Fold): Tensor {
  const { all, two, neutral } = fold;
  const length = x.shape.at(-1) ?? 1;
  if (length <= DIRECT) {
    const pairs = [...x.shape, length];
    const upTo = compare("le", iota(pairs, x.ndim), iota(pairs, x.ndim - 1));
    return all(where(upTo, unsqueeze(x, -2), neutral), -1);
  }
  const width = Math.ceil(Math.sqrt(length));
  const height = Math.ceil(length / width);
  const square = [...x.shape.slice(0, -1), height, width];
  const padded = pad(x, [0, height * width - length], neutral);
  const rows = running(reshape(padded, square), fold);
  const before = pad(running(select(rows, -1, -1), fold), [1, -1], neutral);
  const flat = [...x.shape.slice(0, -1), height * width];
  return narrow(reshape(two(rows, unsqueeze(before, -1)), flat), -1, 0, length);
}
