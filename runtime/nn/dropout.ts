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

  /** @param p the probability, 0.5 by default, also as `{ p }`. */
  constructor(p: number | { p?: number } = {}) {
    super();
    this.p = checkProbability("Dropout", typeof p === "number" ? p : (p.p ?? 0.5));
  }

  forward(input: Tensor): Tensor {
    return dropout(input, { p: this.p, training: this.training });
  }
}
