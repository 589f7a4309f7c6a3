import type { UpdateRule } from "../kernels/optimizer.ts";
import { inOrder, LION_RULE, LION_WORDS } from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { MultiTensorOptimizer } from "./multiTensor.ts";
import {
  checkBetas,
  checkNames,
  checkNotNegative,
  type ParamGroup,
  type Params,
} from "./optimizer.ts";

export interface LionOptions {
  /** Learning rate: three to ten times smaller than AdamW's. */
  readonly lr: number;
  /** Share of the momentum in the direction of a step, and how slowly the momentum forgets. */
  readonly betas: readonly [number, number];
  /** Decoupled weight decay: three to ten times larger than AdamW's. */
  readonly weightDecay: number;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

const DEFAULTS: LionOptions = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false };

/**
 * The sign of a mixture of momentum and gradient (Chen et al. 2023, "Symbolic Discovery of
 * Optimization Algorithms", algorithm 2). Effective learning rate and step size are η for every
 * element; the step size is 0 where neither gradient nor momentum is. Weight decay is not in them.
 */
export class Lion extends MultiTensorOptimizer<LionOptions> {
  protected override get kind(): OptimizerName {
    return "Lion";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<LionOptions>, options: Partial<LionOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override checkOptions(options: LionOptions): void {
    checkNames("Lion", options, DEFAULTS);
    checkNotNegative("learning rate", "lr", options.lr);
    checkBetas(options.betas);
    checkNotNegative("weight_decay value", "weightDecay", options.weightDecay);
  }

  protected override rule(): UpdateRule {
    return LION_RULE;
  }

  protected override stateOf(): readonly string[] {
    return ["means"];
  }

  protected override hyper(group: ParamGroup<LionOptions>): readonly number[] {
    return inOrder(LION_WORDS, {
      orientation: group.maximize ? -1 : 1,
      decay: group.lr * group.weightDecay,
      lr: group.lr,
      blend: 1 - group.betas[0],
      blendMean: 1 - group.betas[1],
    });
  }
}
