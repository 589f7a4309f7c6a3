import { binRows, rowsIn } from "../data/axis.ts";
import type { Samples } from "../data/column.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import { Trace } from "../data/trace.ts";
import { BELOW, EXTRA_BINS, extentsOf, writeMarks } from "./linesModel.ts";
import type { ChartModel, Drawn, Reading, Window } from "./model.ts";
import { bandPool, markPool } from "./pool.ts";

export interface BandColumns {
  readonly p5: Samples;
  readonly p50: Samples;
  readonly p95: Samples;
}

/**
 * How far below the least median a logarithmic axis reaches at most. Weights whose gradient is
 * always zero have step sizes that fall to 1e-38: they must not squeeze all others.
 */
const LOWEST = 1e-3;

/** The 5th to 95th percentile of a tensor's elements, with their median. */
export class BandModel implements ChartModel {
  readonly kind = "band";
  readonly smoothed = false;
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  private readonly scale: ScaleKind;
  private readonly limit: number;
  private readonly p5: Trace;
  private readonly p50: Trace;
  private readonly p95: Trace;
  private readonly band;
  private readonly marks;

  constructor(columns: BandColumns, scale: ScaleKind, bins: number) {
    this.scale = scale;
    this.limit = bins;
    this.band = bandPool(bins + EXTRA_BINS);
    this.marks = markPool(2 * (bins + EXTRA_BINS));
    const options = { scale, smoothing: 0 };
    this.p5 = new Trace(columns.p5, options);
    this.p50 = new Trace(columns.p50, options);
    this.p95 = new Trace(columns.p95, options);
    this.dataSets = { band: this.band.rows, marks: this.marks.rows };
  }

  /** In a bin of several steps the band is as wide as at its widest, the median is the last. */
  get isWhole(): boolean {
    return [this.p5, this.p50, this.p95].every(({ samples }) => samples.isCurrent !== false);
  }

  write({ positions, domain, scale }: Window): Drawn {
    const starts = binRows(positions, domain, scale, this.limit);
    for (const trace of [this.p5, this.p50, this.p95]) trace.cut(starts);
    let bin = 0;
    this.p50.bins.lasts((last, start) => {
      const row = this.band.next();
      const low = this.p5.bins.at(bin);
      const high = this.p95.bins.at(bin);
      bin += 1;
      if (!row || !low || !high) return;
      row.x = positions.at(last < 0 ? start : last);
      row.mid = last < 0 ? Number.NaN : this.p50.samples.at(last);
      row.low = low.bottomRow < 0 ? low.min : BELOW;
      row.high = high.max;
    });
    const points = this.band.finish();
    const [from, to] = rowsIn(positions, domain);
    const { extent, typical } = extentsOf([this.p5, this.p50, this.p95], this.scale);
    const floor = this.floor();
    const above = ([low, high]: Range): Range => [Math.max(low, floor), high];
    return { extent: above(extent), typical: above(typical), points, values: to - from };
  }

  mark(window: Window, shown: Range): void {
    writeMarks(this.marks, window, this.p50.bins, shown);
    this.marks.finish();
  }

  readings(row: number, beyond?: number): readonly Reading[] {
    const after = beyond === undefined ? {} : { absent: "–" };
    for (const { samples } of [this.p5, this.p50, this.p95]) samples.look?.(row);
    return [
      { label: "median", value: this.p50.samples.at(row), slot: 0, ...after },
      { label: "p5", value: this.p5.samples.at(row), slot: undefined, ...after },
      { label: "p95", value: this.p95.samples.at(row), slot: undefined, ...after },
    ];
  }

  /** What lies below is not shown of itself. */
  private floor(): number {
    const [median] = this.p50.bins.extent();
    return this.scale === "log" && Number.isFinite(median) ? median * LOWEST : -Infinity;
  }
}
