import { raised } from "../../tensor/autocast.ts";
import { checkTensor } from "../../tensor/checkTensor.ts";
import { checkTargetScale } from "../../tensor/lossUse.ts";
import { formatShape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkReduction, type LossOptions, reduced } from "../reduction.ts";

/**
 * (input − target)², element by element.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const reduction = checkReduction("mseLoss", options.reduction);
  return reduced("mseLoss", difference("mseLoss", input, target).square(), reduction);
}

/**
 * |input − target|, element by element.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const reduction = checkReduction("l1Loss", options.reduction);
  return reduced("l1Loss", difference("l1Loss", input, target).abs(), reduction);
}

/**
 * d² / 2 for |d| = |input − target| up to delta, delta · (|d| − delta / 2) beyond (Huber 1964).
 * @param options `delta` is 1 by default.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { delta?: number } = {},
): Tensor {
  const { delta = 1 } = options;
  const reduction = checkReduction("huberLoss", options.reduction);
  if (!(delta > 0)) throw new RangeError(`huberLoss: delta should be above 0, got ${delta}`);
  return reduced("huberLoss", huber(difference("huberLoss", input, target), delta), reduction);
}

/**
 * d² / (2 beta) for |d| = |input − target| below beta, |d| − beta / 2 beyond (Girshick 2015).
 * @param options `beta` is 1 by default; 0 makes it the `l1Loss`.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { beta?: number } = {},
): Tensor {
  const { beta = 1 } = options;
  const reduction = checkReduction("smoothL1Loss", options.reduction);
  if (!(beta >= 0)) throw new RangeError(`smoothL1Loss: beta should be 0 or above, got ${beta}`);
  const distance = difference("smoothL1Loss", input, target);
  return reduced(
    "smoothL1Loss",
    beta === 0 ? distance.abs() : huber(distance, beta).div(beta),
    reduction,
  );
}

function huber(d: Tensor, delta: number): Tensor {
  const size = d.abs();
  return d
    .square()
    .mul(0.5)
    .where(size.le(delta), size.sub(delta / 2).mul(delta));
}

function difference(name: string, input: Tensor, target: Tensor): Tensor {
  checkSameShape(name, input, target);
  checkTargetScale(input, target);
  return raised(input).sub(raised(target));
}

/** @throws RangeError if input and target differ in shape. */
export function checkSameShape(name: string, input: Tensor, target: Tensor): void {
  for (const each of [input, target]) checkTensor(name, each);
  if (sameShape(input.shape, target.shape)) return;
  throw new RangeError(
    `${name}: input ${formatShape(input.shape)} and target ${formatShape(target.shape)} differ ` +
      "in shape; broadcasting would compare every row with every other. Use " +
      "unsqueeze, squeeze or reshape to make them equal.",
  );
}
