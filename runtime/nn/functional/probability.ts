/** Losses between probabilities. */
import { softplus } from "../../tensor/activations.ts";
import { roundedOutside } from "../../tensor/autocast.ts";
import { differentiable } from "../../tensor/autograd.ts";
import { widened } from "../../tensor/elementwise.ts";
import { checkLossArguments } from "../../tensor/lossUse.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkReduction, type LossOptions, type Reduction, reduced } from "../reduction.ts";
import { checkSameShape } from "./regression.ts";

export interface BinaryOptions extends LossOptions {
  /** What each loss is multiplied with; broadcasts. */
  weight?: Tensor | undefined;
}

/**
 * −(t log x + (1 − t) log(1 − x)), element by element. Logarithms below −100 count as −100, so that
 * the loss stays finite.
 * @param input probabilities; what is outside [0, 1] makes NaN
 * @param target probabilities in the shape of the input
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  options: BinaryOptions = {},
): Tensor {
  return roundedOutside(binaryCrossEntropyOf(widened(input), target, options), input);
}

function binaryCrossEntropyOf(input: Tensor, target: Tensor, options: BinaryOptions): Tensor {
  const reduction = checkReduction("binaryCrossEntropy", options.reduction);
  checkSameShape("binaryCrossEntropy", input, target);
  checkLossArguments("binaryCrossEntropy", input, target);
  const logOdds = () => clampedLog(input).sub(clampedLog(complement(input)));
  const [x, t] = [input.detach(), target.detach()];
  const value = clampedLog(x)
    .mul(t)
    .add(clampedLog(complement(x)).mul(complement(t)))
    .neg();
  // By steps, a logarithm that was clamped would leave a gradient of 0 · ∞.
  const losses = differentiable(
    value,
    "binaryCrossEntropy",
    [input, target],
    [input, target],
    g => [
      g.mul(input.sub(target)).div(input.mul(complement(input)).maximum(1e-12)),
      target.requiresGrad ? g.mul(logOdds()).neg() : null,
    ],
  );
  return reduced(
    "binaryCrossEntropy",
    options.weight ? losses.mul(options.weight) : losses,
    reduction,
  );
}

/**
 * The binary cross-entropy of sigmoid(input), exact for large inputs.
 * @param input logits
 * @param target probabilities in the shape of the input
 * @param options `posWeight` is what the losses of target 1 are multiplied with; broadcasts.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BinaryLogitsOptions = {},
): Tensor {
  return roundedOutside(binaryCrossEntropyOfLogits(widened(input), target, options), input);
}

function binaryCrossEntropyOfLogits(
  input: Tensor,
  target: Tensor,
  options: BinaryLogitsOptions,
): Tensor {
  const { weight, posWeight } = options;
  const reduction = checkReduction("binaryCrossEntropyWithLogits", options.reduction);
  checkSameShape("binaryCrossEntropyWithLogits", input, target);
  checkLossArguments("binaryCrossEntropyWithLogits", input, target, "logits");
  const negative = softplus(input.neg());
  const weighted = posWeight ? negative.mul(target.mul(posWeight.sub(1)).add(1)) : negative;
  const losses = input.mul(complement(target)).add(weighted);
  return reduced("binaryCrossEntropyWithLogits", weight ? losses.mul(weight) : losses, reduction);
}

export interface BinaryLogitsOptions extends BinaryOptions {
  /** What the losses of targets of 1 are multiplied with, beside `weight`; broadcasts. */
  posWeight?: Tensor | undefined;
}

export interface KLDivOptions {
  /** Whether the target holds logarithms, too. False by default. */
  logTarget?: boolean;
  /** "batchmean" divides by the number of rows: the divergence itself. "mean" by default. */
  reduction?: Reduction | "batchmean";
}

/**
 * target · (log target − input), element by element: the divergence of Kullback and Leibler 1951.
 * @param input log-probabilities
 * @param target probabilities in the shape of the input
 * @returns the mean, the sum, the sum by rows, or with "none" all in the shape of the input
 */
export function klDiv(input: Tensor, target: Tensor, options: KLDivOptions = {}): Tensor {
  return roundedOutside(divergence(widened(input), target, options), input);
}

function divergence(input: Tensor, target: Tensor, options: KLDivOptions): Tensor {
  const { logTarget = false } = options;
  const reduction = checkKLDivReduction("klDiv", options.reduction);
  checkSameShape("klDiv", input, target);
  checkLossArguments("klDiv", input, target, "log-probabilities");
  const losses = logTarget
    ? target.exp().mul(target.sub(input))
    : // 0 · log 0 is 0 here.
      target.mul(target.where(target.gt(0), 1).log().sub(input));
  return reduction === "batchmean"
    ? losses.sum().div(input.shape[0] ?? 1)
    : reduced("klDiv", losses, reduction);
}

/** @throws RangeError for a word that is no reduction. */
export function checkKLDivReduction(
  loss: string,
  reduction: KLDivOptions["reduction"],
): Reduction | "batchmean" {
  return reduction === "batchmean" ? reduction : checkReduction(loss, reduction);
}

function clampedLog(x: Tensor): Tensor {
  return x.log().maximum(-100);
}

function complement(x: Tensor): Tensor {
  return x.neg().add(1);
}
