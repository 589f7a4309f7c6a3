import { type InterpolateOptions, interpolate } from "../tensor/interpolate.ts";
import {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
} from "../tensor/pooling.ts";
import type { PerDimension } from "../tensor/space.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/** What all pools of windows have: the size of a window, and options. */
abstract class Pool<Options> extends Module {
  readonly kernelSize: PerDimension;
  readonly options: Options | undefined;

  constructor(kernelSize: PerDimension, options?: Options) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }
}

/** The largest element of each window over sequences. */
export class MaxPool1d extends Pool<MaxPoolOptions> {
  forward(input: Tensor): Tensor {
    return maxPool1d(input, this.kernelSize, this.options);
  }
}

/** The largest element of each window over images. */
export class MaxPool2d extends Pool<MaxPoolOptions> {
  forward(input: Tensor): Tensor {
    return maxPool2d(input, this.kernelSize, this.options);
  }
}

/** The mean of each window over sequences. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  forward(input: Tensor): Tensor {
    return avgPool1d(input, this.kernelSize, this.options);
  }
}

/** The mean of each window over images. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  forward(input: Tensor): Tensor {
    return avgPool2d(input, this.kernelSize, this.options);
  }
}

/** Means of so many windows, which cover sequences evenly. */
export class AdaptiveAvgPool1d extends Module {
  readonly outputSize: number;

  constructor(outputSize: number) {
    super();
    this.outputSize = outputSize;
  }

  forward(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input, this.outputSize);
  }
}

/** Means of so many windows, which cover images evenly; `null` keeps a size. */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: number | readonly (number | null)[];

  constructor(outputSize: number | readonly (number | null)[]) {
    super();
    this.outputSize = outputSize;
  }

  forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }
}

/** Resizes sequences or images: see `nn.functional.interpolate`. */
export class Upsample extends Module {
  readonly options: InterpolateOptions;

  constructor(options: InterpolateOptions) {
    super();
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return interpolate(input, this.options);
  }
}
