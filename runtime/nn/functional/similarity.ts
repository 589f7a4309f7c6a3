import { roundedOutside } from "../../tensor/autocast.ts";
import { widened } from "../../tensor/elementwise.ts";
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
  const [x, y] = [widened(x1), widened(x2)];
  const cosine = x
    .div(length(x))
    .mul(y.div(length(y)))
    .sum(dim);
  return roundedOutside(cosine, x1);
}
