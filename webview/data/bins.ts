import { type Extremes, noExtremes, type Samples } from "./column.ts";
import type { Range, ScaleKind } from "./scale.ts";

/**
 * A series cut into bins, as it is drawn: a bin keeps its least and greatest value and where they
 * are, so no spike is lost. The objects are made once and filled anew by each `cut`.
 */
export class Bins {
  private readonly bins: Extremes[] = [];
  private used = 0;
  private starts: readonly number[] = [];

  /** Bins in use. */
  get length(): number {
    return this.used;
  }

  at(bin: number): Readonly<Extremes> | undefined {
    return bin < this.used ? this.bins[bin] : undefined;
  }

  /** Cuts a series at these rows: bin `i` is rows `starts[i]` to `starts[i + 1]`. */
  cut(samples: Samples, starts: readonly number[], scale: ScaleKind): void {
    this.starts = starts;
    this.used = Math.max(0, starts.length - 1);
    samples.aim?.(starts[0] ?? 0, starts.at(-1) ?? 0, this.used);
    for (let i = 0; i < this.used; i++) {
      const bin = this.bins[i] ?? noExtremes();
      this.bins[i] = bin;
      samples.extremes(starts[i] ?? 0, starts[i + 1] ?? 0, scale, bin);
    }
  }

  /** Least and greatest value; [∞, −∞] if there is none. */
  extent(): Range {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < this.used; i++) {
      const { min, max } = this.bins[i] as Extremes;
      if (min < low) low = min;
      if (max > high) high = max;
    }
    return [low, high];
  }

  /**
   * The line through the extremes of all bins, its first and its last value, in order of rows: at
   * most 2 · length + 2 points. A bin in which nothing can be drawn gives a NaN: the line is broken.
   */
  line(visit: (row: number, value: number) => void): void {
    for (let i = 0; i < this.used; i++) {
      const { minRow, maxRow, firstRow, lastRow, min, max, first, last } = this.bins[i] as Extremes;
      if (firstRow < 0) {
        visit(this.starts[i] ?? 0, Number.NaN);
        continue;
      }
      if (i === 0 && firstRow < Math.min(minRow, maxRow)) visit(firstRow, first);
      if (minRow <= maxRow) visit(minRow, min);
      if (minRow !== maxRow) visit(maxRow, max);
      if (minRow > maxRow) visit(minRow, min);
      if (i === this.used - 1 && lastRow > Math.max(minRow, maxRow)) visit(lastRow, last);
    }
  }

  /** The last row of each bin whose value can be drawn; −1, at the bin's begin, without one. */
  lasts(visit: (row: number, start: number) => void): void {
    for (let i = 0; i < this.used; i++) {
      visit((this.bins[i] as Extremes).lastRow, this.starts[i] ?? 0);
    }
  }
}
