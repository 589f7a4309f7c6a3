import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
} from "../tensor/convolution.ts";
import { uniform } from "../tensor/random.ts";
import { numel, type Shape } from "../tensor/shape.ts";
import { type PerDimension, perDimension } from "../tensor/space.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkSize } from "./checks.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

export interface ConvLayerOptions extends ConvOptions {
  /** Adds a bias to each channel of the output. True by default. */
  readonly bias?: boolean;
}

export interface ConvTransposeLayerOptions extends ConvTransposeOptions {
  /** Adds a bias to each channel of the output. True by default. */
  readonly bias?: boolean;
}

/** What all convolutions have: channels, kernel and groups, a weight, and a bias or none. */
abstract class Convolution extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Shape;
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: { readonly groups?: number; readonly bias?: boolean },
    transposed = false,
  ) {
    super();
    const { name } = new.target;
    const { groups = 1 } = options;
    this.inChannels = checkSize(name, "inChannels", inChannels);
    this.outChannels = checkSize(name, "outChannels", outChannels);
    this.kernelSize = perDimension(name, "kernelSize", kernelSize, rank, 1);
    this.groups = checkSize(name, "groups", groups);
    for (const [what, channels] of Object.entries({ inChannels, outChannels })) {
      if (channels % groups === 0) continue;
      throw new RangeError(
        `${name}: ${what} must be divisible by groups ${groups}, got ${channels}`,
      );
    }
    const [rows, columns] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    const perGroup = columns / groups;
    // PyTorch's kaiming_uniform_(weight, a=√5), which counts outputs where the weight is transposed.
    const bound = 1 / Math.sqrt(perGroup * numel(this.kernelSize));
    this.weight = new Parameter(uniform([rows, perGroup, ...this.kernelSize], -bound, bound));
    if (options.bias !== false) this.bias = new Parameter(uniform([outChannels], -bound, bound));
  }
}

/**
 * Slides kernels over sequences: [N, inChannels, L] becomes [N, outChannels, L']. The weight is
 * [outChannels, inChannels / groups, kernel]; it and the bias start uniform in ±1/√fan, where fan is
 * the number of inputs of an output.
 */
export class Conv1d extends Convolution {
  readonly options: ConvOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    super(1, inChannels, outChannels, kernelSize, options);
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return conv1d(input, this.weight, this.bias, this.options);
  }
}

/**
 * Slides kernels over images: [N, inChannels, H, W] becomes [N, outChannels, H', W']. The weight is
 * [outChannels, inChannels / groups, kernelH, kernelW]; it and the bias start uniform in ±1/√fan,
 * where fan is the number of inputs of an output.
 */
export class Conv2d extends Convolution {
  readonly options: ConvOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    super(2, inChannels, outChannels, kernelSize, options);
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, this.options);
  }
}

/**
 * The adjoint of a `Conv1d` with these options, which makes sequences longer. The weight is
 * [inChannels, outChannels / groups, kernel].
 */
export class ConvTranspose1d extends Convolution {
  readonly options: ConvTransposeOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(1, inChannels, outChannels, kernelSize, options, true);
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return convTranspose1d(input, this.weight, this.bias, this.options);
  }
}

/**
 * The adjoint of a `Conv2d` with these options, which makes images larger. The weight is
 * [inChannels, outChannels / groups, kernelH, kernelW].
 */
export class ConvTranspose2d extends Convolution {
  readonly options: ConvTransposeOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(2, inChannels, outChannels, kernelSize, options, true);
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return convTranspose2d(input, this.weight, this.bias, this.options);
  }
}
