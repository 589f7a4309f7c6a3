import type { UpdateRule } from "../kernels/optimizer.ts";
import { inOrder, MOMENTUM_RULE, SGD_RULE, SGD_WORDS } from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { MultiTensorOptimizer, type Update } from "./multiTensor.ts";
import { checkNames, checkNotNegative, type ParamGroup, type Params } from "./optimizer.ts";

export interface SGDOptions {
  /** Learning rate. */
  readonly lr: number;
  readonly momentum: number;
  /** Share of the gradient that does not enter the momentum. */
  readonly dampening: number;
  /** Weight decay (an L2 penalty: it is added to the gradient). */
  readonly weightDecay: number;
  readonly nesterov: boolean;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

const DEFAULTS: SGDOptions = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/**
 * Stochastic gradient descent, with momentum where asked for: PyTorch's `torch.optim.SGD`. The
 * effective learning rate is η, the step size η times the size of the direction (the gradient, the
 * momentum, or Nesterov's mixture), weight decay in it.
 */
export class SGD extends MultiTensorOptimizer<SGDOptions> {
  protected override get kind(): OptimizerName {
    return "SGD";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override checkOptions(options: SGDOptions): void {
    checkNames("SGD", options, DEFAULTS);
    const { lr, momentum, dampening, weightDecay, nesterov } = options;
    checkNotNegative("learning rate", "lr", lr);
    checkNotNegative("momentum value", "momentum", momentum);
    checkNotNegative("weight_decay value", "weightDecay", weightDecay);
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new RangeError(
        `Nesterov momentum requires a momentum and zero dampening, got momentum ${momentum} and ` +
          `dampening ${dampening}`,
      );
    }
  }

  protected override rule(): UpdateRule {
    return this.paramGroups.some(({ momentum }) => momentum !== 0) ? MOMENTUM_RULE : SGD_RULE;
  }

  protected override stateOf({ momentum }: ParamGroup<SGDOptions>): readonly string[] {
    return momentum === 0 ? [] : ["momenta"];
  }

  protected override hyper(
    group: ParamGroup<SGDOptions>,
    { hasMomentum }: Update,
  ): readonly number[] {
    const keeps = group.momentum !== 0;
    return inOrder(SGD_WORDS, {
      orientation: group.maximize ? -1 : 1,
      coupledDecay: group.weightDecay,
      lr: group.lr,
      inertia: hasMomentum ? group.momentum : 0,
      blend: hasMomentum ? 1 - group.dampening : 1,
      gradientShare: !keeps || group.nesterov ? 1 : 0,
      momentumShare: group.nesterov ? group.momentum : keeps ? 1 : 0,
    });
  }
}
