import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
} from "../tensor/convolution.ts";
import type { PaddingMode } from "../tensor/joining.ts";
import { checkLayerInput } from "../tensor/lossUse.ts";
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
  /** What stands where the padding is: zeros, the default, or what goes on of the input. */
  readonly paddingMode?: "zeros" | PaddingMode;
}

export interface ConvTransposeLayerOptions extends ConvTransposeOptions {
  /** Adds a bias to each channel of the output. True by default. */
  readonly bias?: boolean;
}

interface LayerOptions {
  readonly groups?: number;
  readonly bias?: boolean;
}

/** What all convolutions have: channels, kernel and groups, a weight, and a bias or none. */
abstract class Convolution<Options extends LayerOptions> extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Shape;
  readonly groups: number;
  readonly options: Options | undefined;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options?: Options,
  ) {
    super();
    const { name } = new.target;
    const { groups = 1, bias = true }: LayerOptions = options ?? {};
    this.inChannels = checkSize(name, "inChannels", inChannels);
    this.outChannels = checkSize(name, "outChannels", outChannels);
    this.kernelSize = perDimension(name, "kernelSize", kernelSize, this.rank(), 1);
    this.groups = checkSize(name, "groups", groups);
    this.options = options;
    for (const [what, channels] of Object.entries({ inChannels, outChannels })) {
      if (channels % groups === 0) continue;
      throw new RangeError(
        `${name}: ${what} must be divisible by groups ${groups}, got ${channels}`,
      );
    }
    const [rows, columns] = this.transposed()
      ? [inChannels, outChannels]
      : [outChannels, inChannels];
    const perGroup = columns / groups;
    // PyTorch's kaiming_uniform_(weight, a=√5), which counts outputs where the weight is transposed.
    const bound = 1 / Math.sqrt(perGroup * numel(this.kernelSize));
    this.weight = new Parameter(uniform([rows, perGroup, ...this.kernelSize], -bound, bound));
    if (bias) this.bias = new Parameter(uniform([outChannels], -bound, bound));
  }

  /** Dimensions that the kernel slides over. */
  protected abstract rank(): number;

  /** Whether the weight has the inputs in front. */
  protected transposed(): boolean {
    return false;
  }
}

/** A convolution whose input may go on beyond its ends. */
abstract class PaddedConvolution extends Convolution<ConvLayerOptions> {
  forward(input: Tensor): Tensor {
    const { paddingMode = "zeros", ...options } = this.options ?? {};
    checkLayerInput(this.constructor.name, input);
    if (paddingMode === "zeros") return this.convolve(input, options);
    const padded = input.pad(this.#border(options), paddingMode);
    return this.convolve(padded, { ...options, padding: 0 });
  }

  protected abstract convolve(input: Tensor, options: ConvOptions): Tensor;

  /** Elements before and after the input, for the last dimension first. */
  #border({ padding = 0, dilation = 1 }: ConvOptions): number[] {
    const { name } = this.constructor;
    if (padding === "same") {
      const dilations = perDimension(name, "dilation", dilation, this.rank(), 1);
      const reach = this.kernelSize.map((kernel, d) => (dilations[d] ?? 1) * (kernel - 1));
      return reach.toReversed().flatMap(each => [Math.floor(each / 2), Math.ceil(each / 2)]);
    }
    const size = padding === "valid" ? 0 : padding;
    const sizes = perDimension(name, "padding", size, this.rank(), 0);
    return sizes.toReversed().flatMap(each => [each, each]);
  }
}

/**
 * Slides kernels over sequences: [N, inChannels, L] becomes [N, outChannels, L']. The weight is
 * [outChannels, inChannels / groups, kernel]; it and the bias start uniform in ±1/√fan, where fan is
 * the number of inputs of an output.
 */
export class Conv1d extends PaddedConvolution {
  protected rank(): number {
    return 1;
  }

  protected convolve(input: Tensor, options: ConvOptions): Tensor {
    return conv1d(input, this.weight, this.bias, options);
  }
}

/**
 * Slides kernels over images: [N, inChannels, H, W] becomes [N, outChannels, H', W']. The weight is
 * [outChannels, inChannels / groups, kernelH, kernelW]; it and the bias start uniform in ±1/√fan,
 * where fan is the number of inputs of an output.
 */
export class Conv2d extends PaddedConvolution {
  protected rank(): number {
    return 2;
  }

  protected convolve(input: Tensor, options: ConvOptions): Tensor {
    return conv2d(input, this.weight, this.bias, options);
  }
}

/** The adjoint of a convolution, which makes its input larger. */
abstract class TransposedConvolution extends Convolution<ConvTransposeLayerOptions> {
  protected override transposed(): boolean {
    return true;
  }
}

/**
 * The adjoint of a `Conv1d` with these options, which makes sequences longer. The weight is
 * [inChannels, outChannels / groups, kernel].
 */
export class ConvTranspose1d extends TransposedConvolution {
  protected rank(): number {
    return 1;
  }

  forward(input: Tensor): Tensor {
    return convTranspose1d(input, this.weight, this.bias, this.options);
  }
}

/**
 * The adjoint of a `Conv2d` with these options, which makes images larger. The weight is
 * [inChannels, outChannels / groups, kernelH, kernelW].
 */
export class ConvTranspose2d extends TransposedConvolution {
  protected rank(): number {
    return 2;
  }

  forward(input: Tensor): Tensor {
    return convTranspose2d(input, this.weight, this.bias, this.options);
  }
}
