import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkSize } from "./checks.ts";
import { constant } from "./draw.ts";
import { groupNorm, layerNorm, rmsNorm } from "./functional/normalization.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * Normalises each sample over its last dimensions (Ba et al. 2016); then multiplies with a weight,
 * from 1 on, and adds a bias, from 0 on, of the shape of these dimensions.
 */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  /** @param normalizedShape sizes of the dimensions, or the size of the last one. */
  constructor(
    normalizedShape: number | Shape,
    options: { eps?: number; elementwiseAffine?: boolean; bias?: boolean } = {},
  ) {
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.normalizedShape = checkShape("LayerNorm", normalizedShape);
    this.eps = eps;
    if (!elementwiseAffine) return;
    this.weight = new Parameter(constant(this.normalizedShape, 1));
    if (bias) this.bias = new Parameter(constant(this.normalizedShape, 0));
  }

  forward(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this);
  }
}

/**
 * Divides each sample by its root mean square over the last dimensions (Zhang and Sennrich 2019);
 * then multiplies with a weight, from 1 on, of the shape of these dimensions.
 */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  weight: Parameter | undefined;

  /**
   * @param normalizedShape sizes of the dimensions, or the size of the last one.
   * @param options `eps` is float32's smallest step at 1 by default.
   */
  constructor(
    normalizedShape: number | Shape,
    options: { eps?: number; elementwiseAffine?: boolean } = {},
  ) {
    super();
    const { eps = 2 ** -23, elementwiseAffine = true } = options;
    this.normalizedShape = checkShape("RMSNorm", normalizedShape);
    this.eps = eps;
    if (elementwiseAffine) this.weight = new Parameter(constant(this.normalizedShape, 1));
  }

  forward(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this);
  }
}

/**
 * Normalises groups of channels of each sample (Wu and He 2018), for inputs [N, channels, ...]; then
 * multiplies with a weight, from 1 on, and adds a bias, from 0 on, of [channels].
 */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(
    numGroups: number,
    numChannels: number,
    options: { eps?: number; affine?: boolean } = {},
  ) {
    super();
    const { eps = 1e-5, affine = true } = options;
    this.numGroups = checkSize("GroupNorm", "numGroups", numGroups);
    this.numChannels = checkSize("GroupNorm", "numChannels", numChannels);
    this.eps = eps;
    if (numChannels % numGroups !== 0) {
      throw new RangeError(
        `GroupNorm: ${numChannels} channels can not be divided into ${numGroups} equal groups`,
      );
    }
    if (!affine) return;
    this.weight = new Parameter(constant([numChannels], 1));
    this.bias = new Parameter(constant([numChannels], 0));
  }

  forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this);
  }
}

function checkShape(layer: string, shape: number | Shape): Shape {
  const sizes = [shape].flat();
  for (const size of sizes) checkSize(layer, "normalizedShape", size);
  return sizes;
}
