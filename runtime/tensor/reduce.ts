/** Reductions over dimensions, and what is built of them. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import type { DType, ReduceFn } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { raised, roundedOutside } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import {
  add,
  asFloat,
  cast,
  compare,
  div,
  mul,
  rounded,
  sub,
  where,
  widened,
} from "./elementwise.ts";
import { iota } from "./indexing.ts";
import { asProbabilities } from "./lossUse.ts";
import { logicalNot } from "./masks.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { exp } from "./unary.ts";
import { expand, permute, reshape, unsqueeze, viewNode } from "./views.ts";

export type Dims = number | readonly number[] | undefined;

/** Lengths above this are reduced in two stages, so that more threads share the work. */
const STAGED = 1024;

/** Float32 under autocast. */
export function sum(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  return addUp(raised(x), dim, keepdim);
}

/** The sum in the dtype of x, but for bool. @internal */
export function addUp(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  const numbers = x.dtype === "bool" ? cast(x, "int32") : x;
  const dims = dimensions(x, dim, "sum");
  const y = record(numbers, "sum", dims, numbers.dtype);
  return finish(
    differentiable(y, "sum", [x], [], g => [expand(g, x.shape)]),
    dims,
    keepdim,
  );
}

export function mean(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  const length = reducedLength(x, dim, "mean");
  return rounded(perElement(sum(asFloat(x), dim, keepdim), length), x);
}

/**
 * A sum divided by a number of elements; NaN where there is none.
 * @internal
 */
export function perElement(total: Tensor, count: number): Tensor {
  // Compilers may take 0 / 0 for 0.
  return count > 0 ? div(total, count) : add(total, Number.NaN);
}

/** bool becomes int32. The derivative multiplies the others of each element, pair by pair. */
export function prod(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  return roundedOutside(product(widened(x), dim, keepdim), x);
}

function product(x: Tensor, dim: Dims, keepdim: boolean): Tensor {
  const dims = dimensions(x, dim, "prod");
  const numbers = x.dtype === "bool" ? cast(x, "int32") : x;
  const y = differentiable(record(numbers, "prod", dims, numbers.dtype), "prod", [x], [x], g => [
    mul(g, productOfOthers(x, dims)),
  ]);
  return finish(y, dims, keepdim);
}

/**
 * For each element the product of those that are reduced with it, without itself. Dividing the whole
 * product would fail at zeros, and so would the second derivative.
 */
function productOfOthers(x: Tensor, dims: readonly number[]): Tensor {
  const kept = x.shape.map((_, d) => d).filter(d => !dims.includes(d));
  const outer = kept.map(d => x.shape[d] ?? 1);
  const last = permute(x, [...kept, ...dims]);
  const rows = reshape(last, [...outer, reducedLength(x, dims, "prod")]);
  const pairs = [...rows.shape, rows.shape.at(-1) ?? 1];
  const self = compare("eq", iota(pairs, pairs.length - 2), iota(pairs, pairs.length - 1));
  const others = prod(where(self, 1, unsqueeze(rows, -2)), -1);
  const order = [...kept, ...dims];
  return permute(
    reshape(others, last.shape),
    order.map((_, d) => order.indexOf(d)),
  );
}

/** Whether any element is true, or not 0. */
export function any(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  const dims = dimensions(x, dim, "any");
  return finish(extremeTruth(x, "max", dims), dims, keepdim);
}

/** Whether all elements are true, or not 0. */
export function all(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  const dims = dimensions(x, dim, "all");
  // Of no elements all are true: so they are asked whether one is false.
  return finish(logicalNot(extremeTruth(logicalNot(x), "max", dims)), dims, keepdim);
}

/** The largest or smallest truth value. */
function extremeTruth(x: Tensor, fn: "max" | "min", dims: readonly number[]): Tensor {
  return cast(record(cast(cast(x, "bool"), "int32"), fn, dims, "int32"), "bool");
}

export function amax(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  return extremum(x, "max", dim, keepdim);
}

export function amin(x: Tensor, dim?: Dims, keepdim = false): Tensor {
  return extremum(x, "min", dim, keepdim);
}

/** Ties share the gradient, as in PyTorch. */
function extremum(x: Tensor, fn: "max" | "min", dim: Dims, keepdim: boolean): Tensor {
  const dims = dimensions(x, dim, fn);
  requireElements(x, dims, fn);
  if (x.dtype === "bool") return finish(extremeTruth(x, fn, dims), dims, keepdim);
  const kept = record(x, fn, dims, x.dtype);
  const y = differentiable(kept, fn, [x], [x, kept], g => {
    const hits = asFloat(compare("eq", x, kept));
    return [mul(hits, div(widened(g), sum(hits, dims, true)))];
  });
  return finish(y, dims, keepdim);
}

/** Index of an extreme element, int32; over all elements where no dimension is named. */
export function argReduce(
  x: Tensor,
  fn: "argmax" | "argmin",
  dim?: number,
  keepdim = false,
): Tensor {
  const numbers = cast(x.detach(), x.dtype === "bool" ? "int32" : x.dtype);
  const source = dim === undefined ? reshape(numbers, [x.numel]) : numbers;
  const dims = dimensions(source, dim ?? 0, fn);
  requireElements(source, dims, fn);
  return finish(record(source, fn, dims, "int32"), dims, keepdim && dim !== undefined);
}

/** log Σ exp(x), without overflow. */
export function logsumexp(x: Tensor, dim: Dims, keepdim = false): Tensor {
  return rounded(logTotal(asFloat(x), dim, keepdim), x);
}

function logTotal(float: Tensor, dim: Dims, keepdim: boolean): Tensor {
  const dims = dimensions(float, dim, "logsumexp");
  const kept = record(float, "logsumexp", dims, "float32");
  const y = differentiable(kept, "logsumexp", [float], [float, kept], g => [
    mul(exp(sub(float, y)), g),
  ]);
  return finish(y, dims, keepdim);
}

export function softmax(x: Tensor, dim: number): Tensor {
  const y = exp(logSoftmax(widened(x), dim));
  return asProbabilities(roundedOutside(y, x), "softmax");
}

export function logSoftmax(x: Tensor, dim: number): Tensor {
  const at = normalizeDim(dim, x.ndim, "logSoftmax");
  const numbers = widened(x);
  // Of large logits the logarithm of the sum is large, too: the difference would lose its digits.
  const shifted = sub(numbers, amax(numbers.detach(), at, true));
  return roundedOutside(sub(shifted, logsumexp(shifted, at, true)), x);
}

function dimensions(x: Tensor, dim: Dims, op: string): readonly number[] {
  if (dim === undefined) return x.shape.map((_, d) => d);
  const dims = [dim].flat().map(d => normalizeDim(d, x.ndim, op));
  if (new Set(dims).size !== dims.length) {
    throw new RangeError(`${op}: a dimension appears twice in [${dims.join(", ")}]`);
  }
  return x.ndim === 0 ? [] : dims.sort((a, b) => a - b);
}

/** How many elements are reduced to one. @internal */
export function reducedLength(x: Tensor, dim: Dims, op: string): number {
  return dimensions(x, dim, op).reduce((product, d) => product * (x.shape[d] ?? 1), 1);
}

function requireElements(x: Tensor, dims: readonly number[], op: string): void {
  if (dims.some(d => x.shape[d] === 0)) {
    throw new RangeError(`${op}: cannot reduce ${formatShape(x.shape)}: a reduced size is 0`);
  }
}

/** Records the reduction; reduced dimensions keep size 1. Of float16 the result alone is rounded. */
function record(x: Tensor, fn: ReduceFn, dims: readonly number[], dtype: DType): Tensor {
  if (dtype === "float16") return cast(record(x, fn, dims, "float32"), dtype);
  const shape = x.shape.map((size, d) => (dims.includes(d) ? 1 : size));
  const length = dims.reduce((product, d) => product * (x.shape[d] ?? 1), 1);
  const chunks = length > STAGED && dims.length === x.ndim ? divisorNearRoot(length) : 1;
  if (chunks > 1 && (fn === "sum" || fn === "max" || fn === "min" || fn === "prod")) {
    const rows = viewNode(x.node, { kind: "reshape" }, [chunks, length / chunks]);
    const parts = reduceNode(rows, fn, [1], [chunks, 1], dtype);
    const total = reduceNode(parts, fn, [0], [1, 1], dtype);
    return new Tensor(viewNode(total, { kind: "reshape" }, shape));
  }
  return new Tensor(reduceNode(x.node, fn, dims, shape, dtype));
}

function reduceNode(
  x: Node,
  fn: ReduceFn,
  dims: readonly number[],
  shape: Shape,
  dtype: DType,
): Node {
  return recordNode(new Node(internOp({ kind: "reduce", fn, dims }, shape, dtype), [x]));
}

/** The largest divisor up to the square root: 1 for primes. */
function divisorNearRoot(n: number): number {
  for (let d = Math.floor(Math.sqrt(n)); d > 1; d--) if (n % d === 0) return d;
  return 1;
}

function finish(kept: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  if (keepdim) return kept;
  return reshape(
    kept,
    kept.shape.filter((_, d) => !dims.includes(d)),
  );
}
