import { takePart } from "../../checkpoint/parts.ts";
import { gate } from "../../insight/gate.ts";
import { checkNames } from "../optimizer.ts";
import { perGroup, requireOptimizer, type Scheduled } from "./scheduler.ts";

export interface PlateauOptions {
  /** Whether the metric should fall or rise. Default "min". */
  readonly mode?: "min" | "max";
  /** By which the rate is multiplied. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are tolerated. Default 10. */
  readonly patience?: number;
  /** What counts as improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best metric, or a distance. Default "rel". */
  readonly thresholdMode?: "rel" | "abs";
  /** Epochs after a reduction in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  /** Lowest rate, or one a group. Default 0. */
  readonly minLr?: number | readonly number[];
  /** Changes of the rate that are not larger are left out. Default 1e-8. */
  readonly eps?: number;
}

const DEFAULTS: Required<PlateauOptions> = {
  mode: "min",
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  thresholdMode: "rel",
  cooldown: 0,
  minLr: 0,
  eps: 1e-8,
};

/** Plain data; `best` is null before the first metric. */
export interface PlateauState {
  lastEpoch: number;
  best: number | null;
  badEpochs: number;
  cooldownCounter: number;
}

/** Lowers the rate when a metric has stopped improving: PyTorch's `ReduceLROnPlateau`. */
export class ReduceLROnPlateau {
  readonly optimizer: Scheduled;
  readonly #options: Required<PlateauOptions>;
  readonly #minLrs: readonly number[];
  #state: PlateauState = { lastEpoch: 0, best: null, badEpochs: 0, cooldownCounter: 0 };

  /** @throws TypeError or RangeError for options that make no sense. */
  constructor(optimizer: Scheduled, options: PlateauOptions = {}) {
    requireOptimizer(optimizer);
    checkNames("ReduceLROnPlateau", options, DEFAULTS);
    this.optimizer = optimizer;
    this.#options = { ...DEFAULTS, ...options };
    const { factor, mode, thresholdMode, minLr } = this.#options;
    if (!(factor < 1)) throw new RangeError(`Factor should be < 1.0, got ${String(factor)}`);
    if (mode !== "min" && mode !== "max") throw new RangeError(`mode ${mode} is unknown!`);
    if (thresholdMode !== "rel" && thresholdMode !== "abs") {
      throw new RangeError(`threshold mode ${thresholdMode} is unknown!`);
    }
    this.#minLrs = perGroup("minLr", optimizer, minLr);
    takePart(this);
    // What is measured will decide.
    gate()?.scheduled?.(optimizer);
  }

  /**
   * To be called after a validation.
   * @param metric what was measured: a number (`await loss.item()`).
   */
  step(metric: number): void {
    if (typeof metric !== "number") {
      throw new TypeError(
        `ReduceLROnPlateau: step takes a number, got ${String(metric)}. Write step(await loss.item())`,
      );
    }
    const { patience, cooldown } = this.#options;
    const state = this.#state;
    state.lastEpoch++;
    if (this.#isBetter(metric)) {
      state.best = metric;
      state.badEpochs = 0;
    } else {
      state.badEpochs++;
    }
    if (state.cooldownCounter > 0) {
      state.cooldownCounter--;
      state.badEpochs = 0;
    }
    if (state.badEpochs > patience) {
      this.#reduce();
      state.cooldownCounter = cooldown;
      state.badEpochs = 0;
    }
  }

  /** Rates of the groups as they are. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Where it stands, as plain data. */
  stateDict(): PlateauState {
    return { ...this.#state };
  }

  /** Goes on where `stateDict()` was taken; load the optimizer's state too. */
  loadStateDict(state: PlateauState): void {
    this.#state = { ...state };
  }

  /** Remembers where it stands, for a snapshot. @internal */
  capture(): () => void {
    const state = this.stateDict();
    return () => this.loadStateDict(state);
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === "min" ? -1 : 1;
    const best = this.#state.best ?? -sign * Number.POSITIVE_INFINITY;
    const bar = thresholdMode === "rel" ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === "min" ? metric < bar : metric > bar;
  }

  #reduce(): void {
    const { factor, eps } = this.#options;
    this.optimizer.paramGroups.forEach((group, i) => {
      const reduced = Math.max(group.lr * factor, this.#minLrs[i] ?? 0);
      if (group.lr - reduced > eps) group.lr = reduced;
    });
  }
}
