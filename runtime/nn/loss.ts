/** Losses as modules: the functions of `nn.functional` with their options. */
import type { Tensor } from "../tensor/tensor.ts";
import { Buffer } from "./buffer.ts";
import { type CrossEntropyOptions, crossEntropy, nllLoss } from "./functional/classification.ts";
import type { ClassLossOptions } from "./functional/classTargets.ts";
import {
  type BinaryOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  checkKLDivReduction,
  type KLDivOptions,
  klDiv,
} from "./functional/probability.ts";
import { huberLoss, l1Loss, mseLoss, smoothL1Loss } from "./functional/regression.ts";
import { Module } from "./module.ts";
import { checkReduction, type LossOptions, type Reduction } from "./reduction.ts";

/** What all losses have; `forward(input, target)` hands them to the function. */
abstract class Loss extends Module<[input: Tensor, target: Tensor]> {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}) {
    super();
    this.reduction = checkReduction(this.constructor.name, options.reduction);
  }
}

/** A loss with a weight, which is part of the state, as in PyTorch. */
abstract class WeightedLoss extends Loss {
  weight: Buffer | undefined;

  constructor(options: BinaryOptions = {}) {
    super(options);
    this.weight = options.weight && new Buffer(options.weight);
  }
}

/** (input − target)². */
export class MSELoss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, this);
  }
}

/** |input − target|. */
export class L1Loss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this);
  }
}

/** Quadratic up to a distance of delta, linear beyond. */
export class HuberLoss extends Loss {
  readonly delta: number;

  /** @param options `delta` is 1 by default. */
  constructor(options: LossOptions & { delta?: number } = {}) {
    super(options);
    this.delta = options.delta ?? 1;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this);
  }
}

/** Quadratic up to a distance of beta, linear with slope 1 beyond. */
export class SmoothL1Loss extends Loss {
  readonly beta: number;

  /** @param options `beta` is 1 by default. */
  constructor(options: LossOptions & { beta?: number } = {}) {
    super(options);
    this.beta = options.beta ?? 1;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, this);
  }
}

/** −input[target], for log-probabilities [N, classes, …] and class numbers [N, …]. */
export class NLLLoss extends WeightedLoss {
  readonly ignoreIndex: number | undefined;

  constructor(options: ClassLossOptions = {}) {
    super(options);
    this.ignoreIndex = options.ignoreIndex;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, this);
  }
}

/**
 * Softmax and negative log-likelihood in one: `forward(logits, targets)` with logits
 * [N, classes, …], and class numbers [N, …] or probabilities in the shape of the logits.
 */
export class CrossEntropyLoss extends WeightedLoss {
  readonly ignoreIndex: number | undefined;
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyOptions = {}) {
    super(options);
    this.ignoreIndex = options.ignoreIndex;
    this.labelSmoothing = options.labelSmoothing ?? 0;
  }

  forward(logits: Tensor, targets: Tensor): Tensor {
    return crossEntropy(logits, targets, this);
  }
}

/** −(t log x + (1 − t) log(1 − x)), for probabilities. */
export class BCELoss extends WeightedLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, this);
  }
}

/** The binary cross-entropy of sigmoid(input), exact for large inputs. */
export class BCEWithLogitsLoss extends WeightedLoss {
  posWeight: Buffer | undefined;

  constructor(options: BinaryOptions & { posWeight?: Tensor | undefined } = {}) {
    super(options);
    this.posWeight = options.posWeight && new Buffer(options.posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(input, target, this);
  }
}

/** target · (log target − input), for log-probabilities and probabilities. */
export class KLDivLoss extends Module<[input: Tensor, target: Tensor]> {
  readonly logTarget: boolean;
  readonly reduction: NonNullable<KLDivOptions["reduction"]>;

  constructor(options: KLDivOptions = {}) {
    super();
    this.logTarget = options.logTarget ?? false;
    this.reduction = checkKLDivReduction("KLDivLoss", options.reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, this);
  }
}
