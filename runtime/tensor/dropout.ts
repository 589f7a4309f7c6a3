import { rand } from "./random.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Sets elements to zero with probability p and multiplies the others with 1 / (1 − p) (Srivastava
 * et al. 2014). Each call takes the next numbers of the seed; backward meets the same ones.
 * @throws RangeError if p is no probability.
 */
export function dropout(x: Tensor, p: number): Tensor {
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`dropout: the probability should be between 0 and 1, got ${p}`);
  }
  if (p === 0) return x;
  // 1 / (1 − p) is infinite then, and would make NaN of zeros.
  if (p === 1) return x.mul(0);
  return x.mul(1 / (1 - p)).where(rand(x.shape).ge(p), 0);
}
