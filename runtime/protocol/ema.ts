import { place, type ScaleKind } from "./place.ts";

export interface EmaState {
  readonly mean: number;
  readonly bias: number;
}

/** Below this a bias is lost beside 1. As it fell further it would be denormal, which processors are slow with. */
const LOST = 2 ** -60;

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
    this.bias = less(this.bias, weight);
    return true;
  }

  /** Takes the values `from` to `to` (exclusive) of a series, each once. */
  takeAll(values: ArrayLike<number>, from: number, to: number): void {
    const { weight } = this;
    const isLog = this.scale === "log";
    let { mean, bias } = this;
    for (let i = from; i < to; i++) {
      const value = values[i] ?? Number.NaN;
      // A difference of two finite numbers is a number, of others NaN.
      if (value - value !== 0 || (isLog && value <= 0)) continue;
      mean = weight * mean + (1 - weight) * (isLog ? Math.log(value) : value);
      bias = less(bias, weight);
    }
    this.mean = mean;
    this.bias = bias;
  }

  /** Takes a value, so many times. Returns the average with it. */
  next(value: number, times = 1): number {
    return this.take(value, times) ? averageOf(this.state, this.scale) : Number.NaN;
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

function less(bias: number, weight: number): number {
  return bias < LOST ? 0 : bias * weight;
}

/** The average that a state stands for; NaN before the first value. */
export function averageOf({ mean, bias }: EmaState, scale: ScaleKind): number {
  const smooth = mean / (1 - bias);
  return scale === "log" ? Math.exp(smooth) : smooth;
}
