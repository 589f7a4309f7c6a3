import { dropout as drop } from "../../tensor/dropout.ts";
import type { Tensor } from "../../tensor/tensor.ts";

export interface DropoutOptions {
  /** Probability with which an element becomes zero. 0.5 by default. */
  readonly p?: number;
  /** False leaves the input as it is. True by default. */
  readonly training?: boolean;
}

/**
 * Sets elements to zero with probability p and multiplies the others with 1 / (1 − p). Each call
 * drops others; `manualSeed` makes them repeat.
 * @throws RangeError if p is no probability.
 */
export function dropout(input: Tensor, options: DropoutOptions = {}): Tensor {
  const { p = 0.5, training = true } = options;
  return training ? drop(input, p) : input;
}
