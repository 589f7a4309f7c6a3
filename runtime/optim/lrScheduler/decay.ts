/** Schedules with a formula of one line. */
import { checkNames } from "../optimizer.ts";
import {
  checkNumber,
  checkPositiveInteger,
  perGroup,
  RateScheduler,
  type Scheduled,
} from "./scheduler.ts";

type Factor = (epoch: number) => number;

/** The first rate times a function of the epoch: PyTorch's `LambdaLR`. */
export class LambdaLR extends RateScheduler {
  readonly #factors: readonly Factor[];

  /** @param options `lrLambda`: the factor of an epoch, or one such function a group. */
  constructor(optimizer: Scheduled, options: { readonly lrLambda: Factor | readonly Factor[] }) {
    super(optimizer);
    checkNames("LambdaLR", options, { lrLambda: 0 });
    this.#factors = perGroup("lrLambda", optimizer, options.lrLambda);
    for (const factor of this.#factors) {
      if (typeof factor === "function") continue;
      throw new TypeError(`LambdaLR: lrLambda should be a function, got ${String(factor)}`);
    }
    this.initialStep();
    // A function of the script is called when the script says so, and never to look ahead.
    this.hasBegun(LambdaLR);
  }

  protected override rate(_lr: number, baseLr: number, epoch: number, group: number): number {
    return baseLr * (this.#factors[group]?.(epoch) ?? 1);
  }
}

/** Times `gamma` every `stepSize` epochs: PyTorch's `StepLR`. */
export class StepLR extends RateScheduler {
  readonly #stepSize: number;
  readonly #gamma: number;

  constructor(
    optimizer: Scheduled,
    options: { readonly stepSize: number; readonly gamma?: number },
  ) {
    super(optimizer);
    checkNames("StepLR", options, { stepSize: 0, gamma: 0 });
    const { stepSize, gamma = 0.1 } = options;
    checkPositiveInteger("stepSize", stepSize);
    checkNumber("gamma", gamma);
    this.#stepSize = stepSize;
    this.#gamma = gamma;
    this.initialStep();
    this.hasBegun(StepLR, { epochs: 3 * stepSize + 1, isOpen: true });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    return epoch === 0 || epoch % this.#stepSize !== 0 ? lr : lr * this.#gamma;
  }
}

/** Times `gamma` at each of the milestones: PyTorch's `MultiStepLR`. */
export class MultiStepLR extends RateScheduler {
  readonly #milestones: readonly number[];
  readonly #gamma: number;

  constructor(
    optimizer: Scheduled,
    options: { readonly milestones: readonly number[]; readonly gamma?: number },
  ) {
    super(optimizer);
    checkNames("MultiStepLR", options, { milestones: 0, gamma: 0 });
    const { milestones, gamma = 0.1 } = options;
    if (!Array.isArray(milestones) || !milestones.every(Number.isInteger)) {
      throw new TypeError(`MultiStepLR: milestones should be epochs, got ${String(milestones)}`);
    }
    checkNumber("gamma", gamma);
    this.#milestones = milestones;
    this.#gamma = gamma;
    this.initialStep();
    this.hasBegun(MultiStepLR, { epochs: Math.max(0, ...milestones) + 1 });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    const passed = this.#milestones.filter(milestone => milestone === epoch).length;
    return passed === 0 ? lr : lr * this.#gamma ** passed;
  }
}

/** Times `factor` until epoch `totalIters`: PyTorch's `ConstantLR`. */
export class ConstantLR extends RateScheduler {
  readonly #factor: number;
  readonly #totalIters: number;

  constructor(
    optimizer: Scheduled,
    options: { readonly factor?: number; readonly totalIters?: number } = {},
  ) {
    super(optimizer);
    checkNames("ConstantLR", options, { factor: 0, totalIters: 0 });
    const { factor = 1 / 3, totalIters = 5 } = options;
    // From 0, which PyTorch allows, there is no way back.
    checkFactor("Constant multiplicative factor", factor, factor > 0);
    checkPositiveInteger("totalIters", totalIters);
    this.#factor = factor;
    this.#totalIters = totalIters;
    this.initialStep();
    this.hasBegun(ConstantLR, { epochs: totalIters + 1 });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    if (epoch === 0) return lr * this.#factor;
    return epoch === this.#totalIters ? lr * (1 / this.#factor) : lr;
  }
}

/** A factor that goes straight from `startFactor` to `endFactor`: PyTorch's `LinearLR`. */
export class LinearLR extends RateScheduler {
  readonly #startFactor: number;
  readonly #endFactor: number;
  readonly #totalIters: number;

  constructor(
    optimizer: Scheduled,
    options: {
      readonly startFactor?: number;
      readonly endFactor?: number;
      readonly totalIters?: number;
    } = {},
  ) {
    super(optimizer);
    checkNames("LinearLR", options, { startFactor: 0, endFactor: 0, totalIters: 0 });
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    checkFactor("Starting multiplicative factor", startFactor, startFactor > 0);
    checkFactor("Ending multiplicative factor", endFactor, endFactor >= 0);
    checkPositiveInteger("totalIters", totalIters);
    this.#startFactor = startFactor;
    this.#endFactor = endFactor;
    this.#totalIters = totalIters;
    this.initialStep();
    this.hasBegun(LinearLR, { epochs: totalIters + 1 });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    if (epoch === 0) return lr * this.#startFactor;
    if (epoch > this.#totalIters) return lr;
    const way = this.#endFactor - this.#startFactor;
    return lr * (1 + way / (this.#totalIters * this.#startFactor + (epoch - 1) * way));
  }
}

/** Times `gamma` every epoch: PyTorch's `ExponentialLR`. */
export class ExponentialLR extends RateScheduler {
  readonly #gamma: number;

  constructor(optimizer: Scheduled, options: { readonly gamma: number }) {
    super(optimizer);
    checkNames("ExponentialLR", options, { gamma: 0 });
    checkNumber("gamma", options.gamma);
    this.#gamma = options.gamma;
    this.initialStep();
    this.hasBegun(ExponentialLR, { epochs: epochsToHundredth(options.gamma), isOpen: true });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    return epoch === 0 ? lr : lr * this.#gamma;
  }
}

/** (1 − epoch / totalIters) to the power of `power`: PyTorch's `PolynomialLR`. */
export class PolynomialLR extends RateScheduler {
  readonly #totalIters: number;
  readonly #power: number;

  constructor(
    optimizer: Scheduled,
    options: { readonly totalIters?: number; readonly power?: number } = {},
  ) {
    super(optimizer);
    checkNames("PolynomialLR", options, { totalIters: 0, power: 0 });
    const { totalIters = 5, power = 1 } = options;
    checkPositiveInteger("totalIters", totalIters);
    checkNumber("power", power);
    this.#totalIters = totalIters;
    this.#power = power;
    this.initialStep();
    this.hasBegun(PolynomialLR, { epochs: totalIters + 1 });
  }

  protected override rate(lr: number, _baseLr: number, epoch: number): number {
    const total = this.#totalIters;
    if (epoch === 0 || epoch > total) return lr;
    return lr * ((1 - epoch / total) / (1 - (epoch - 1) / total)) ** this.#power;
  }
}

/** Epochs in which a rate that is multiplied each time falls to a hundredth; of one that does not fall, a hundred. */
function epochsToHundredth(gamma: number): number {
  return gamma > 0 && gamma < 1 ? Math.ceil(Math.log(0.01) / Math.log(gamma)) + 1 : 100;
}

function checkFactor(what: string, value: number, isLargeEnough: boolean): void {
  if (isLargeEnough && value <= 1) return;
  throw new RangeError(`${what} expected to be between 0 and 1, got ${String(value)}`);
}
