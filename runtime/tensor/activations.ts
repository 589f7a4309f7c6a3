/** Activation functions that are built of others, and so are their derivatives. */
import { roundedOutside } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { add, asFloat, compare, div, mul, rounded, sub, where, widened } from "./elementwise.ts";
import type { Tensor } from "./tensor.ts";
import { erf, exp, expm1, sigmoid, softplusOfOne, square, tanh } from "./unary.ts";

/**
 * x · Φ(x) (Hendrycks and Gimpel 2016); `tanh`: their approximation, as GPT-2 uses it. The derivative is computed
 * from x alone: to keep Φ from forward to backward takes as much memory as x again.
 */
export function gelu(x: Tensor, approximate: "none" | "tanh"): Tensor {
  return rounded(geluOf(asFloat(x), approximate), x);
}

function geluOf(float: Tensor, approximate: "none" | "tanh"): Tensor {
  const [share, slope] =
    approximate === "none" ? [normalShare, normalSlope] : [tanhShare, tanhSlope];
  const y = mul(float.detach(), share(float.detach()));
  return differentiable(y, "gelu", [float], [float], grad => [
    mul(grad, add(share(float), mul(float, slope(float)))),
  ]);
}

/** Φ(x) */
function normalShare(x: Tensor): Tensor {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** The normal density. */
function normalSlope(x: Tensor): Tensor {
  return mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
}

/** Φ(x) as tanh approximates it. */
function tanhShare(x: Tensor): Tensor {
  return mul(add(tanh(inside(x)), 1), 0.5);
}

/** The derivative of `tanhShare`: share · (1 − share) · 2 · the derivative of what is inside. */
function tanhSlope(x: Tensor): Tensor {
  const share = tanhShare(x);
  const inner = mul(add(mul(square(x), 3 * CUBIC), 1), 2 * Math.sqrt(2 / Math.PI));
  return mul(mul(share, sub(1, share)), inner);
}

const CUBIC = 0.044715;

function inside(x: Tensor): Tensor {
  return mul(add(x, mul(mul(square(x), x), CUBIC)), Math.sqrt(2 / Math.PI));
}

/** x · sigmoid(x), also known as swish. */
export function silu(x: Tensor): Tensor {
  const numbers = widened(x);
  return rounded(mul(numbers, sigmoid(numbers)), x);
}

/** log(1 + exp(beta · x)) / beta; x itself where beta · x is above the threshold. */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  const numbers = widened(x);
  const scaled = mul(numbers, beta);
  const y = where(compare("gt", scaled, threshold), numbers, div(softplusOfOne(scaled), beta));
  return roundedOutside(y, x);
}

/** x above 0, alpha · (exp(x) − 1) below. */
export function elu(x: Tensor, alpha = 1): Tensor {
  const numbers = widened(x);
  const positive = compare("gt", numbers, 0);
  // exp of what is not taken must not overflow: infinity times a gradient of 0 is NaN.
  return rounded(where(positive, numbers, mul(expm1(where(positive, 0, numbers)), alpha)), x);
}

/** x above 0, slope · x below. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return where(compare("gt", x, 0), x, mul(x, negativeSlope));
}
