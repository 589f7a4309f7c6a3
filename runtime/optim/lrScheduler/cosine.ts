/** Schedules that follow a cosine (Loshchilov and Hutter 2016, "SGDR"). */
import { checkNames } from "../optimizer.ts";
import {
  checkNumber,
  checkPositiveInteger,
  type LRScheduler,
  RateScheduler,
  type Scheduled,
} from "./scheduler.ts";

export interface CosineAnnealingOptions {
  /** Epochs from the first rate down to `etaMin`. */
  readonly tMax: number;
  readonly etaMin?: number;
}

/** Down and up again along a cosine, without restarts: PyTorch's `CosineAnnealingLR`. */
export class CosineAnnealingLR extends RateScheduler {
  readonly #tMax: number;
  readonly #etaMin: number;

  constructor(optimizer: Scheduled, options: CosineAnnealingOptions) {
    super(optimizer);
    checkNames("CosineAnnealingLR", options, { tMax: 0, etaMin: 0 });
    const { tMax, etaMin = 0 } = options;
    checkPositiveInteger("tMax", tMax);
    checkNumber("etaMin", etaMin);
    this.#tMax = tMax;
    this.#etaMin = etaMin;
    this.initialStep();
    this.hasBegun(CosineAnnealingLR, { epochs: tMax });
  }

  protected override rate(lr: number, baseLr: number, epoch: number): number {
    const [tMax, etaMin] = [this.#tMax, this.#etaMin];
    if (epoch === 0) return lr;
    // The epoch before was at the minimum, from where the ratio below does not lead on.
    if ((epoch - 1 - tMax) % (2 * tMax) === 0) {
      return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    }
    const height = (at: number) => 1 + Math.cos((Math.PI * at) / tMax);
    return (height(epoch) / height(epoch - 1)) * (lr - etaMin) + etaMin;
  }
}

export interface WarmRestartOptions {
  /** Epochs until the first restart. */
  readonly t0: number;
  /** Each pass is so many times as long as the one before. */
  readonly tMult?: number;
  readonly etaMin?: number;
}

/** Down along a cosine, then back to the top: PyTorch's `CosineAnnealingWarmRestarts`. */
export class CosineAnnealingWarmRestarts extends RateScheduler {
  readonly #t0: number;
  readonly #tMult: number;
  readonly #etaMin: number;

  constructor(optimizer: Scheduled, options: WarmRestartOptions) {
    super(optimizer);
    checkNames("CosineAnnealingWarmRestarts", options, { t0: 0, tMult: 0, etaMin: 0 });
    const { t0, tMult = 1, etaMin = 0 } = options;
    checkPositiveInteger("t0", t0);
    if (!Number.isInteger(tMult) || tMult < 1) {
      throw new RangeError(`Expected integer tMult >= 1, but got ${String(tMult)}`);
    }
    checkNumber("etaMin", etaMin);
    this.#t0 = t0;
    this.#tMult = tMult;
    this.#etaMin = etaMin;
    this.initialStep();
    this.hasBegun(CosineAnnealingWarmRestarts, {
      epochs: t0 * (1 + tMult + tMult ** 2),
      isOpen: true,
    });
  }

  protected override rate(_lr: number, baseLr: number, epoch: number): number {
    let [current, length] = [epoch, this.#t0];
    while (current >= length) {
      current -= length;
      length *= this.#tMult;
    }
    const height = 1 + Math.cos((Math.PI * current) / length);
    return this.#etaMin + ((baseLr - this.#etaMin) * height) / 2;
  }
}

export interface WarmupCosineOptions {
  /** Steps in which the rate rises in a straight line. */
  readonly warmupSteps: number;
  /** Steps until the rate is `minLr`, the warm-up among them. */
  readonly totalSteps: number;
  /** Default 0. */
  readonly minLr?: number;
}

/**
 * Rises to the optimizer's rate in a straight line, then falls to `minLr` along half a cosine and
 * stays there: the schedule of most language models. In step t, counted from 0, it is
 * η (t + 1) / (warmupSteps + 1) up to warmupSteps, and then
 * minLr + (η − minLr) (1 + cos(π (t − warmupSteps) / (totalSteps − warmupSteps))) / 2.
 */
export function warmupCosine(optimizer: Scheduled, options: WarmupCosineOptions): LRScheduler {
  return new WarmupCosine(optimizer, options);
}

class WarmupCosine extends RateScheduler {
  readonly #warmupSteps: number;
  readonly #totalSteps: number;
  readonly #minLr: number;

  constructor(optimizer: Scheduled, options: WarmupCosineOptions) {
    super(optimizer);
    checkNames("warmupCosine", options, { warmupSteps: 0, totalSteps: 0, minLr: 0 });
    const { warmupSteps, totalSteps, minLr = 0 } = options;
    checkPositiveInteger("totalSteps", totalSteps);
    if (!Number.isInteger(warmupSteps) || warmupSteps < 0 || warmupSteps >= totalSteps) {
      throw new RangeError(
        `Expected warmupSteps from 0 to totalSteps − 1 = ${totalSteps - 1}, but got ` +
          String(warmupSteps),
      );
    }
    checkNumber("minLr", minLr);
    this.#warmupSteps = warmupSteps;
    this.#totalSteps = totalSteps;
    this.#minLr = minLr;
    this.initialStep();
    this.hasBegun(WarmupCosine, { epochs: totalSteps });
  }

  protected override rate(_lr: number, baseLr: number, epoch: number): number {
    const warmup = this.#warmupSteps;
    if (epoch < warmup) return (baseLr * (epoch + 1)) / (warmup + 1);
    const share = Math.min(1, (epoch - warmup) / (this.#totalSteps - warmup));
    return this.#minLr + ((baseLr - this.#minLr) * (1 + Math.cos(Math.PI * share))) / 2;
  }
}
