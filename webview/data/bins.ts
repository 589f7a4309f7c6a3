import type { Smoothing } from "../../runtime/protocol/curves.ts";
import { type Extremes, noExtremes, type Samples } from "./column.ts";
import type { Range, ScaleKind } from "./scale.ts";

/**
 * A series cut into bins, as it is drawn: a bin keeps its least and greatest value and where they
 * are, so no spike is lost. What rows have that the bins of the last `cut` had, too, is not looked at
 * again: a run that goes on changes its last bin alone.
 */
export class Bins {
  private bins: Extremes[] = [];
  /** Whether what a bin has is settled. */
  private settled: boolean[] = [];
  /** Objects of bins that are gone, to be filled anew. */
  private readonly spare: Extremes[] = [];
  private samples: Samples | undefined;
  private scale: ScaleKind = "linear";
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
  cut(samples: Samples, starts: readonly number[], scale: ScaleKind, smoothing?: Smoothing): void {
    const { bins, settled, spare, starts: borders } = this;
    const before = samples === this.samples && scale === this.scale ? bins.length : 0;
    Object.assign(this, { samples, scale, starts, bins: [], settled: [] });
    this.used = Math.max(0, starts.length - 1);
    samples.aim?.(starts[0] ?? 0, starts.at(-1) ?? 0, this.used, smoothing);
    let next = 0;
    const passBy = () => spare.push(bins[next++] as Extremes);
    for (let i = 0; i < this.used; i++) {
      const [from, to] = [starts[i] ?? 0, starts[i + 1] ?? 0];
      while (next < before && (borders[next] ?? 0) < from) passBy();
      const isSettled = samples.isSettled?.(from, to) ?? false;
      const isSame = borders[next] === from && borders[next + 1] === to && settled[next] === true;
      if (next < before && isSame && isSettled) this.bins.push(bins[next++] as Extremes);
      else {
        const bin = spare.pop() ?? noExtremes();
        samples.extremes(from, to, scale, bin);
        this.bins.push(bin);
      }
      this.settled.push(isSettled);
    }
    while (next < bins.length) passBy();
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
