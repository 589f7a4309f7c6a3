import { uniform } from "../tensor/random.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkSize } from "./checks.ts";
import { bilinear, linear } from "./functional/linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * y = x Wᵀ + b for x of shape [..., inFeatures]; W is [outFeatures, inFeatures], b [outFeatures].
 * Both start uniform in ±1/√inFeatures: PyTorch's `kaiming_uniform_(weight, a=√5)`.
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super();
    this.inFeatures = checkSize("Linear", "inFeatures", inFeatures);
    this.outFeatures = checkSize("Linear", "outFeatures", outFeatures);
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = new Parameter(uniform([outFeatures, inFeatures], -bound, bound));
    this.bias =
      options.bias === false ? undefined : new Parameter(uniform([outFeatures], -bound, bound));
  }

  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }
}

/**
 * y_o = x1ᵀ W_o x2 + b_o for inputs [..., in1Features] and [..., in2Features]; W is
 * [outFeatures, in1Features, in2Features], b [outFeatures]. Both start uniform in ±1/√in1Features.
 */
export class Bilinear extends Module<[input1: Tensor, input2: Tensor]> {
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    options: { bias?: boolean } = {},
  ) {
    super();
    this.in1Features = checkSize("Bilinear", "in1Features", in1Features);
    this.in2Features = checkSize("Bilinear", "in2Features", in2Features);
    this.outFeatures = checkSize("Bilinear", "outFeatures", outFeatures);
    const bound = 1 / Math.sqrt(in1Features);
    this.weight = new Parameter(uniform([outFeatures, in1Features, in2Features], -bound, bound));
    this.bias =
      options.bias === false ? undefined : new Parameter(uniform([outFeatures], -bound, bound));
  }

  forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias);
  }
}

/** Its input; what replaces a layer that is taken out. */
export class Identity extends Module {
  forward(input: Tensor): Tensor {
    return input;
  }
}

/** The dimensions from `startDim` (1 by default, behind the batch) to `endDim` as one. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(options: { startDim?: number; endDim?: number } = {}) {
    super();
    this.startDim = options.startDim ?? 1;
    this.endDim = options.endDim ?? -1;
  }

  forward(input: Tensor): Tensor {
    return input.flatten(this.startDim, this.endDim);
  }
}

/** A dimension as several, the inverse of `Flatten`; one size may be −1. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: Shape;

  constructor(dim: number, unflattenedSize: Shape) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  forward(input: Tensor): Tensor {
    return input.unflatten(this.dim, this.unflattenedSize);
  }
}
