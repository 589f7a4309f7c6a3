import type { UpdateRule } from "../kernels/optimizer.ts";
import { inOrder, RMSPROP_WORDS, rmspropRule } from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { MultiTensorOptimizer } from "./multiTensor.ts";
import { checkNames, checkNotNegative, type ParamGroup, type Params } from "./optimizer.ts";

export interface RMSpropOptions {
  /** Learning rate. */
  readonly lr: number;
  /** How slowly the running mean of squared gradients forgets. */
  readonly alpha: number;
  /** Added to the denominator. */
  readonly eps: number;
  /** Weight decay (an L2 penalty: it is added to the gradient). */
  readonly weightDecay: number;
  readonly momentum: number;
  /** Divide by the standard deviation of the gradient, not by its root mean square. */
  readonly centered: boolean;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

const DEFAULTS: RMSpropOptions = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * The gradient divided by a running root mean square of it (Hinton 2012; centered: Graves 2013):
 * PyTorch's `torch.optim.RMSprop`. The effective learning rate of an element is η / (√v + ε), where v
 * is the running mean of g², minus the squared running mean of g where centered. The step size is
 * that times |g|, weight decay in g; with momentum, η times the size of the momentum buffer.
 */
export class RMSprop extends MultiTensorOptimizer<RMSpropOptions> {
  protected override get kind(): OptimizerName {
    return "RMSprop";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override checkOptions(options: RMSpropOptions): void {
    checkNames("RMSprop", options, DEFAULTS);
    checkNotNegative("learning rate", "lr", options.lr);
    checkNotNegative("epsilon value", "eps", options.eps);
    checkNotNegative("momentum value", "momentum", options.momentum);
    checkNotNegative("weight_decay value", "weightDecay", options.weightDecay);
    checkNotNegative("alpha value", "alpha", options.alpha);
  }

  protected override rule(): UpdateRule {
    const centered = this.paramGroups.some(group => group.centered);
    const momentum = this.paramGroups.some(group => group.momentum > 0);
    return rmspropRule(centered, momentum);
  }

  protected override stateOf({
    centered,
    momentum,
  }: ParamGroup<RMSpropOptions>): readonly string[] {
    return ["meanSquares", ...(centered ? ["averages"] : []), ...(momentum > 0 ? ["momenta"] : [])];
  }

  protected override hyper(group: ParamGroup<RMSpropOptions>): readonly number[] {
    return inOrder(RMSPROP_WORDS, {
      orientation: group.maximize ? -1 : 1,
      coupledDecay: group.weightDecay,
      lr: group.lr,
      forget: group.alpha,
      blendSquare: 1 - group.alpha,
      centered: group.centered ? 1 : 0,
      inertia: group.momentum,
      epsilon: group.eps,
    });
  }
}
