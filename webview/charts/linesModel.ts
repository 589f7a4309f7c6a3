import { binRows, nearestRow, type Positions, rowAt, rowsIn } from "../data/axis.ts";
import type { Bins } from "../data/bins.ts";
import type { Samples } from "../data/column.ts";
import { MOST_PLACES, type RatePlan } from "../data/ratePlan.ts";
import type { RunSeries } from "../data/runSeries.ts";
import { extents, type Range, type ScaleKind } from "../data/scale.ts";
import type { SeedMean } from "../data/seedMean.ts";
import { Trace } from "../data/trace.ts";
import { PLANNED_SLOT } from "../slots.ts";
import type { ChartModel, Drawn, Reading, Window } from "./model.ts";
import {
  type LayerRow,
  layerPool,
  type MarkRow,
  markPool,
  type PointRow,
  type Pool,
  pointPool,
} from "./pool.ts";

export interface Line {
  readonly label: string;
  readonly samples: Samples;
  /** Rows of the run at which the samples were taken; without them, sample i is that of row i. */
  readonly rows?: Positions;
  /** Steps of another run than the one that is shown, whose line it is. */
  readonly series?: RunSeries;
  /** Number of its colour and dash, where that is not its place among the lines. */
  readonly slot?: number;
  /** Why it has no values at all. */
  readonly absent?: string;
  /** It is the mean of several runs, with a band around it. */
  readonly spread?: SeedMean;
  /** How it is to go on over the steps to come. */
  readonly planned?: Planned;
}

/** What a schedule has planned for the learning rate of a parameter group. */
export interface Planned {
  readonly label: string;
  readonly plan: RatePlan;
  readonly group: number;
}

export interface LinesOptions {
  readonly scale: ScaleKind;
  /** Weight of the moving average; 0 for none. */
  readonly smoothing: number;
  /** A value that is drawn as a horizontal line. */
  readonly guide?: number;
  /** Bins of all lines of the chart together. */
  readonly bins: number;
}

/** The fewest bins that a line has, however many lines there are. */
const FEWEST_BINS = 160;

/** Where a band ends that has no lower edge: below every axis. The mark is clipped. */
export const BELOW = 1e-300;

/** Bins of a line beyond its limit: those that reach over the ends of the window. */
export const EXTRA_BINS = 3;

/** A trace and the rows that draw it. */
interface DrawnLine extends Line {
  readonly slot: number;
  readonly trace: Trace;
  readonly raw: Pool<PointRow>;
  readonly smooth: Pool<PointRow>;
  /** Its only value: a line from there to nowhere could not be seen. */
  readonly lone: Pool<PointRow>;
  readonly band: Band | undefined;
  readonly ahead: Pool<PointRow> | undefined;
}

/** The traces of a band's edges and the rows that draw it. */
interface Band {
  readonly low: Trace;
  readonly high: Trace;
  readonly rows: Pool<LayerRow>;
}

/** Lines of a chart, each as measured and, where it is smoothed, as a moving average above that. */
export class LinesModel implements ChartModel {
  readonly kind = "lines";
  readonly smoothed: boolean;
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  private readonly scale: ScaleKind;
  private readonly limit: number;
  private readonly lines: readonly DrawnLine[];
  private readonly marks: Pool<MarkRow>;
  private window: Window | undefined;

  constructor(lines: readonly Line[], { scale, smoothing, guide, bins }: LinesOptions) {
    this.scale = scale;
    this.limit = Math.max(FEWEST_BINS, Math.floor(bins / Math.max(1, lines.length)));
    this.smoothed = smoothing > 0;
    const most = this.limit + EXTRA_BINS;
    this.lines = lines.map((line, i) => {
      const slot = line.slot ?? i;
      return {
        ...line,
        slot,
        trace: new Trace(line.samples, { scale, smoothing }),
        raw: pointPool(2 * most + 2, slot),
        smooth: pointPool(smoothing > 0 ? most : 0, slot),
        lone: pointPool(1, slot),
        band: line.spread && {
          low: new Trace(line.spread.low, { scale, smoothing }),
          high: new Trace(line.spread.high, { scale, smoothing }),
          rows: layerPool(most, slot),
        },
        ahead: line.planned && pointPool(MOST_PLACES, PLANNED_SLOT + slot),
      };
    });
    this.marks = markPool(2 * most * Math.max(1, lines.length));
    // What comes later lies above: the first line is the run's own.
    const upwards = this.lines.toReversed();
    this.dataSets = {
      spread: upwards.flatMap(({ band }) => band?.rows.rows ?? []),
      raw: upwards.flatMap(line => [...(line.ahead?.rows ?? []), ...line.raw.rows]),
      smooth: upwards.flatMap(line => line.smooth.rows),
      lone: upwards.flatMap(line => line.lone.rows),
      marks: this.marks.rows,
      guides: guide === undefined ? [] : [{ y: guide }],
    };
  }

  /** The last step that is planned. */
  get end(): number | undefined {
    return this.lines.find(({ planned }) => planned)?.planned?.plan.end;
  }

  get isWhole(): boolean {
    const { window } = this;
    return this.lines.every(line => {
      const isPlaced = !window || positionsOf(line, window).isApproximate !== true;
      return isPlaced && line.samples.isCurrent !== false;
    });
  }

  write(window: Window): Drawn {
    let [points, values] = [0, 0];
    this.window = window;
    const ahead = this.lines.flatMap(line => writeAhead(line, window));
    for (const [i, line] of this.lines.entries()) {
      const { trace, raw, smooth, lone } = line;
      const positions = positionsOf(line, window);
      line.spread?.advance();
      const starts = binRows(positions, window.domain, window.scale, this.limit);
      trace.cut(starts);
      if (line.band) this.writeBand(line.band, trace, positions, starts);
      const used = writeLine(raw, positions, visit => trace.bins.line(visit));
      writeLine(smooth, positions, visit => trace.smoothLine(visit));
      writeLine(lone, positions, visit => positions.length === 1 && trace.bins.line(visit));
      if (i > 0) continue;
      const [from, to] = rowsIn(positions, window.domain);
      points = used;
      values = to - from;
    }
    const traces = this.lines.flatMap(({ trace, band }) =>
      band ? [band.low, trace, band.high] : [trace],
    );
    return { ...extentsOf(traces, this.scale, ahead), points, values };
  }

  /** The edges are smoothed as the line is; else a bin's band reaches from its least to its greatest. */
  private writeBand(
    { low, high, rows }: Band,
    { bins }: Trace,
    positions: Positions,
    starts: readonly number[],
  ) {
    low.cut(starts);
    high.cut(starts);
    let bin = 0;
    bins.lasts((last, start) => {
      const row = rows.next();
      const [least, greatest] = [low.bins.at(bin), high.bins.at(bin)];
      bin += 1;
      if (!row) return;
      row.x = positions.at(last < 0 ? start : last);
      row.high = (this.smoothed ? high.lineAt(last) : greatest?.max) ?? Number.NaN;
      // A mean less its deviation may have no place on a logarithmic axis.
      const isBelow = this.smoothed ? !(low.samples.at(last) > 0) : (least?.bottomRow ?? -1) >= 0;
      row.low = (this.smoothed ? low.lineAt(last) : least?.min) ?? Number.NaN;
      if (last < 0) row.low = Number.NaN;
      else if (this.scale === "log" && isBelow) row.low = BELOW;
    });
    rows.finish();
  }

  mark(window: Window, shown: Range): void {
    for (const line of this.lines) {
      const positions = positionsOf(line, window);
      writeMarks(this.marks, { ...window, positions }, line.trace.bins, shown);
    }
    this.marks.finish();
  }

  readings(row: number, beyond?: number): readonly Reading[] {
    const x = beyond ?? this.window?.positions.at(row) ?? Number.NaN;
    const measured = this.lines.map(({ label, slot, samples, rows, series, absent }) => {
      const at = series ? rowOf(series.positions(this.window?.kind ?? "step"), x) : row;
      // What is not measured at every step has the value that it had last.
      const index = rows ? rowAt(rows, at + 1) - 1 : at;
      samples.look?.(index);
      const value = samples.at(index);
      const isOver = at < 0 || index >= samples.length || (!series && beyond !== undefined);
      const missing = absent ?? (isOver ? "–" : undefined);
      return { label, slot, value, ...(missing === undefined ? {} : { absent: missing }) };
    });
    return [...measured, ...this.lines.flatMap(line => plannedReading(line, x))];
  }
}

/** Writes what is planned behind the last step that is there; the values that are drawn. */
function writeAhead({ planned, ahead }: DrawnLine, { domain, scale, positions }: Window): number[] {
  if (!planned || !ahead) return [];
  const { plan, group } = planned;
  const last = positions.length > 0 ? positions.at(positions.length - 1) : 0;
  const from = Math.max(last, domain[0]);
  const values: number[] = [];
  for (const step of plan.places(group, [from, domain[1]], scale)) {
    const row = ahead.next();
    if (!row) break;
    row.x = step;
    row.y = plan.at(group, step);
    values.push(row.y);
  }
  ahead.finish();
  return values;
}

/** What is planned for a step; before the first one, for that. */
function plannedReading({ planned, slot }: DrawnLine, step: number): Reading[] {
  if (!planned) return [];
  const { label, plan, group } = planned;
  const value = plan.at(group, step > 0 ? step : plan.begin(group));
  const missing = Number.isNaN(value) ? { absent: "–" } : {};
  return [{ label, slot: PLANNED_SLOT + slot, value, ...missing }];
}

/** Where the samples of a line stand. */
function positionsOf({ rows, series }: Line, window: Window): Positions {
  const positions = series?.positions(window.kind) ?? window.positions;
  return rows ? { length: rows.length, at: i => positions.at(rows.at(i)) } : positions;
}

/** The row of a run nearest to `x`; −1 before its begin and after its end. */
function rowOf(positions: Positions, x: number): number {
  const last = positions.length - 1;
  return x >= positions.at(0) && x <= positions.at(last) ? nearestRow(positions, x) : -1;
}

function writeLine(
  pool: Pool<PointRow>,
  positions: Positions,
  points: (visit: (row: number, value: number) => void) => void,
): number {
  points((at, value) => {
    const row = pool.next();
    if (!row) return;
    row.x = positions.at(at);
    row.y = value;
  });
  return pool.finish();
}

/** Extent of the traces as they were cut, and of what else is drawn, with and without outliers. */
export function extentsOf(
  traces: readonly Trace[],
  scale: ScaleKind,
  others: readonly number[] = [],
): Pick<Drawn, "extent" | "typical"> {
  const values = scale === "log" ? others.filter(value => value > 0) : [...others];
  for (const { bins } of traces) {
    for (let i = 0; i < bins.length; i++) {
      const bin = bins.at(i);
      if (bin && bin.firstRow >= 0) values.push(bin.min, bin.max);
    }
  }
  return extents(values, scale);
}

/** Adds a trace's edge marks to the pool; the caller finishes the pool. */
export function writeMarks(
  pool: Pool<MarkRow>,
  { positions, domain }: Window,
  bins: Bins,
  [low, high]: Range,
): void {
  const add = (at: number, top: boolean, outlier: boolean) => {
    const x = positions.at(at);
    const row = x >= domain[0] && x <= domain[1] ? pool.next() : undefined;
    if (row) Object.assign(row, { x, top, outlier });
  };
  for (let i = 0; i < bins.length; i++) {
    const bin = bins.at(i);
    if (!bin) continue;
    if (bin.topRow >= 0) add(bin.topRow, true, false);
    else if (bin.max > high) add(bin.maxRow, true, true);
    if (bin.bottomRow >= 0) add(bin.bottomRow, false, false);
    else if (bin.min < low) add(bin.minRow, false, true);
  }
}
