/**
 * Steps cut into bins of equal width, of each of which the least, mean and greatest value are kept: what a
 * long run has of its tensors, and what a chart draws of them. Bin `b` of width `w` has the steps from
 * b·w to before (b + 1)·w, so that two bins of one width are one of twice that width.
 */
import type { TensorColumn } from "./steps.ts";

/** What `info` says beside the number of finite values, which takes the bits below. */
export const HAS_NAN = 2 ** 29;
export const HAS_POSITIVE_INFINITY = 2 ** 30;
export const HAS_NEGATIVE_INFINITY = 2 ** 31;

/** The bits of `info` that count. */
const COUNT = HAS_NAN - 1;

/** As exact as what was measured: float32 of tensors, float64 over all parameters. */
export type BinNumbers = Float32Array | Float64Array;

/** Bins of a quantity, some of each tensor after those of the one before it. */
export interface Bins<Numbers extends BinNumbers = BinNumbers> {
  /** Over the finite values of the bin; NaN without any. */
  readonly low: Numbers;
  readonly mean: Numbers;
  readonly high: Numbers;
  /** Number of finite values, and which others there were. 0: no step at all. */
  readonly info: Uint32Array;
}

/** Which bins of tensors are asked for: those that hold the steps `from` to `to`, both inclusive. */
export interface BinsRequest {
  readonly column: TensorColumn;
  /** Places in the run's list of tensors. */
  readonly tensors: readonly number[];
  /** Steps of a bin: a power of two. */
  readonly width: number;
  readonly from: number;
  readonly to: number;
  /** Of many tensors' bins the means alone are drawn. */
  readonly only?: "mean";
}

/** The answer: tensors.length × count bins, the first of each tensor being bin number `first`. */
export interface TensorBins extends Bins<Float32Array> {
  readonly request: BinsRequest;
  readonly first: number;
  readonly count: number;
  /** The last step that there was: bins that hold it, or later ones, may get more. */
  readonly last: number;
}

/** Bins with their means alone: no least and greatest values, and what is the same of all bins once. */
export function meansOnly(bins: TensorBins): TensorBins {
  const { info } = bins;
  const isSame = info.every(each => each === info[0]);
  const none = new Float32Array();
  return { ...bins, low: none, high: none, info: isSame ? info.slice(0, 1) : info };
}

/** Number of finite values in a bin. */
export function finiteCount(info: number): number {
  return info & COUNT;
}

/** Whether a bin has a value of one of these kinds, a sum of `HAS_…`. */
export function has(info: number, kinds: number): boolean {
  return (info & kinds) !== 0;
}

/** Bins that are being filled, with sums in float64. */
export class BinSums<Numbers extends BinNumbers = Float32Array> {
  readonly low: Numbers;
  readonly high: Numbers;
  readonly sums: Float64Array;
  readonly info: Uint32Array;
  readonly #numbers: new (
    length: number,
  ) => Numbers;

  constructor(length: number, numbers: new (length: number) => Numbers) {
    this.#numbers = numbers;
    this.low = new numbers(length);
    this.high = new numbers(length);
    this.low.fill(Number.NaN);
    this.high.fill(Number.NaN);
    this.sums = new Float64Array(length);
    this.info = new Uint32Array(length);
  }

  /** Adds a value of one step to a bin. */
  add(bin: number, value: number): void {
    const { low, high, sums, info } = this;
    const before = info[bin] ?? 0;
    // A difference of two finite numbers is finite in float64, of others NaN.
    if (value - value === 0) {
      if (!(value >= (low[bin] ?? 0))) low[bin] = value;
      if (!(value <= (high[bin] ?? 0))) high[bin] = value;
      sums[bin] = (sums[bin] ?? 0) + value;
      info[bin] = before + 1;
    } else info[bin] = before | kindOf(value);
  }

  /** Adds all that is in a bin that lies in this one. */
  merge(bin: number, from: BinSums<BinNumbers> | Bins, other: number): void {
    const { low, high, sums, info } = this;
    const added = from.info[other] ?? 0;
    const before = info[bin] ?? 0;
    const count = added & COUNT;
    // `|` gives a signed number, which the array takes as it is meant.
    info[bin] = ((before & COUNT) + count) | ((before | added) & ~COUNT);
    if (count === 0) return;
    const [least, greatest] = [from.low[other] ?? 0, from.high[other] ?? 0];
    if (!(least >= (low[bin] ?? 0))) low[bin] = least;
    if (!(greatest <= (high[bin] ?? 0))) high[bin] = greatest;
    const sum = "sums" in from ? from.sums[other] : (from.mean[other] ?? 0) * count;
    sums[bin] = (sums[bin] ?? 0) + (sum ?? 0);
  }

  finish(): Bins<Numbers> {
    const { low, high, info, sums } = this;
    const mean = new this.#numbers(sums.length);
    // 0 / 0 is NaN, as it is to be. The sum is rounded, and may be too large to be a number.
    for (let i = 0; i < mean.length; i++) {
      const exact = (sums[i] ?? 0) / ((info[i] ?? 0) & COUNT);
      mean[i] = Math.min(Math.max(exact, low[i] ?? exact), high[i] ?? exact);
    }
    return { low, mean, high, info };
  }
}

/** What `info` says of a value that is not finite. */
export function kindOf(value: number): number {
  if (Number.isNaN(value)) return HAS_NAN;
  return value > 0 ? HAS_POSITIVE_INFINITY : HAS_NEGATIVE_INFINITY;
}
