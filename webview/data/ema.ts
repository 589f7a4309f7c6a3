import { place, type ScaleKind } from "./scale.ts";

export interface EmaState {
  readonly mean: number;
  readonly bias: number;
}

/**
 * Debiased exponential moving average: s ← β·s + (1 − β)·v, shown as s / (1 − βⁿ) (Kingma & Ba
 * 2014, §3). On a logarithmic axis the mean is geometric, so that the line runs through the middle
 * of what is seen. A value that cannot be drawn gives NaN and leaves the mean as it is.
 */
export class Ema {
  private readonly weight: number;
  private readonly scale: ScaleKind;
  private mean = 0;
  private bias = 1;

  /** `weight`: β, 0 … 1 exclusive. */
  constructor(weight: number, scale: ScaleKind) {
    this.weight = weight;
    this.scale = scale;
  }

  /** Takes a value, so many times. Returns whether it can be drawn. */
  take(value: number, times = 1): boolean {
    if (place(value, this.scale) !== "inside") return false;
    const seen = this.scale === "log" ? Math.log(value) : value;
    const weight = times === 1 ? this.weight : this.weight ** times;
    this.mean = weight * this.mean + (1 - weight) * seen;
    this.bias *= weight;
    return true;
  }

  /** Takes a value, so many times. Returns the average with it. */
  next(value: number, times = 1): number {
    if (!this.take(value, times)) return Number.NaN;
    const smooth = this.mean / (1 - this.bias);
    return this.scale === "log" ? Math.exp(smooth) : smooth;
  }

  /** What is known of the values before, to go on from there. */
  get state(): EmaState {
    return { mean: this.mean, bias: this.bias };
  }

  set state({ mean, bias }: EmaState) {
    this.mean = mean;
    this.bias = bias;
  }
}
