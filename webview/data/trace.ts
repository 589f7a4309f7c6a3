import { Bins } from "./bins.ts";
import { Column, type Samples } from "./column.ts";
import { Ema } from "./ema.ts";
import type { ScaleKind } from "./scale.ts";

export interface TraceOptions {
  readonly scale: ScaleKind;
  /** Weight of the moving average, 0 … 1; 0 for none. */
  readonly smoothing: number;
}

/** One series as it is drawn: smoothed over all of its values, then cut into bins. */
export class Trace {
  readonly samples: Samples;
  readonly bins = new Bins();
  private readonly scale: ScaleKind;
  private readonly ema: Ema | undefined;
  private readonly smooth: Column | undefined;

  constructor(samples: Samples, { scale, smoothing }: TraceOptions) {
    this.samples = samples;
    this.scale = scale;
    if (smoothing > 0) {
      this.ema = new Ema(smoothing, scale);
      this.smooth = new Column(64);
    }
  }

  /** Takes the rows that the series has got since the last call, and cuts it at `starts`. */
  cut(starts: readonly number[]): void {
    const { ema, smooth, samples } = this;
    if (ema && smooth) {
      while (smooth.length < samples.length) smooth.push(ema.next(samples.at(smooth.length)));
    }
    this.bins.cut(samples, starts, this.scale);
  }

  /** The moving average at a row, without one the value. */
  lineAt(row: number): number {
    return (this.smooth ?? this.samples).at(row);
  }

  /** The moving average at the last value of each bin; NaN, a gap, where nothing can be drawn. */
  smoothLine(visit: (row: number, value: number) => void): void {
    const { smooth } = this;
    if (!smooth) return;
    this.bins.lasts((row, start) => {
      if (row < 0) visit(start, Number.NaN);
      else visit(row, smooth.at(row));
    });
  }
}
