import { roundedOutside } from "../../tensor/autocast.ts";
import { noGrad } from "../../tensor/autograd.ts";
import { checkTensor } from "../../tensor/checkTensor.ts";
import { rounded, widened } from "../../tensor/elementwise.ts";
import { scaleToUnit, standardize } from "../../tensor/normalize.ts";
import { formatShape, type Shape, sameShape } from "../../tensor/shape.ts";
import type { Operand, Tensor } from "../../tensor/tensor.ts";

export interface AffineOptions {
  /** What the normalised values are multiplied with. */
  readonly weight?: Tensor | undefined;
  /** What is added to them then. */
  readonly bias?: Tensor | undefined;
  /** Added to the variance. */
  readonly eps?: number;
}

export interface BatchNormOptions extends AffineOptions {
  /** Uses the statistics of the batch, and moves the running ones. False by default. */
  readonly training?: boolean;
  /** How far the running statistics move to those of the batch. 0.1 by default. */
  readonly momentum?: Operand;
}

/**
 * Normalises over the last dimensions (Ba et al. 2016).
 * @param normalizedShape sizes of the dimensions that are normalised, the last ones of the input;
 * also the shape of weight and bias.
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: Shape,
  options: AffineOptions = {},
): Tensor {
  const dims = lastDims("layerNorm", input, normalizedShape, options);
  const { output } = standardize(widened(input), dims, options.eps ?? 1e-5);
  return roundedOutside(affine(output, options), input);
}

/**
 * Divides by the root of the mean square over the last dimensions (Zhang and Sennrich 2019).
 * @param options `eps` is float32's smallest step at 1 by default.
 */
export function rmsNorm(
  input: Tensor,
  normalizedShape: Shape,
  options: Omit<AffineOptions, "bias"> = {},
): Tensor {
  const dims = lastDims("rmsNorm", input, normalizedShape, options);
  const output = scaleToUnit(widened(input), dims, options.eps ?? 2 ** -23);
  return roundedOutside(affine(output, options), input);
}

/**
 * Normalises groups of channels of each sample (Wu and He 2018).
 * @param input [N, channels, ...]
 * @param options weight and bias are of shape [channels].
 */
export function groupNorm(input: Tensor, numGroups: number, options: AffineOptions = {}): Tensor {
  const channels = channelsOf("groupNorm", input, options);
  if (channels % numGroups !== 0) {
    throw new RangeError(
      `groupNorm: ${channels} channels of input ${formatShape(input.shape)} can not be divided ` +
        `into ${numGroups} equal groups`,
    );
  }
  const groups = widened(input).reshape(input.shape[0] ?? 0, numGroups, -1);
  const { output } = standardize(groups, [2], options.eps ?? 1e-5);
  return roundedOutside(
    affine(output.reshape(input.shape), perChannel(options, input.ndim)),
    input,
  );
}

/**
 * Normalises each channel over the batch and all places (Ioffe and Szegedy 2015), or, where it does
 * not train, by the running statistics.
 * @param input [N, channels] or [N, channels, ...]
 * @param runningMean [channels], changed in place in training; undefined: the batch's are used.
 * @param runningVar [channels], the same.
 * @param options weight and bias are of shape [channels].
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | undefined,
  runningVar: Tensor | undefined,
  options: BatchNormOptions = {},
): Tensor {
  return rounded(batchNormOf(widened(input), runningMean, runningVar, options), input);
}

function batchNormOf(
  input: Tensor,
  runningMean: Tensor | undefined,
  runningVar: Tensor | undefined,
  options: BatchNormOptions,
): Tensor {
  const { training = false, momentum = 0.1, eps = 1e-5 } = options;
  const channels = channelsOf("batchNorm", input, options);
  const { weight, bias } = perChannel(options, input.ndim);
  if (!training && runningMean && runningVar) {
    const mean = alongChannels(runningMean, input.ndim);
    const deviation = alongChannels(runningVar, input.ndim).add(eps).sqrt();
    return affine(input.sub(mean).div(deviation), { weight, bias });
  }
  const count = input.numel / channels;
  if (training && count === 1) {
    throw new RangeError(
      `batchNorm: expected more than 1 value per channel when training, got input ` +
        `${formatShape(input.shape)}. Use a larger batch, or eval()`,
    );
  }
  const dims = input.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
  const { output, mean, variance } = standardize(input, dims, eps);
  if (training) {
    move(runningMean, mean, momentum);
    // The running one estimates the variance of all data, hence the n − 1.
    move(runningVar, variance.mul(count / (count - 1)), momentum);
  }
  return affine(output, { weight, bias });
}

function move(running: Tensor | undefined, statistic: Tensor, momentum: Operand): void {
  if (!running) return;
  noGrad(() => running.add_(statistic.reshape(running.shape).sub(running).mul(momentum)));
}

function affine(normalized: Tensor, { weight, bias }: AffineOptions): Tensor {
  const scaled = weight ? normalized.mul(weight) : normalized;
  return bias ? scaled.add(bias) : scaled;
}

/** Weight and bias [channels] for a tensor [N, channels, ...]. */
function perChannel({ weight, bias }: AffineOptions, rank: number): AffineOptions {
  return { weight: weight && alongChannels(weight, rank), bias: bias && alongChannels(bias, rank) };
}

function alongChannels(values: Tensor, rank: number): Tensor {
  return values.reshape([values.numel, ...new Array<number>(rank - 2).fill(1)]);
}

function lastDims(name: string, input: Tensor, normalizedShape: Shape, options: AffineOptions) {
  checkTensor(name, input);
  const start = input.ndim - normalizedShape.length;
  if (normalizedShape.length === 0 || !sameShape(input.shape.slice(start), normalizedShape)) {
    throw new RangeError(
      `${name}: normalizedShape is ${formatShape(normalizedShape)}, but the input is ` +
        `${formatShape(input.shape)}: its last dimensions should be the same`,
    );
  }
  checkAffine(name, options, normalizedShape);
  return normalizedShape.map((_, i) => start + i);
}

function channelsOf(name: string, input: Tensor, options: AffineOptions): number {
  const [, channels] = input.shape;
  if (channels === undefined) {
    throw new RangeError(
      `${name}: expects an input [N, channels, ...], got ${formatShape(input.shape)}`,
    );
  }
  checkAffine(name, options, [channels]);
  return channels;
}

function checkAffine(name: string, { weight, bias }: AffineOptions, shape: Shape): void {
  for (const [part, values] of Object.entries({ weight, bias })) {
    if (!values || sameShape(values.shape, shape)) continue;
    throw new RangeError(
      `${name}: the ${part} is ${formatShape(values.shape)}, and should be ${formatShape(shape)}`,
    );
  }
}
