/** Which samples a pass over the data reads, and in which order. */
import { permutation } from "../tensor/permutation.ts";

/** An own one implements these two members. */
export interface Sampler {
  /** Number of samples in a pass. */
  readonly length: number;
  /**
   * The numbers of the samples of a pass.
   * @param random gives uniform numbers in [0, 1): equal ones for a pass that is resumed.
   */
  indices(random: () => number): Int32Array;
}

export interface RandomSamplerOptions {
  /** A sample may come more than once in a pass. */
  replacement?: boolean;
  /** Samples in a pass. All of them by default; more only with replacement. */
  numSamples?: number;
}

/** All samples in a random order, or random ones with replacement: PyTorch's `RandomSampler`. */
export class RandomSampler implements Sampler {
  readonly #source: { readonly length: number };
  readonly #replacement: boolean;
  readonly #numSamples: number | undefined;

  /** @throws RangeError if there are not as many samples. */
  constructor(source: { readonly length: number }, options: RandomSamplerOptions = {}) {
    const { replacement = false, numSamples } = options;
    this.#source = source;
    this.#replacement = replacement;
    this.#numSamples = numSamples;
    if (numSamples === undefined) return;
    checkCount("RandomSampler", numSamples, replacement ? undefined : source.length);
  }

  get length(): number {
    return this.#numSamples ?? this.#source.length;
  }

  indices(random: () => number): Int32Array {
    const count = this.#source.length;
    if (!this.#replacement) return permutation(count, random).subarray(0, this.length);
    return Int32Array.from({ length: this.length }, () => Math.floor(random() * count));
  }
}

/**
 * Samples drawn by weight: PyTorch's `WeightedRandomSampler`. Sample i comes with a probability in
 * proportion to `weights[i]`, as for classes of different size.
 */
export class WeightedRandomSampler implements Sampler {
  readonly length: number;
  readonly #weights: Float64Array;
  readonly #replacement: boolean;

  /**
   * @param numSamples samples in a pass.
   * @throws RangeError if a weight is negative or not finite, if all are 0, or if without replacement
   *   fewer samples than asked for have a weight.
   */
  constructor(
    weights: ArrayLike<number>,
    numSamples: number,
    { replacement = true }: { replacement?: boolean } = {},
  ) {
    this.#weights = Float64Array.from(weights);
    this.#replacement = replacement;
    this.length = numSamples;
    const odd = this.#weights.find(weight => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
    if (odd !== undefined) {
      throw new RangeError(`WeightedRandomSampler: a weight should be at least 0, got ${odd}`);
    }
    const possible = this.#weights.filter(weight => weight > 0).length;
    if (possible === 0) {
      throw new RangeError("WeightedRandomSampler: at least one weight should be above 0");
    }
    checkCount("WeightedRandomSampler", numSamples, replacement ? undefined : possible);
  }

  indices(random: () => number): Int32Array {
    return this.#replacement ? this.#withReplacement(random) : this.#withoutReplacement(random);
  }

  #withReplacement(random: () => number): Int32Array {
    let total = 0;
    const sums = this.#weights.map(weight => {
      total += weight;
      return total;
    });
    return Int32Array.from({ length: this.length }, () => firstAbove(sums, random() * total));
  }

  /** Efraimidis & Spirakis 2006: the smallest of independent exponential times of rate wᵢ. */
  #withoutReplacement(random: () => number): Int32Array {
    const times = this.#weights.map(weight => -Math.log1p(-random()) / weight);
    const order = Int32Array.from(times.keys()).filter(i => (this.#weights[i] ?? 0) > 0);
    order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
    return order.subarray(0, this.length);
  }
}

/** Number of the first of rising sums that is above a value. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkCount(sampler: string, count: number, limit = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(count) && count >= 1 && count <= limit) return;
  const most = limit === Number.MAX_SAFE_INTEGER ? "" : ` of at most ${limit} without replacement`;
  throw new RangeError(`${sampler}: numSamples should be a positive integer${most}, got ${count}`);
}
