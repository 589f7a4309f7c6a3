import { noGrad } from "../tensor/autograd.ts";
import { tensor } from "../tensor/creation.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Buffer } from "./buffer.ts";
import { checkSize } from "./checks.ts";
import { constant } from "./draw.ts";
import { batchNorm } from "./functional/normalization.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

export interface BatchNormLayerOptions {
  /** Added to the variance. 1e-5 by default. */
  eps?: number;
  /** How far the running statistics move to those of a batch; null averages all. 0.1 by default. */
  momentum?: number | null;
  /** Whether there are a weight, from 1 on, and a bias, from 0 on. True by default. */
  affine?: boolean;
  /** Whether there are running statistics; else those of the batch serve always. True by default. */
  trackRunningStats?: boolean;
}

/**
 * Normalises each channel over the batch (Ioffe and Szegedy 2015), by the statistics of the batch in
 * training, by their running mean after `eval()`.
 */
abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  weight: Parameter | undefined;
  bias: Parameter | undefined;
  runningMean: Buffer | undefined;
  runningVar: Buffer | undefined;
  numBatchesTracked: Buffer | undefined;

  constructor(numFeatures: number, options: BatchNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    this.numFeatures = checkSize(this.constructor.name, "numFeatures", numFeatures);
    this.eps = eps;
    this.momentum = momentum;
    if (affine) {
      this.weight = new Parameter(constant([numFeatures], 1));
      this.bias = new Parameter(constant([numFeatures], 0));
    }
    if (trackRunningStats) {
      this.runningMean = new Buffer(constant([numFeatures], 0));
      this.runningVar = new Buffer(constant([numFeatures], 1));
      this.numBatchesTracked = new Buffer(tensor(0, { dtype: "int32" }));
    }
  }

  /** Numbers of dimensions that the layer takes. */
  protected abstract get ranks(): readonly number[];

  forward(input: Tensor): Tensor {
    const { runningMean, runningVar, numBatchesTracked, training } = this;
    if (!this.ranks.includes(input.ndim) || input.shape[1] !== this.numFeatures) {
      throw new RangeError(
        `${this.constructor.name}: expects an input of ${this.ranks.join(" or ")} dimensions with ` +
          `${this.numFeatures} channels, [N, ${this.numFeatures}, ...], got ` +
          formatShape(input.shape),
      );
    }
    if (training) noGrad(() => numBatchesTracked?.add_(1));
    const average = () => numBatchesTracked?.to("float32").reciprocal() ?? 0;
    return batchNorm(input, runningMean, runningVar, {
      weight: this.weight,
      bias: this.bias,
      training,
      momentum: this.momentum ?? average(),
      eps: this.eps,
    });
  }
}

/** `BatchNorm` for inputs [N, channels] and [N, channels, length]. */
export class BatchNorm1d extends BatchNorm {
  protected override get ranks(): readonly number[] {
    return [2, 3];
  }
}

/** `BatchNorm` for inputs [N, channels, height, width]. */
export class BatchNorm2d extends BatchNorm {
  protected override get ranks(): readonly number[] {
    return [4];
  }
}
