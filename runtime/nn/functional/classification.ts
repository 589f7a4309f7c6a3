import { roundedOutside } from "../../tensor/autocast.ts";
import { widened } from "../../tensor/elementwise.ts";
import { checkLossArguments, noteClasses } from "../../tensor/lossUse.ts";
import { sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkReduction, reduced } from "../reduction.ts";
import { type ClassLossOptions, ClassTargets, classDimension } from "./classTargets.ts";

export interface CrossEntropyOptions extends ClassLossOptions {
  /** This share of every target goes to all classes alike (Szegedy et al. 2015). 0 by default. */
  labelSmoothing?: number | undefined;
}

/**
 * −log softmax(logits)[target].
 * @param logits [N, classes] or [N, classes, d1, …], or [classes] for one sample
 * @param targets class numbers 0 … classes − 1, int32 of the shape of the logits without classes. A
 * number beyond is an error, or makes NaN where it comes from a computation on the GPU. Or
 * probabilities of the classes, float32 of the shape of the logits.
 * @returns the mean, the sum, or with "none" all in the shape of the logits without classes. The
 * mean of class numbers is over the weights of those that count, that of probabilities over all.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: CrossEntropyOptions = {},
): Tensor {
  return roundedOutside(crossEntropyOf(widened(logits), targets, options), logits);
}

function crossEntropyOf(logits: Tensor, targets: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, labelSmoothing = 0 } = options;
  const reduction = checkReduction("crossEntropy", options.reduction);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(
      `crossEntropy: labelSmoothing should be between 0 and 1, got ${labelSmoothing}`,
    );
  }
  const dim = classDimension("crossEntropy", logits, weight);
  const count = logits.shape[dim] ?? 1;
  checkLossArguments("crossEntropy", logits, targets, "logits");
  // log Σ exp − logit needs no second reduction when it is differentiated, as logSoftmax would.
  // Subtracting the largest logit changes nothing but the digits that are left of large ones.
  const shifted = logits.sub(logits.detach().amax(dim, true));
  const logTotal = shifted.logsumexp(dim, true);
  const spread = labelSmoothing / count;
  const noted = (loss: Tensor) => (reduction === "mean" ? noteClasses(loss, count) : loss);
  /** Σ p · −log softmax over the classes. */
  const expected = (probabilities: Tensor | number) => {
    const terms = logTotal.sub(shifted).mul(probabilities);
    return (weight ? terms.mul(weight.reshape(alongDimension(logits, dim))) : terms).sum(dim);
  };
  if (["float16", "float32"].includes(targets.dtype) && sameShape(targets.shape, logits.shape)) {
    if (options.ignoreIndex !== undefined) {
      throw new RangeError("crossEntropy: probabilities as targets know no ignoreIndex");
    }
    const smoothed = labelSmoothing ? targets.mul(1 - labelSmoothing).add(spread) : targets;
    return noted(reduced("crossEntropy", expected(smoothed), reduction));
  }
  const classes = new ClassTargets("crossEntropy", logits, dim, targets, options);
  const losses = classes.weigh(logTotal.squeeze(dim).sub(classes.pick(shifted)));
  const smoothed = labelSmoothing ? losses.mul(1 - labelSmoothing).add(expected(spread)) : losses;
  return noted(classes.reduce(smoothed, reduction));
}

/**
 * −input[target], for log-probabilities.
 * @param input [N, classes] or [N, classes, d1, …], or [classes] for one sample
 * @param targets class numbers as for `crossEntropy`
 */
export function nllLoss(input: Tensor, targets: Tensor, options: ClassLossOptions = {}): Tensor {
  return roundedOutside(nllLossOf(widened(input), targets, options), input);
}

function nllLossOf(input: Tensor, targets: Tensor, options: ClassLossOptions): Tensor {
  const reduction = checkReduction("nllLoss", options.reduction);
  const dim = classDimension("nllLoss", input, options.weight);
  checkLossArguments("nllLoss", input, targets, "log-probabilities");
  const classes = new ClassTargets("nllLoss", input, dim, targets, options);
  return classes.reduce(classes.weigh(classes.pick(input).neg()), reduction);
}

/** [1, classes, 1, …] */
function alongDimension(x: Tensor, dim: number): number[] {
  return x.shape.map((size, d) => (d === dim ? size : 1));
}
