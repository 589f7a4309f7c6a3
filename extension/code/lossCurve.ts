/** Marks of a sparkline, from the lowest value to the highest. */
const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** Stands for values that are NaN or infinite. */
const NOT_FINITE = "×";

/** Sum and number of the values of one bin; the sum is not finite where one of them is not. */
interface Bin {
  sum: number;
  count: number;
}

/**
 * A series of any length as the means of at most `2 · width` bins of equal size: when they are
 * full, neighbours are merged. Adding costs the same at step a million as at the first.
 */
export class LossCurve {
  readonly #width: number;
  #bins: Bin[] = [];
  #perBin = 1;

  /** `width`: bins that are left after a merge, an even number. */
  constructor(width: number) {
    this.#width = width;
  }

  add(value: number): void {
    let last = this.#bins.at(-1);
    if (!last || last.count === this.#perBin) {
      if (this.#bins.length === 2 * this.#width) this.#merge();
      last = { sum: 0, count: 0 };
      this.#bins.push(last);
    }
    last.sum += value;
    last.count += 1;
  }

  /** Means of the bins, in order; the last bin may have fewer values than the others. */
  means(): number[] {
    return this.#bins.map(({ sum, count }) => sum / count);
  }

  #merge(): void {
    this.#bins = Array.from({ length: this.#width }, (_, i) => {
      const pair = this.#bins.slice(2 * i, 2 * i + 2);
      return {
        sum: pair.reduce((sum, bin) => sum + bin.sum, 0),
        count: pair.reduce((count, bin) => count + bin.count, 0),
      };
    });
    this.#perBin *= 2;
  }
}

/** From this ratio of the greatest value to the least on, positive values are drawn by their logarithm. */
const LOG_RATIO = 20;

/**
 * Where values lie between their least (0) and their greatest (1), on a logarithmic scale where all
 * are positive and far apart, as a loss that falls by decades. NaN for what is not finite.
 */
export function heights(values: readonly number[]): number[] {
  const finite = values.filter(Number.isFinite);
  const [least, greatest] = [Math.min(...finite), Math.max(...finite)];
  const scale = least > 0 && greatest / least > LOG_RATIO ? Math.log : (value: number) => value;
  const range = scale(greatest) - scale(least);
  return values.map(value => {
    if (!Number.isFinite(value)) return Number.NaN;
    return range > 0 ? (scale(value) - scale(least)) / range : 0;
  });
}

/** Values as blocks of eight heights between their least and their greatest; `×` is not finite. */
export function sparkline(values: readonly number[]): string {
  return heights(values)
    .map(height => BLOCKS[Math.round(height * (BLOCKS.length - 1))] ?? NOT_FINITE)
    .join("");
}
