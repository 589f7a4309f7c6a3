import * as activations from "../../tensor/activations.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** max(x, 0), element by element. */
export function relu(input: Tensor): Tensor {
  return input.relu();
}

/** The hyperbolic tangent, element by element. */
export function tanh(input: Tensor): Tensor {
  return input.tanh();
}

/** The logistic function 1 / (1 + exp(−x)), element by element. */
export function sigmoid(input: Tensor): Tensor {
  return input.sigmoid();
}

/** How GELU computes the normal distribution: by erf ("none"), or with the tanh approximation. */
export type GELUApproximation = "none" | "tanh";

/** x Φ(x), with Φ the normal distribution; "tanh" takes the faster approximation of it. */
export function gelu(input: Tensor, options: { approximate?: GELUApproximation } = {}): Tensor {
  return input.gelu(options.approximate);
}

/** x sigmoid(x), element by element (Hendrycks and Gimpel 2016). */
export function silu(input: Tensor): Tensor {
  return activations.silu(input);
}

/** log(1 + exp(βx)) / β; the input itself where βx is above the threshold (20 by default). */
export function softplus(
  input: Tensor,
  options: { beta?: number; threshold?: number } = {},
): Tensor {
  return activations.softplus(input, options.beta, options.threshold);
}

/** x where it is positive, α (exp(x) − 1) elsewhere; α is 1 by default (Clevert et al. 2015). */
export function elu(input: Tensor, options: { alpha?: number } = {}): Tensor {
  return activations.elu(input, options.alpha);
}

/** x where it is positive, slope · x elsewhere; the slope is 0.01 by default. */
export function leakyRelu(input: Tensor, options: { negativeSlope?: number } = {}): Tensor {
  return activations.leakyRelu(input, options.negativeSlope);
}

/** exp(x) / Σ exp(x) along a dimension. */
export function softmax(input: Tensor, dim: number): Tensor {
  return input.softmax(dim);
}

/** log(softmax(x)) along a dimension, exact for large x. */
export function logSoftmax(input: Tensor, dim: number): Tensor {
  return input.logSoftmax(dim);
}
