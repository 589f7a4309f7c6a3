/** Activation functions that are built of others, and so are their derivatives. */
import { add, compare, div, mul, where } from "./elementwise.ts";
import type { Tensor } from "./tensor.ts";
import { erf, expm1, sigmoid, softplusOfOne, square, tanh } from "./unary.ts";

/** x · Φ(x) (Hendrycks and Gimpel 2016); `tanh`: their approximation, as GPT-2 uses it. */
export function gelu(x: Tensor, approximate: "none" | "tanh"): Tensor {
  if (approximate === "none") {
    return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
  }
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** x · sigmoid(x), also known as swish. */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/** log(1 + exp(beta · x)) / beta; x itself where beta · x is above the threshold. */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  const scaled = mul(x, beta);
  return where(compare("gt", scaled, threshold), x, div(softplusOfOne(scaled), beta));
}

/** x above 0, alpha · (exp(x) − 1) below. */
export function elu(x: Tensor, alpha = 1): Tensor {
  const positive = compare("gt", x, 0);
  // exp of what is not taken must not overflow: infinity times a gradient of 0 is NaN.
  return where(positive, x, mul(expm1(where(positive, 0, x)), alpha));
}

/** x above 0, slope · x below. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return where(compare("gt", x, 0), x, mul(x, negativeSlope));
}
