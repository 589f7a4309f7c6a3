import type { Smoothing } from "../../runtime/protocol/curves.ts";
import { Ema } from "../../runtime/protocol/ema.ts";
import { Bins } from "./bins.ts";
import type { Samples } from "./column.ts";
import type { ScaleKind } from "./scale.ts";
import { type Smoothed, smoothed } from "./smoothed.ts";
import { StoredSeries } from "./storedSeries.ts";

export interface TraceOptions {
  readonly scale: ScaleKind;
  /** Weight of the moving average, 0 … 1; 0 for none. */
  readonly smoothing: number;
}

/**
 * One series as it is drawn: smoothed over all of its values, then cut into bins. Of a tensor whose steps are
 * known in bins alone, the moving average is that of the means of those that are drawn.
 */
export class Trace {
  readonly samples: Samples;
  readonly bins = new Bins();
  private readonly scale: ScaleKind;
  private readonly smoothing: number;
  private readonly smooth: Smoothed | undefined;
  /** The moving average that is asked for where the run store computes it. */
  private readonly wanted: Smoothing | undefined;
  /** The moving average of means, by bin. */
  private averages: readonly number[] | undefined;
  /** The moving average at the rows at which it was drawn the last time. */
  private known = new Map<number, number>();

  constructor(samples: Samples, { scale, smoothing }: TraceOptions) {
    this.samples = samples;
    this.scale = scale;
    this.smoothing = smoothing;
    this.wanted = smoothing > 0 ? { weight: smoothing, scale } : undefined;
    this.smooth = smoothing > 0 ? smoothed(samples, smoothing, scale) : undefined;
  }

  /** Takes the rows that the series has got since the last call, and cuts it at `starts`. */
  cut(starts: readonly number[]): void {
    const { samples, smooth } = this;
    this.bins.cut(samples, starts, this.scale, this.wanted);
    const isInexact = samples instanceof StoredSeries && samples.isBinned && !samples.isAveraged;
    this.averages = isInexact && smooth ? this.averageMeans(samples, starts) : undefined;
    if (!isInexact) smooth?.advance();
  }

  private averageMeans(samples: StoredSeries, starts: readonly number[]): readonly number[] {
    const ema = new Ema(this.smoothing, this.scale);
    return starts.slice(0, -1).map((from, i) => {
      const to = starts[i + 1] ?? from;
      return ema.next(samples.mean(from, to), to - from);
    });
  }

  /** The moving average at a row, without one the value. */
  lineAt(row: number): number {
    const { samples, smooth } = this;
    if (!smooth) return samples.at(row);
    return this.storedAverage(row) ?? smooth.at(row);
  }

  /** The moving average at the last value of each bin; NaN, a gap, where nothing can be drawn. */
  smoothLine(visit: (row: number, value: number) => void): void {
    const { smooth, averages, known } = this;
    if (!smooth) return;
    this.known = new Map();
    let bin = 0;
    this.bins.lasts((row, start) => {
      const average = averages ? averages[bin++] : row < 0 ? undefined : this.averageAt(row, known);
      visit(row < 0 ? start : row, (row < 0 ? undefined : average) ?? Number.NaN);
    });
  }

  /** The moving average at a row: that of the store, that which was computed for the drawing before, or anew. */
  private averageAt(row: number, known: ReadonlyMap<number, number>): number {
    const stored = this.storedAverage(row);
    if (stored !== undefined) return stored;
    const average = known.get(row) ?? this.smooth?.at(row) ?? Number.NaN;
    // That behind stored steps is not known before the store has told theirs.
    if (!Number.isNaN(average)) this.known.set(row, average);
    return average;
  }

  private storedAverage(row: number): number | undefined {
    const { samples, wanted } = this;
    return wanted && samples instanceof StoredSeries ? samples.average(row, wanted) : undefined;
  }
}
