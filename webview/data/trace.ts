import { Bins } from "./bins.ts";
import type { Column } from "./column.ts";
import { Ema } from "./ema.ts";
import type { Range, ScaleKind } from "./scale.ts";

export interface TraceOptions {
  readonly firstStep: number;
  /** Most bins that the trace is drawn by. */
  readonly limit: number;
  readonly scale: ScaleKind;
  /** Weight of the moving average, 0 … 1; 0 for none. */
  readonly smoothing: number;
}

/** One column as it is drawn: binned, and smoothed over all of its values before it is binned. */
export class Trace {
  readonly column: Column;
  readonly raw: Bins;
  readonly smooth: Bins | undefined;
  private readonly ema: Ema | undefined;
  private readonly firstStep: number;
  private taken = 0;

  constructor(column: Column, options: TraceOptions) {
    this.column = column;
    this.firstStep = options.firstStep;
    this.raw = new Bins(options.limit, options.scale);
    if (options.smoothing > 0) {
      this.smooth = new Bins(options.limit, options.scale);
      this.ema = new Ema(options.smoothing, options.scale);
    }
  }

  /** Takes the rows that the column has got since the last call. */
  update(): void {
    for (; this.taken < this.column.length; this.taken++) {
      const step = this.firstStep + this.taken;
      const value = this.column.at(this.taken);
      this.raw.add(step, value);
      if (this.ema) this.smooth?.add(step, this.ema.next(value));
    }
  }
}

/** Least and greatest value of several traces; [∞, −∞] without values. */
export function extentOf(traces: readonly Trace[]): Range {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { raw } of traces) {
    const [least, greatest] = raw.extent();
    low = Math.min(low, least);
    high = Math.max(high, greatest);
  }
  return [low, high];
}
