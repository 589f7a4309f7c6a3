import type { Tensor } from "../tensor/tensor.ts";
import { crossEntropy, mseLoss } from "./functional.ts";
import { Module } from "./module.ts";
import { checkReduction, type LossOptions, type Reduction } from "./reduction.ts";

/**
 * Softmax and negative log-likelihood in one: `forward(logits, targets)` with logits [N, classes]
 * and class numbers [N].
 */
export class CrossEntropyLoss extends Module<[Tensor, Tensor]> {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}) {
    super();
    this.reduction = checkReduction("CrossEntropyLoss", options.reduction);
  }

  forward(logits: Tensor, targets: Tensor): Tensor {
    return crossEntropy(logits, targets, { reduction: this.reduction });
  }
}

/** (input − target)², with `forward(input, target)` of one shape. */
export class MSELoss extends Module<[Tensor, Tensor]> {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}) {
    super();
    this.reduction = checkReduction("MSELoss", options.reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}
