import type { Bins } from "../data/bins.ts";
import type { Column } from "../data/column.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import { extentOf, Trace } from "../data/trace.ts";
import type { ChartModel, Reading } from "./model.ts";
import { type MarkRow, markPool, type PointRow, type Pool, pointPool } from "./pool.ts";

export interface Line {
  readonly label: string;
  readonly column: Column;
}

export interface LinesOptions {
  readonly firstStep: number;
  readonly scale: ScaleKind;
  /** Weight of the moving average; 0 for none. */
  readonly smoothing: number;
}

/** Bins of all lines of a chart together, and the fewest that a line has. */
const ALL_BINS = 320;
const FEWEST_BINS = 80;

/** A trace and the rows that draw it. */
interface DrawnLine {
  readonly label: string;
  readonly slot: number;
  readonly trace: Trace;
  readonly raw: Pool<PointRow>;
  readonly smooth: Pool<PointRow>;
}

/** Lines of a chart, each as measured and, where it is smoothed, as a moving average above that. */
export class LinesModel implements ChartModel {
  readonly kind = "lines";
  readonly smoothed: boolean;
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  private readonly lines: readonly DrawnLine[];
  private readonly marks: Pool<MarkRow>;

  constructor(lines: readonly Line[], { firstStep, scale, smoothing }: LinesOptions) {
    const limit = Math.max(FEWEST_BINS, Math.floor(ALL_BINS / Math.max(1, lines.length)));
    this.smoothed = smoothing > 0;
    this.lines = lines.map(({ label, column }, slot) => ({
      label,
      slot,
      trace: new Trace(column, { firstStep, limit, scale, smoothing }),
      raw: pointPool(2 * limit + 2, slot),
      smooth: pointPool(smoothing > 0 ? limit : 0, slot),
    }));
    this.marks = markPool(2 * limit);
    this.dataSets = {
      raw: this.lines.flatMap(line => line.raw.rows),
      smooth: this.lines.flatMap(line => line.smooth.rows),
      marks: this.marks.rows,
    };
  }

  write(): void {
    for (const { trace, raw, smooth } of this.lines) {
      trace.update();
      writeLine(raw, visit => trace.raw.line(visit));
      writeLine(smooth, visit => trace.smooth?.lasts(visit));
      writeMarks(this.marks, trace.raw);
    }
    this.marks.finish();
  }

  extent(): Range {
    return extentOf(this.lines.map(line => line.trace));
  }

  readings(row: number): readonly Reading[] {
    return this.lines.map(({ label, slot, trace }) => ({
      label,
      slot,
      value: trace.column.at(row),
    }));
  }
}

function writeLine(
  pool: Pool<PointRow>,
  points: (visit: (step: number, value: number) => void) => void,
): void {
  points((step, value) => {
    const row = pool.next();
    if (!row) return;
    row.x = step;
    row.y = value;
  });
  pool.finish();
}

/** Adds a trace's edge marks to the pool; the caller finishes the pool. */
export function writeMarks(pool: Pool<MarkRow>, bins: Bins): void {
  bins.marks((step, top) => {
    const row = pool.next();
    if (!row) return;
    row.x = step;
    row.top = top;
  });
}
