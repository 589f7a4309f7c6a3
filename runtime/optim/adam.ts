/** Adam and its kin: running means of the gradient and of its square. */
import type { UpdateRule } from "../kernels/optimizer.ts";
import {
  ADAM_RULE,
  ADAM_WORDS,
  AMSGRAD_RULE,
  type Hyper,
  inOrder,
  NADAM_RULE,
  RADAM_RULE,
} from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { MultiTensorOptimizer, type Update } from "./multiTensor.ts";
import {
  checkBetas,
  checkNames,
  checkNotNegative,
  type ParamGroup,
  type Params,
} from "./optimizer.ts";

/** What all of them take. */
interface CommonOptions {
  /** Learning rate. */
  readonly lr: number;
  /** How slowly the running means of gradient and squared gradient forget. */
  readonly betas: readonly [number, number];
  /** Added to the denominator: the smallest gradient that counts. */
  readonly eps: number;
  /** Weight decay: of the gradient, or (AdamW; decoupledWeightDecay) of the weights themselves. */
  readonly weightDecay: number;
  /** Ascend instead of descend. */
  readonly maximize: boolean;
}

export interface AdamOptions extends CommonOptions {
  /** Never let the denominator shrink (Reddi et al. 2018). */
  readonly amsgrad: boolean;
}

export interface RAdamOptions extends CommonOptions {
  readonly decoupledWeightDecay: boolean;
}

export interface NAdamOptions extends RAdamOptions {
  /** How soon the momentum reaches β₁: Dozat's ψ. */
  readonly momentumDecay: number;
}

const COMMON: CommonOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  maximize: false,
};
const ADAM: AdamOptions = { ...COMMON, amsgrad: false };
const RADAM: RAdamOptions = { ...COMMON, decoupledWeightDecay: false };
const NADAM: NAdamOptions = { ...RADAM, lr: 2e-3, momentumDecay: 4e-3 };

/** Hyper-parameters of the moments, which are the same in all. */
type Moments = Pick<
  Hyper<typeof ADAM_WORDS>,
  "orientation" | "coupledDecay" | "decay" | "blend" | "forget" | "blendSquare"
>;

abstract class AdamFamily<Options extends CommonOptions> extends MultiTensorOptimizer<Options> {
  protected abstract get defaults(): Options;

  /** Whether weight decay of a group acts on the weights, not on the gradient. */
  protected abstract isDecoupled(group: ParamGroup<Options>): boolean;

  protected override checkOptions(options: Options): void {
    checkNames(this.kind, options, this.defaults);
    checkNotNegative("learning rate", "lr", options.lr);
    checkNotNegative("epsilon value", "eps", options.eps);
    checkBetas(options.betas);
    checkNotNegative("weight_decay value", "weightDecay", options.weightDecay);
  }

  protected override rule(): UpdateRule {
    return RADAM_RULE;
  }

  protected override stateOf(_group: ParamGroup<Options>): readonly string[] {
    return ["means", "squares"];
  }

  protected moments(group: ParamGroup<Options>): Moments {
    const { lr, betas, weightDecay, maximize } = group;
    const isDecoupled = this.isDecoupled(group);
    return {
      orientation: maximize ? -1 : 1,
      coupledDecay: isDecoupled ? 0 : weightDecay,
      decay: isDecoupled ? lr * weightDecay : 0,
      blend: 1 - betas[0],
      forget: betas[1],
      blendSquare: 1 - betas[1],
    };
  }
}

/** Adam and AdamW: all but where the weight decay acts. */
abstract class AdamOrAdamW extends AdamFamily<AdamOptions> {
  protected override get defaults(): AdamOptions {
    return ADAM;
  }

  protected override rule(): UpdateRule {
    return this.paramGroups.some(({ amsgrad }) => amsgrad) ? AMSGRAD_RULE : ADAM_RULE;
  }

  protected override stateOf({ amsgrad }: ParamGroup<AdamOptions>): readonly string[] {
    return amsgrad ? ["means", "squares", "peaks"] : ["means", "squares"];
  }

  protected override hyper(group: ParamGroup<AdamOptions>, { step }: Update): readonly number[] {
    const [beta1, beta2] = group.betas;
    const meanScale = 1 / (1 - beta1 ** step);
    return inOrder(ADAM_WORDS, {
      ...this.moments(group),
      stepScale: group.lr * meanScale,
      meanScale,
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon: group.eps,
      amsgrad: group.amsgrad ? 1 : 0,
      gradientScale: 0,
    });
  }
}

/**
 * Adam (Kingma and Ba 2014, algorithm 1): PyTorch's `torch.optim.Adam`. The effective learning rate
 * of an element is η / (√v̂ + ε) (AMSGrad: of the largest v), its step size that times |m̂|.
 */
export class Adam extends AdamOrAdamW {
  protected override get kind(): OptimizerName {
    return "Adam";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...ADAM, ...options });
  }

  protected override isDecoupled(): boolean {
    return false;
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2017): PyTorch's `torch.optim.AdamW`. The
 * effective learning rate and the step size are Adam's: the decay ηλθ is not in them.
 */
export class AdamW extends AdamOrAdamW {
  protected override get kind(): OptimizerName {
    return "AdamW";
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...ADAM, weightDecay: 0.01, ...options });
  }

  protected override isDecoupled(): boolean {
    return true;
  }
}

/**
 * Adam with Nesterov's momentum (Dozat 2016): `torch.optim.NAdam` of PyTorch 2 (1.12 and 1.13 have
 * one factor of μ too many). The effective learning rate of an element is η / (√v̂ + ε), its step
 * size that times |(1 − μ_t) g / (1 − Πμ) + μ_{t+1} m / (1 − Πμ · μ_{t+1})|.
 */
export class NAdam extends AdamFamily<NAdamOptions> {
  /** Products of the μ of all steps. */
  readonly #products = new Map<Tensor, number>();

  protected override get kind(): OptimizerName {
    return "NAdam";
  }

  protected override get defaults(): NAdamOptions {
    return NADAM;
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, { ...NADAM, ...options });
  }

  protected override checkOptions(options: NAdamOptions): void {
    super.checkOptions(options);
    checkNotNegative("momentum_decay value", "momentumDecay", options.momentumDecay);
  }

  protected override isDecoupled({ decoupledWeightDecay }: NAdamOptions): boolean {
    return decoupledWeightDecay;
  }

  protected override rule(): UpdateRule {
    return NADAM_RULE;
  }

  protected override hyper(
    group: ParamGroup<NAdamOptions>,
    { parameter, step }: Update,
  ): readonly number[] {
    const { betas, momentumDecay } = group;
    const [beta1, beta2] = betas;
    const momentum = (t: number) => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
    const [mu, next] = [momentum(step), momentum(step + 1)];
    const product = (this.#products.get(parameter) ?? 1) * mu;
    this.#products.set(parameter, product);
    return inOrder(ADAM_WORDS, {
      ...this.moments(group),
      stepScale: group.lr,
      meanScale: next / (1 - product * next),
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon: group.eps,
      amsgrad: 0,
      gradientScale: (1 - mu) / (1 - product),
    });
  }

  override capture(): () => void {
    const put = super.capture();
    const products = [...this.#products];
    return () => {
      put();
      this.#products.clear();
      for (const [parameter, product] of products) this.#products.set(parameter, product);
    };
  }

  protected override packScalars(parameter: Tensor): Readonly<Record<string, number>> {
    return { mu_product: this.#products.get(parameter) ?? 1 };
  }

  protected override unpackScalars(
    parameter: Tensor,
    { mu_product: product = 1 }: Readonly<Record<string, number>>,
  ): void {
    this.#products.set(parameter, product);
  }
}

/**
 * Adam without a warm-up (Liu et al. 2019, "On the Variance of the Adaptive Learning Rate and
 * Beyond"): PyTorch's `torch.optim.RAdam`. The effective learning rate of an element is
 * η · rectification · √(1 − β₂ᵗ) / (√v + ε), and η in the first steps, where the variance of that is
 * not bounded: no element is adaptive then, and all count as dominated by ε. The step size is the
 * effective learning rate times |m̂|.
 */
export class RAdam extends AdamFamily<RAdamOptions> {
  protected override get kind(): OptimizerName {
    return "RAdam";
  }

  protected override get defaults(): RAdamOptions {
    return RADAM;
  }

  /** @throws RangeError if an option is out of its range. */
  constructor(params: Params<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(params, { ...RADAM, ...options });
  }

  protected override isDecoupled({ decoupledWeightDecay }: RAdamOptions): boolean {
    return decoupledWeightDecay;
  }

  protected override hyper(group: ParamGroup<RAdamOptions>, { step }: Update): readonly number[] {
    const [beta1, beta2] = group.betas;
    const meanScale = 1 / (1 - beta1 ** step);
    const rectification = rectify(beta2, step);
    const rootScale = 1 / (rectification * Math.sqrt(1 - beta2 ** step));
    return inOrder(ADAM_WORDS, {
      ...this.moments(group),
      stepScale: group.lr * meanScale,
      meanScale,
      rootScale: rectification === 0 ? 0 : rootScale,
      epsilon: rectification === 0 ? 1 : group.eps * rootScale,
      amsgrad: 0,
      gradientScale: 0,
    });
  }
}

/** r_t of the paper's algorithm 2; 0 where the variance is not tractable. */
function rectify(beta2: number, step: number): number {
  const longest = 2 / (1 - beta2) - 1;
  const length = longest - (2 * step * beta2 ** step) / (1 - beta2 ** step);
  if (length <= 5) return 0;
  return Math.sqrt(
    ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length),
  );
}
