import { Ema } from "../../runtime/protocol/ema.ts";
import { Bins } from "./bins.ts";
import type { Samples } from "./column.ts";
import type { ScaleKind } from "./scale.ts";
import { type Smoothed, smoothed } from "./smoothed.ts";
import { TensorSeries } from "./tensorSeries.ts";

export interface TraceOptions {
  readonly scale: ScaleKind;
  /** Weight of the moving average, 0 … 1; 0 for none. */
  readonly smoothing: number;
}

/**
 * One series as it is drawn: smoothed over all of its values, then cut into bins. Of a series that is known
 * in bins alone, the moving average is that of the means of those that are drawn.
 */
export class Trace {
  readonly samples: Samples;
  readonly bins = new Bins();
  private readonly scale: ScaleKind;
  private readonly smoothing: number;
  private readonly smooth: Smoothed | undefined;
  /** The moving average of means, by bin. */
  private averages: readonly number[] | undefined;
  /** The moving average at the rows at which it was drawn the last time. */
  private known = new Map<number, number>();

  constructor(samples: Samples, { scale, smoothing }: TraceOptions) {
    this.samples = samples;
    this.scale = scale;
    this.smoothing = smoothing;
    this.smooth = smoothing > 0 ? smoothed(samples, smoothing, scale) : undefined;
  }

  /** Takes the rows that the series has got since the last call, and cuts it at `starts`. */
  cut(starts: readonly number[]): void {
    const { samples, smooth } = this;
    this.bins.cut(samples, starts, this.scale);
    const isBinned = samples instanceof TensorSeries && samples.isBinned;
    this.averages = isBinned && smooth ? this.averageMeans(samples, starts) : undefined;
    if (!isBinned) smooth?.advance();
  }

  private averageMeans(samples: TensorSeries, starts: readonly number[]): readonly number[] {
    const ema = new Ema(this.smoothing, this.scale);
    return starts.slice(0, -1).map((from, i) => {
      const to = starts[i + 1] ?? from;
      return ema.next(samples.mean(from, to), to - from);
    });
  }

  /** The moving average at a row, without one the value. */
  lineAt(row: number): number {
    return (this.smooth ?? this.samples).at(row);
  }

  /** The moving average at the last value of each bin; NaN, a gap, where nothing can be drawn. */
  smoothLine(visit: (row: number, value: number) => void): void {
    const { smooth, averages, known } = this;
    if (!smooth) return;
    this.known = new Map();
    let bin = 0;
    this.bins.lasts((row, start) => {
      if (averages) visit(row < 0 ? start : row, row < 0 ? Number.NaN : (averages[bin] ?? NaN));
      else if (row < 0) visit(start, Number.NaN);
      else {
        const average = known.get(row) ?? smooth.at(row);
        this.known.set(row, average);
        visit(row, average);
      }
      bin += 1;
    });
  }
}
