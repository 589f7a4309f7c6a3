import type { UpdateRule } from "../kernels/optimizer.ts";
import { ADAGRAD_RULE, ADAGRAD_WORDS, inOrder } from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { MultiTensorOptimizer, type Update } from "./multiTensor.ts";
import { checkNames, checkNotNegative, type ParamGroup, type Params } from "./optimizer.ts";

export interface AdagradOptions {
  /** Learning rate. */
  readonly lr: number;
  /** In step t the rate is lr / (1 + (t − 1) · lrDecay). */
  readonly lrDecay: number;
  /** Weight decay (an L2 penalty: it is added to the gradient). */
  readonly weightDecay: number;
  /** Where the sums of squared gradients start. */
  readonly initialAccumulatorValue: number;
  /** Added to the denominator. */
  readonly eps: number;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

const DEFAULTS: AdagradOptions = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * Steps that shrink with all squared gradients so far (Duchi, Hazan and Singer 2011): PyTorch's
 * `torch.optim.Adagrad`. The effective learning rate of an element is η / (1 + (t − 1) · lrDecay) /
 * (√Σg² + ε), its step size that times |g|, weight decay in g.
 */
export class Adagrad extends MultiTensorOptimizer<AdagradOptions> {
  protected override get kind(): OptimizerName {
    return "Adagrad";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override checkOptions(options: AdagradOptions): void {
    checkNames("Adagrad", options, DEFAULTS);
    checkNotNegative("learning rate", "lr", options.lr);
    checkNotNegative("lr_decay value", "lrDecay", options.lrDecay);
    checkNotNegative("weight_decay value", "weightDecay", options.weightDecay);
    const { initialAccumulatorValue } = options;
    checkNotNegative(
      "initial_accumulator_value",
      "initialAccumulatorValue",
      initialAccumulatorValue,
    );
    checkNotNegative("epsilon value", "eps", options.eps);
  }

  protected override rule(): UpdateRule {
    return ADAGRAD_RULE;
  }

  protected override stateOf(): readonly string[] {
    return ["sums"];
  }

  protected override hyper(group: ParamGroup<AdagradOptions>, { step }: Update): readonly number[] {
    const rateUnit = 1 / (1 + (step - 1) * group.lrDecay);
    return inOrder(ADAGRAD_WORDS, {
      orientation: group.maximize ? -1 : 1,
      coupledDecay: group.weightDecay,
      begin: step === 1 ? group.initialAccumulatorValue : 0,
      stepScale: group.lr * rateUnit,
      rateUnit,
      epsilon: group.eps,
    });
  }
}
