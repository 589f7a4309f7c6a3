/** Variance and norms. */
import { differentiable } from "./autograd.ts";
import { asFloat, compare, div, mul, sub, where } from "./elementwise.ts";
import type { Dims } from "./reduce.ts";
import { mean, reducedLength, sum } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";
import { sqrt, square } from "./unary.ts";

export interface VarianceOptions {
  /** What is subtracted from the number of elements (Bessel's correction). Default: 1. */
  readonly correction?: number;
  /** Keep the reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

/** Σ (x − mean)² / (n − correction). */
export function variance(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  const { correction = 1, keepdim = false } = options;
  const count = Math.max(0, reducedLength(x, dim, "var") - correction);
  const float = asFloat(x);
  const squares = square(sub(float, mean(float, dim, true)));
  return div(sum(squares, dim, keepdim), count);
}

/** The root of the variance. Where that is 0, so is the gradient, as in PyTorch. */
export function std(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  return rootOrFlat(variance(x, dim, options));
}

/** √x, with slope 0 at 0. */
function rootOrFlat(x: Tensor): Tensor {
  const y = sqrt(x.detach());
  return differentiable(y, "sqrt", [x], [y], grad => {
    const zero = compare("eq", y, 0);
    return [where(zero, 0, div(grad, mul(where(zero, 1, y), 2)))];
  });
}
