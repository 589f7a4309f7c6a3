/**
 * What PyTorch has as functions of tensors: `torch.exp(x)` beside `x.exp()`. `torch.log` is not
 * here: the name belongs to the log of a run.
 */
import { compare } from "./elementwise.ts";
import type { ValuesAndIndices } from "./sorting.ts";
import type { Operand, Tensor } from "./tensor.ts";

export { einsum } from "./einsum.ts";
export {
  add,
  atan2,
  clone,
  type DivOptions,
  div,
  lerp,
  maximum,
  minimum,
  mul,
  pow,
  remainder,
  sub,
  where,
} from "./elementwise.ts";
export { gather, indexSelect } from "./indexing.ts";
export { cat, stack } from "./joining.ts";
export { bmm, dot, matmul, mm, mv, outer } from "./linear.ts";
export { logicalAnd, logicalNot, logicalOr, logicalXor, tril, triu } from "./masks.ts";
export { diagonal, movedim, repeatInterleave, roll } from "./rearrange.ts";
export { all, amax, amin, any, logSoftmax, logsumexp, mean, prod, softmax, sum } from "./reduce.ts";
export {
  bernoulli,
  multinomial,
  normal,
  randint,
  randLike,
  randnLike,
  randperm,
} from "./sampling.ts";
export { cumprod, cumsum } from "./scan.ts";
export { indexAdd, scatter, scatterAdd } from "./scatter.ts";
export { maskedSelect, nonzero } from "./selection.ts";
export { chunk, flip, narrow, type Range, select, split, unbind } from "./slicing.ts";
export { argsort, sort, topk, type ValuesAndIndices } from "./sorting.ts";
export { norm, std, type VarianceOptions, variance as var } from "./statistics.ts";
export {
  abs,
  atan,
  ceil,
  clamp,
  cos,
  erf,
  exp,
  expm1,
  floor,
  isfinite,
  isinf,
  isnan,
  log1p,
  log2,
  neg,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  tan,
  tanh,
  trunc,
} from "./unary.ts";
export { flatten, permute, reshape, squeeze, transpose, unflatten, unsqueeze } from "./views.ts";

export const eq = (a: Operand, b: Operand): Tensor => compare("eq", a, b);
export const ne = (a: Operand, b: Operand): Tensor => compare("ne", a, b);
export const lt = (a: Operand, b: Operand): Tensor => compare("lt", a, b);
export const le = (a: Operand, b: Operand): Tensor => compare("le", a, b);
export const gt = (a: Operand, b: Operand): Tensor => compare("gt", a, b);
export const ge = (a: Operand, b: Operand): Tensor => compare("ge", a, b);

/** The index of the largest element, int32: the first of equals. */
export function argmax(x: Tensor, dim?: number, keepdim = false): Tensor {
  return x.argmax(dim, keepdim);
}

/** The index of the smallest element, int32: the first of equals. */
export function argmin(x: Tensor, dim?: number, keepdim = false): Tensor {
  return x.argmin(dim, keepdim);
}

/** The largest element; along a dimension with where it is; or the larger of two elements each. */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, other: Tensor): Tensor;
export function max(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
export function max(
  x: Tensor,
  which?: Tensor | number,
  keepdim?: boolean,
): Tensor | ValuesAndIndices {
  if (typeof which === "number") return x.max(which, keepdim);
  return which === undefined ? x.max() : x.max(which);
}

/** The smallest element; along a dimension with where it is; or the smaller of two elements each. */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, other: Tensor): Tensor;
export function min(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
export function min(
  x: Tensor,
  which?: Tensor | number,
  keepdim?: boolean,
): Tensor | ValuesAndIndices {
  if (typeof which === "number") return x.min(which, keepdim);
  return which === undefined ? x.min() : x.min(which);
}
