/** Variance and norms. */
import { roundedOutside } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { full } from "./creation.ts";
import { asFloat, compare, div, mul, pow, rounded, sub, where, widened } from "./elementwise.ts";
import type { Dims } from "./reduce.ts";
import { amax, amin, mean, perElement, reducedLength, sum } from "./reduce.ts";
import { normalizeDim } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { abs, sign, sqrt, square } from "./unary.ts";
import { reshape } from "./views.ts";

export interface VarianceOptions {
  /** What is subtracted from the number of elements (Bessel's correction). Default: 1. */
  readonly correction?: number;
  /** Keep the reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

/** Σ (x − mean)² / (n − correction); NaN where that is no positive number of elements. */
export function variance(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  const { correction = 1, keepdim = false } = options;
  const count = reducedLength(x, dim, "var") - correction;
  const float = asFloat(x);
  const squares = square(sub(float, mean(float, dim, true)));
  return rounded(perElement(sum(squares, dim, keepdim), count), x);
}

/** The root of the variance. Where that is 0, so is the gradient, as in PyTorch. */
export function std(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  return rounded(rootOrFlat(variance(widened(x), dim, options)), x);
}

/** √x, with slope 0 at 0. */
function rootOrFlat(x: Tensor): Tensor {
  const y = sqrt(x.detach());
  return differentiable(y, "sqrt", [x], [y], grad => {
    const zero = compare("eq", y, 0);
    return [where(zero, 0, div(grad, mul(where(zero, 1, y), 2)))];
  });
}

/**
 * The p-norm (Σ |x|^p)^(1/p) over dimensions, 2 by default; Infinity and -Infinity are the largest
 * and smallest absolute value, 0 counts what is not 0. Where the norm is 0, so is the gradient.
 */
export function norm(x: Tensor, p = 2, dim?: Dims, keepdim = false): Tensor {
  return roundedOutside(pNorm(asFloat(x), p, dim, keepdim), x);
}

function pNorm(float: Tensor, p: number, dim: Dims, keepdim: boolean): Tensor {
  if (p === 0) {
    const count = sum(asFloat(compare("ne", float, 0)), dim, keepdim);
    return differentiable(count, "norm", [float], [], () => [full(float.shape, 0)]);
  }
  const size = abs(float);
  if (p === 1) return sum(size, dim, keepdim);
  if (p === Number.POSITIVE_INFINITY) return amax(size, dim, keepdim);
  if (p === Number.NEGATIVE_INFINITY) return amin(size, dim, keepdim);
  const dims = dim ?? float.shape.map((_, d) => d);
  const kept = powerNorm(float, p, dims);
  if (keepdim) return kept;
  const gone = new Set([dims].flat().map(d => normalizeDim(d, float.ndim, "norm")));
  return reshape(
    kept,
    kept.shape.filter((_, d) => !gone.has(d)),
  );
}

function powerNorm(x: Tensor, p: number, dims: Dims): Tensor {
  const size = abs(x.detach());
  const y =
    p === 2 ? sqrt(sum(square(size), dims, true)) : pow(sum(pow(size, p), dims, true), 1 / p);
  return differentiable(y, "norm", [x], [x, y], grad => {
    // x |x|^(p − 2) / y^(p − 1), where neither is 0.
    const length = where(compare("eq", y, 0), 1, y);
    if (p === 2) return [mul(grad, div(x, length))];
    const zero = compare("eq", x, 0);
    const share = div(where(zero, 1, abs(x)), length);
    return [mul(grad, where(zero, 0, mul(sign(x), pow(share, p - 1))))];
  });
}
