import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/** max(x, 0), element by element. */
export class ReLU extends Module {
  forward(input: Tensor): Tensor {
    return input.relu();
  }
}

/** The hyperbolic tangent, element by element. */
export class Tanh extends Module {
  forward(input: Tensor): Tensor {
    return input.tanh();
  }
}

/** How GELU computes the normal distribution: by erf ("none"), or with the tanh approximation. */
export type GELUApproximation = "none" | "tanh";

/** x Φ(x), with Φ the normal distribution (Hendrycks & Gimpel 2016). */
export class GELU extends Module {
  readonly approximate: GELUApproximation;

  constructor(options: { approximate?: GELUApproximation } = {}) {
    super();
    this.approximate = options.approximate ?? "none";
    if (this.approximate !== "none" && this.approximate !== "tanh") {
      throw new RangeError(
        `GELU: approximate should be "none" or "tanh", got "${options.approximate}"`,
      );
    }
  }

  forward(input: Tensor): Tensor {
    return input.gelu(this.approximate);
  }
}
