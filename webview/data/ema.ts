import { place, type ScaleKind } from "./scale.ts";

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

  next(value: number): number {
    if (place(value, this.scale) !== "inside") return Number.NaN;
    const seen = this.scale === "log" ? Math.log(value) : value;
    this.mean = this.weight * this.mean + (1 - this.weight) * seen;
    this.bias *= this.weight;
    const smooth = this.mean / (1 - this.bias);
    return this.scale === "log" ? Math.exp(smooth) : smooth;
  }
}
