import { ADAM_RULE, ADAM_WORDS, type AdamHyper, type UpdateRule } from "../kernels/optimizer.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { MultiTensorOptimizer } from "./multiTensor.ts";
import { checkNames, checkNotNegative, type ParamGroup, type Params } from "./optimizer.ts";

export interface AdamOptions {
  /** Learning rate. */
  readonly lr: number;
  /** How slowly the running means of gradient and squared gradient forget. */
  readonly betas: readonly [number, number];
  /** Added to the denominator: the smallest gradient that counts. */
  readonly eps: number;
  /** Weight decay: of the gradient in Adam, of the weights themselves in AdamW. */
  readonly weightDecay: number;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

const DEFAULTS: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  maximize: false,
};

/** What Adam and AdamW share: all but where the weight decay acts. */
abstract class AdamFamily extends MultiTensorOptimizer<AdamOptions> {
  protected override checkOptions(options: AdamOptions): void {
    checkNames(this.kind, options, DEFAULTS);
    const { lr, betas, eps, weightDecay } = options;
    checkNotNegative("learning rate", "lr", lr);
    checkNotNegative("epsilon value", "eps", eps);
    if (!Array.isArray(betas) || betas.length !== 2) {
      throw new TypeError(`Invalid betas: ${String(betas)} (betas should be [beta1, beta2])`);
    }
    betas.forEach((beta, i) => {
      if (beta >= 0 && beta < 1) return;
      throw new RangeError(
        `Invalid beta parameter at index ${i}: ${beta} (betas should be at least 0 and below 1)`,
      );
    });
    checkNotNegative("weight_decay value", "weightDecay", weightDecay);
  }

  protected override rule(): UpdateRule {
    return ADAM_RULE;
  }

  protected override keepsMomentum(): boolean {
    return true;
  }

  protected override hyper(group: ParamGroup<AdamOptions>, step: number): readonly number[] {
    const { lr, betas, eps, weightDecay, maximize } = group;
    const [beta1, beta2] = betas;
    const isDecoupled = this.kind === "AdamW";
    const meanScale = 1 / (1 - beta1 ** step);
    const hyper: AdamHyper = {
      updates: 1,
      orientation: maximize ? -1 : 1,
      coupledDecay: isDecoupled ? 0 : weightDecay,
      decay: isDecoupled ? lr * weightDecay : 0,
      blend: 1 - beta1,
      forget: beta2,
      blendSquare: 1 - beta2,
      stepScale: lr * meanScale,
      meanScale,
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon: eps,
    };
    return ADAM_WORDS.map(word => hyper[word]);
  }
}

/** Adam (Kingma and Ba 2014, algorithm 1): PyTorch's `torch.optim.Adam`. */
export class Adam extends AdamFamily {
  protected override get kind(): OptimizerName {
    return "Adam";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2017): PyTorch's `torch.optim.AdamW`. */
export class AdamW extends AdamFamily {
  protected override get kind(): OptimizerName {
    return "AdamW";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...DEFAULTS, weightDecay: 0.01, ...options });
  }
}
