import type { Tensor } from "../../tensor/tensor.ts";

/**
 * The cosine of the angle between vectors along a dimension.
 * @param options `dim` is 1 by default; `eps` (1e-8) is the least length that counts.
 * @returns the broadcast shape of both without the dimension.
 */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  options: { dim?: number; eps?: number } = {},
): Tensor {
  const { dim = 1, eps = 1e-8 } = options;
  // Clamped before the root, whose slope at 0 is infinite.
  const length = (x: Tensor) =>
    x
      .square()
      .sum(dim, true)
      .maximum(eps ** 2)
      .sqrt();
  return x1
    .div(length(x1))
    .mul(x2.div(length(x2)))
    .sum(dim);
}
