import type { Tensor } from "../tensor/tensor.ts";
import { checkProbability } from "./checks.ts";
import { dropout } from "./functional/dropout.ts";
import { Module } from "./module.ts";

/**
 * In training, sets elements to zero with probability p and multiplies the others with 1 / (1 − p);
 * after `eval()` the input as it is.
 */
export class Dropout extends Module {
  readonly p: number;

  /** @param options `p` is 0.5 by default. */
  constructor(options: { p?: number } = {}) {
    super();
    this.p = checkProbability("Dropout", options.p ?? 0.5);
  }

  forward(input: Tensor): Tensor {
    return dropout(input, { p: this.p, training: this.training });
  }
}
