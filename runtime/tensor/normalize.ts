/** What layer, batch, group and root-mean-square normalisation have in common. */
import { differentiable } from "./autograd.ts";
import type { Tensor } from "./tensor.ts";

/** A tensor of mean 0 and variance 1, and what its mean and variance were; these keep size 1. */
export interface Standardized {
  readonly output: Tensor;
  readonly mean: Tensor;
  /** Divided by the number of elements, not by one less. */
  readonly variance: Tensor;
}

/**
 * (x − mean) / √(variance + eps) over dimensions. The derivative, (g − ḡ − y · mean(g y)) / σ, takes
 * two reductions, where one of each step would take five.
 */
export function standardize(x: Tensor, dims: readonly number[], eps: number): Standardized {
  const mean = x.mean(dims, true);
  const centered = x.sub(mean);
  const variance = centered.square().mean(dims, true);
  const factor = variance.add(eps).sqrt().reciprocal();
  const y = centered.detach().mul(factor.detach());
  const output = differentiable(y, "standardize", [x], [x, y], g => {
    const along = y.mul(g.mul(y).mean(dims, true));
    return [g.sub(g.mean(dims, true)).sub(along).mul(factor)];
  });
  return { output, mean: mean.detach(), variance: variance.detach() };
}

/** x / √(mean(x²) + eps) over dimensions (Zhang and Sennrich 2019). */
export function scaleToUnit(x: Tensor, dims: readonly number[], eps: number): Tensor {
  const factor = x.square().mean(dims, true).add(eps).sqrt().reciprocal();
  const y = x.detach().mul(factor.detach());
  return differentiable(y, "scaleToUnit", [x], [x, y], g => [
    g.sub(y.mul(g.mul(y).mean(dims, true))).mul(factor),
  ]);
}
