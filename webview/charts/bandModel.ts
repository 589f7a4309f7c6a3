import type { Column } from "../data/column.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import { extentOf, Trace } from "../data/trace.ts";
import { writeMarks } from "./linesModel.ts";
import type { ChartModel, Reading } from "./model.ts";
import { bandPool, markPool } from "./pool.ts";

export interface BandColumns {
  readonly p5: Column;
  readonly p50: Column;
  readonly p95: Column;
}

const BINS = 400;

/**
 * How far below the least median a logarithmic axis reaches at most. Weights whose gradient is
 * always zero have step sizes that fall to 1e-38: they must not squeeze all others.
 */
const LOWEST = 1e-3;

/** Where the band ends that has no lower edge: below every axis. The mark is clipped. */
const BELOW = 1e-300;

/** The 5th to 95th percentile of a tensor's elements, with their median. */
export class BandModel implements ChartModel {
  readonly kind = "band";
  readonly smoothed = false;
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  private readonly scale: ScaleKind;
  private readonly p5: Trace;
  private readonly p50: Trace;
  private readonly p95: Trace;
  private readonly band = bandPool(BINS);
  private readonly marks = markPool(2 * BINS);

  constructor(columns: BandColumns, firstStep: number, scale: ScaleKind) {
    this.scale = scale;
    const options = { firstStep, limit: BINS, scale, smoothing: 0 };
    this.p5 = new Trace(columns.p5, options);
    this.p50 = new Trace(columns.p50, options);
    this.p95 = new Trace(columns.p95, options);
    this.dataSets = { band: this.band.rows, marks: this.marks.rows };
  }

  /** In a bin of several steps the band is as wide as at its widest, the median is the last. */
  write(): void {
    for (const trace of [this.p5, this.p50, this.p95]) trace.update();
    const low = this.p5.raw;
    const high = this.p95.raw;
    let bin = 0;
    this.p50.raw.lasts((step, value) => {
      const row = this.band.next();
      if (row) {
        row.x = step;
        row.mid = value;
        row.low = Number.isNaN(low.bottomStep[bin]) ? (low.min[bin] ?? Number.NaN) : BELOW;
        row.high = high.max[bin] ?? Number.NaN;
      }
      bin += 1;
    });
    this.band.finish();
    writeMarks(this.marks, this.p50.raw);
    this.marks.finish();
  }

  extent(): Range {
    const [low, high] = extentOf([this.p5, this.p50, this.p95]);
    const [median] = this.p50.raw.extent();
    const floor = this.scale === "log" && Number.isFinite(median) ? median * LOWEST : low;
    return [Math.max(low, floor), high];
  }

  readings(row: number): readonly Reading[] {
    return [
      { label: "median", value: this.p50.column.at(row), slot: 0 },
      { label: "p5", value: this.p5.column.at(row), slot: undefined },
      { label: "p95", value: this.p95.column.at(row), slot: undefined },
    ];
  }
}
