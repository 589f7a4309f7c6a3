import * as activations from "../tensor/activations.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { GELUApproximation } from "./functional/activation.ts";
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

/** 1 / (1 + exp(−x)), element by element. */
export class Sigmoid extends Module {
  forward(input: Tensor): Tensor {
    return input.sigmoid();
  }
}

/** x sigmoid(x), element by element. */
export class SiLU extends Module {
  forward(input: Tensor): Tensor {
    return activations.silu(input);
  }
}

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

/** log(1 + exp(βx)) / β; x itself where βx is above the threshold. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(options: { beta?: number; threshold?: number } = {}) {
    super();
    this.beta = options.beta ?? 1;
    this.threshold = options.threshold ?? 20;
  }

  forward(input: Tensor): Tensor {
    return activations.softplus(input, this.beta, this.threshold);
  }
}

/** x where it is positive, α (exp(x) − 1) elsewhere. */
export class ELU extends Module {
  readonly alpha: number;

  constructor(options: { alpha?: number } = {}) {
    super();
    this.alpha = options.alpha ?? 1;
  }

  forward(input: Tensor): Tensor {
    return activations.elu(input, this.alpha);
  }
}

/** x where it is positive, slope · x elsewhere. */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor(options: { negativeSlope?: number } = {}) {
    super();
    this.negativeSlope = options.negativeSlope ?? 0.01;
  }

  forward(input: Tensor): Tensor {
    return activations.leakyRelu(input, this.negativeSlope);
  }
}

/** exp(x) / Σ exp(x) along a dimension. */
export class Softmax extends Module {
  readonly dim: number;

  constructor(options: { dim: number }) {
    super();
    this.dim = options.dim;
  }

  forward(input: Tensor): Tensor {
    return input.softmax(this.dim);
  }
}

/** log(softmax(x)) along a dimension, exact for large x. */
export class LogSoftmax extends Module {
  readonly dim: number;

  constructor(options: { dim: number }) {
    super();
    this.dim = options.dim;
  }

  forward(input: Tensor): Tensor {
    return input.logSoftmax(this.dim);
  }
}
