import { kindOf, type TensorBins } from "../../runtime/protocol/bins.ts";
import {
  type CurveBins,
  type CurveName,
  type CurveTotal,
  curveValues,
  DERIVED_COLUMNS,
  type DerivedColumn,
  groupOf,
  rateName,
} from "../../runtime/protocol/curves.ts";
import { secondsLeftInEpoch } from "../../runtime/protocol/epoch.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import { type StoredSteps, totalsOf } from "../../runtime/protocol/page.ts";
import {
  type StepBatch,
  type StepColumn,
  type StepCurves,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import { type Positions, rowAt, type XKind } from "./axis.ts";
import { type Asked, BinRequests } from "./binRequests.ts";
import { Column, type Samples } from "./column.ts";
import { ExactRows } from "./exactRows.ts";
import { formatCount } from "./format.ts";
import type { Range } from "./scale.ts";
import { type BinRange, type BinSource, StoredSeries } from "./storedSeries.ts";

/** What the page shows of a step; the store keeps the rest. */
const SHOWN_STEP_COLUMNS = [
  "loss",
  "gradNorm",
  "clippedGradNorm",
  "stepToWeight",
  "stepMs",
  "epoch",
  "time",
  "forwardMs",
  "backwardMs",
  "waitMs",
  "gpuForwardMs",
  "gpuBackwardMs",
  "gpuStepMs",
  "samples",
] as const;

/** The same with what follows from it. */
const CURVES = [...SHOWN_STEP_COLUMNS, ...DERIVED_COLUMNS] as const;

/** What the page shows of a parameter tensor. */
const SHOWN_TENSOR_COLUMNS = [
  "gradNorm",
  "stepToWeight",
  "signFlips",
  "nonFinite",
  "effectiveLrP5",
  "effectiveLrP50",
  "effectiveLrP95",
  "stepSizeP5",
  "stepSizeP50",
  "stepSizeP95",
] as const;

/** Steps of which all but tensors is known exactly, at least, before older ones are left to the store. */
const EXACT_STEPS = 2 ** 16;

/** The same of tensors: steps times tensors. */
const EXACT_VALUES = 2 ** 19;

/** Steps are left to the store up to a multiple of so many. */
const FORGOTTEN_TOGETHER = 512;

/** Axes on which a run stands where its columns say. */
type RisingKind = Exclude<XKind, "step">;

/** Numbers that a script logged by one name, and the rows of the steps after which it did. */
export interface MetricSeries {
  readonly rows: Column;
  readonly values: Column;
}

export type ShownStepColumn = (typeof SHOWN_STEP_COLUMNS)[number] & StepColumn;
export type ShownTensorColumn = (typeof SHOWN_TENSOR_COLUMNS)[number] & TensorColumn;

/**
 * All steps of one run, by column: row `i` is the step `i` after the first, and no step is missing. Of
 * a run of which only logged numbers are known, a row is a step at which there are some.
 */
export class RunSeries {
  private first = 1;
  /** Steps by row of a run of which only logged numbers are known. */
  private loggedSteps: readonly number[] | undefined;
  private rows = 0;
  private readonly requests: BinRequests;
  /** What is known of all stored steps. */
  private totals: ReadonlyMap<CurveName, CurveTotal> = new Map();
  /** The last step that the page need not have, but for tensors. */
  private curvesTo = 0;
  private readonly exactSteps = new ExactRows({
    leave: row => this.leaveCurves(row),
    forget: row => {
      for (const series of this.measured) series.forget(row);
    },
  });
  private readonly steps: Readonly<Record<ShownStepColumn | DerivedColumn, StoredSeries>>;
  private readonly rates: StoredSeries[] = [];
  /** Where the steps stand on the axes that have been asked for. */
  private readonly rising = new Map<RisingKind, Column>();
  private readonly logged = new Map<string, MetricSeries>();
  private readonly tensors: Record<ShownTensorColumn, StoredSeries>[] = [];
  private readonly exactTensors = new ExactRows({
    leave: row => {
      this.leaveToStore(this.stepAt(row - 1), this.tensors.length);
      for (const series of this.ofTensors) series.leave(row);
    },
    forget: row => {
      for (const series of this.ofTensors) series.forget(row);
    },
  });
  /** The last step whose tensors are to be asked for, where the page does not have them. */
  private storedTo = 0;

  /** `ask` sends the host requests for bins; `receiveBins` and `receiveCurve` take the answers. */
  constructor(ask: (asked: Asked) => void = () => {}) {
    this.requests = new BinRequests(ask);
    const entries = CURVES.map(name => [name, this.makeCurve(name)]);
    this.steps = Object.fromEntries(entries);
  }

  /** 0 before the first step. */
  get lastStep(): number {
    return this.rows === 0 ? 0 : this.stepAt(this.rows - 1);
  }

  /** Nothing was measured: only logged numbers are known. */
  get isLoggedOnly(): boolean {
    return this.loggedSteps !== undefined;
  }

  get length(): number {
    return this.rows;
  }

  /** Number of parameter groups that have a learning rate. */
  get groups(): number {
    return this.rates.length;
  }

  /**
   * Where the steps stand on an x axis of a kind. Those of a stored run are asked for with the first call;
   * until they come all steps seem to take equally long.
   */
  positions(kind: XKind): Positions {
    if (kind !== "step") {
      const isKnown = this.rising.has(kind) || this.steps[kind].whole();
      return isKnown ? this.advance(kind) : this.approximate(kind);
    }
    const series = this;
    return {
      get length() {
        return series.rows;
      },
      at: row => series.stepAt(row),
    };
  }

  private approximate(kind: RisingKind): Positions {
    const { rows } = this;
    const end = place(kind, this.steps[kind].greatest);
    return { length: rows, at: row => (end * (row + 1)) / rows, isApproximate: true };
  }

  /** Whether the places of the steps on an axis differ. */
  isCounted(kind: XKind): boolean {
    if (kind === "step" || this.rows < 2) return true;
    const { least, greatest } = this.steps[kind];
    return greatest > Math.max(0, least);
  }

  /** Epoch, samples or seconds, but never less than before: a script may begin anew. */
  private advance(kind: RisingKind): Column {
    const column = this.rising.get(kind) ?? new Column(64);
    this.rising.set(kind, column);
    const source = this.steps[kind];
    for (let row = column.length; row < this.rows; row++) {
      const value = place(kind, source.at(row));
      const before = row > 0 ? column.at(row - 1) : 0;
      column.push(Number.isNaN(value) ? before : Math.max(value, before));
    }
    return column;
  }

  private stepAt(row: number): number {
    return this.loggedSteps ? (this.loggedSteps[row] ?? Number.NaN) : this.first + row;
  }

  /** Steps of the run from row `from` to before row `to`, those without a row of their own, too. */
  stepsIn([from, to]: Range): number {
    return to > from ? this.stepAt(to - 1) - this.stepAt(from) + 1 : 0;
  }

  /** What the script logged, by name in the order in which names came. */
  get metrics(): ReadonlyMap<string, MetricSeries> {
    return this.logged;
  }

  /** Takes all numbers of a run that has nothing else, as one that was imported. */
  addLoggedOnly(metrics: readonly MetricRecord[]): void {
    const [start] = metrics;
    if (!start) return;
    const times = new Map(metrics.map(({ step, time }) => [step, time]));
    this.loggedSteps = [...times.keys()].sort((a, b) => a - b);
    for (const step of this.loggedSteps) {
      const time = (times.get(step) ?? start.time) - start.time;
      for (const name of SHOWN_STEP_COLUMNS) {
        this.steps[name].append([name === "time" ? time : Number.NaN]);
      }
    }
    this.rows = this.loggedSteps.length;
    for (const metric of metrics) this.addMetric(metric);
  }

  addMetric({ name, step, value }: MetricRecord): void {
    let metric = this.logged.get(name);
    if (!metric) {
      metric = { rows: new Column(64), values: new Column(64) };
      this.logged.set(name, metric);
    }
    const { rows, values } = metric;
    // Logged before the first step, it stands at that.
    const row = this.loggedSteps
      ? rowAt(this.positions("step"), step)
      : Math.max(0, step - this.first);
    rows.push(Math.max(row, rows.length > 0 ? rows.at(rows.length - 1) : 0));
    values.push(value);
  }

  /** A row in words. */
  describe(row: number): string {
    return `step ${formatCount(this.stepAt(row))}`;
  }

  step(column: ShownStepColumn | DerivedColumn): StoredSeries {
    return this.steps[column];
  }

  /** η of a parameter group; undefined for a group that no batch had. */
  lr(group: number): StoredSeries | undefined {
    return this.rates[group];
  }

  /** A column of a parameter tensor; undefined for a tensor that no batch had. */
  tensor(tensor: number, column: ShownTensorColumn): StoredSeries | undefined {
    return this.tensors[tensor]?.[column];
  }

  /**
   * Adds the rows that are new; rows that are known already are skipped. Returns false, and adds nothing,
   * if steps before the batch are missing.
   */
  append(batch: StepBatch): boolean {
    if (this.rows === 0) this.first = batch.firstStep;
    const known = this.first + this.rows - batch.firstStep;
    if (known < 0) return false;
    if (known >= batch.count) return true;
    const { rows } = this;
    this.widen(batch.groups, batch.tensorCount);
    // What was not sent of the steps before is in the store, or has no value there.
    for (const series of this.measured) series.reach(rows);
    for (const series of this.ofTensors) series.reach(rows);
    this.makeRoom(rows, batch.count - known);
    this.rows = rows + batch.count - known;
    this.addRows(batch, known);
    this.advanceAxes();
    return true;
  }

  /**
   * Adds columns of steps, as far as they are new. Returns false, and adds nothing, if steps before them
   * are missing.
   */
  appendCurves(curves: StepCurves): boolean {
    if (this.rows === 0) this.first = curves.firstStep;
    const next = curves.firstStep - this.first;
    if (next > this.rows) return false;
    const { groups, count, lr } = curves;
    for (const name of SHOWN_STEP_COLUMNS) appendAt(this.steps[name], next, curves.columns[name]);
    this.widen(groups, 0);
    for (const [group, rate] of this.rates.entries()) {
      if (group < groups)
        appendAt(
          rate,
          next,
          lr.filter((_, i) => i % groups === group),
        );
    }
    this.rows = Math.max(this.rows, next + count);
    this.advanceAxes();
    return true;
  }

  /** All series that have a number for each step. */
  private get measured(): StoredSeries[] {
    return [...Object.values(this.steps), ...this.rates];
  }

  private get ofTensors(): StoredSeries[] {
    return this.tensors.flatMap(tensor => Object.values(tensor));
  }

  private advanceAxes(): void {
    for (const kind of this.rising.keys()) this.advance(kind);
  }

  /** Groups and tensors that appear later have no value in the rows before. */
  private widen(groups: number, tensorCount: number): void {
    while (this.rates.length < groups) {
      this.rates.push(this.makeCurve(rateName(this.rates.length)));
    }
    while (this.tensors.length < tensorCount)
      this.tensors.push(this.makeTensor(this.tensors.length));
  }

  private makeCurve(name: CurveName): StoredSeries {
    const source = this.sourceOf(
      () => this.curvesTo,
      range => this.requests.askCurve(name, range),
      () => this.totals.get(name),
    );
    return new StoredSeries(source, 64);
  }

  /** What of a run is in its store, as it is at each time. */
  private sourceOf(
    storedTo: () => number,
    ask: (range: BinRange) => void,
    total: () => CurveTotal | undefined = () => undefined,
  ): BinSource {
    const run = this;
    return {
      get first() {
        return run.first;
      },
      get length() {
        return run.rows;
      },
      get storedTo() {
        return storedTo();
      },
      get total() {
        return total();
      },
      ask,
    };
  }

  private makeTensor(tensor: number): Record<ShownTensorColumn, StoredSeries> {
    const column = (name: ShownTensorColumn) => {
      const source = this.sourceOf(
        () => this.storedTo,
        range => this.requests.askTensor(name, tensor, range),
      );
      return new StoredSeries(source, 32);
    };
    return {
      gradNorm: column("gradNorm"),
      stepToWeight: column("stepToWeight"),
      signFlips: column("signFlips"),
      nonFinite: column("nonFinite"),
      effectiveLrP5: column("effectiveLrP5"),
      effectiveLrP50: column("effectiveLrP50"),
      effectiveLrP95: column("effectiveLrP95"),
      stepSizeP5: column("stepSizeP5"),
      stepSizeP50: column("stepSizeP50"),
      stepSizeP95: column("stepSizeP95"),
    };
  }

  /** Begins with steps that are in the run store, of which everything has to be asked for. */
  begin(stored: StoredSteps, tensorCount: number): void {
    this.first = stored.first;
    this.rows = stored.last - stored.first + 1;
    this.curvesTo = stored.last;
    const totals = totalsOf(stored);
    this.totals = new Map(totals.map(total => [total.name, total]));
    const groups = totals.map(({ name }) => (groupOf(name) ?? -1) + 1);
    this.widen(Math.max(0, ...groups), 0);
    this.leaveToStore(stored.last, tensorCount);
  }

  /** So many tensors are in the run store up to a step, and have to be asked for. */
  private leaveToStore(step: number, tensorCount: number): void {
    this.storedTo = Math.max(this.storedTo, step);
    this.widen(0, tensorCount);
  }

  /** Asks for what a zoom into what was drawn last will draw. */
  askAhead(): void {
    for (const series of [...this.measured, ...this.ofTensors]) series.askAhead();
  }

  /** Takes what was asked for of tensors. */
  receiveBins(bins: TensorBins): void {
    this.requests.answeredTensors(bins);
    const { request, first, count, last, mean } = bins;
    const isMeans = request.only !== undefined;
    const { low, high } = isMeans ? { low: mean, high: mean } : bins;
    const isSame = bins.info.length < mean.length;
    const info = isSame ? new Uint32Array(mean.length).fill(bins.info[0] ?? 0) : bins.info;
    for (const [i, tensor] of request.tensors.entries()) {
      const part = <T extends Float32Array | Uint32Array>(plane: T) =>
        plane.subarray(i * count, (i + 1) * count) as T;
      const series = this.tensors[tensor]?.[request.column as ShownTensorColumn];
      series?.receive({
        width: request.width,
        first,
        last,
        low: part(low),
        mean: part(mean),
        high: part(high),
        info: part(info),
        isMeans,
      });
    }
  }

  /** Takes what was asked for of a quantity over all parameters. */
  receiveCurve(bins: CurveBins): void {
    this.requests.answeredCurve(bins);
    const { request, first, last, mean } = bins;
    const { name, width, smoothing } = request;
    const group = groupOf(name);
    const series = group === undefined ? this.steps[name as ShownStepColumn] : this.rates[group];
    const planes = width === 1 ? { low: mean, high: mean, info: infoOf(mean) } : bins;
    const { low, high, info } = planes;
    const { averages, biases } = bins;
    const average = smoothing && { smoothing, averages, biases };
    series?.receive({ width, first, last, low, mean, high, info, ...average });
  }

  /** Leaves to the store what is not to be known exactly beside `count` rows from row `next` on, which come. */
  private makeRoom(next: number, count: number): void {
    // Few bins are to be known in part alone.
    const align = (row: number) => row - (this.stepAt(row) % FORGOTTEN_TOGETHER);
    this.exactSteps.makeRoom(next, count, EXACT_STEPS, align);
    const { length } = this.tensors;
    if (length === 0) return;
    this.exactTensors.makeRoom(next, count, Math.ceil(EXACT_VALUES / length), align);
  }

  /** The steps before a row will be asked for, but for tensors. */
  private leaveCurves(row: number): void {
    this.curvesTo = this.stepAt(row - 1);
    const totals = [
      ...CURVES.map(name => this.totalOf(name, this.steps[name])),
      ...this.rates.map((rate, group) => this.totalOf(rateName(group), rate)),
    ];
    this.totals = new Map(totals.map(total => [total.name, total]));
    for (const series of this.measured) series.leave(row);
  }

  private totalOf(name: CurveName, { least, greatest, firstNonFinite }: StoredSeries): CurveTotal {
    return {
      name,
      least,
      greatest,
      firstOdd: firstNonFinite < 0 ? 0 : this.stepAt(firstNonFinite),
    };
  }

  /** Adds the rows of a batch from `from` on, column by column. */
  private addRows(batch: StepBatch, from: number): void {
    const rows = batch.count - from;
    const column = (name: StepColumn) =>
      Float64Array.from({ length: rows }, (_, i) => stepValue(batch, from + i, name));
    for (const name of CURVES) {
      this.steps[name].append(curveValues(name, rows, column));
    }
    for (const [group, rate] of this.rates.entries()) {
      const { groups, lr } = batch;
      const valueAt = (i: number) => (group < groups ? lr[(from + i) * groups + group] : undefined);
      rate.append(Float64Array.from({ length: rows }, (_, i) => valueAt(i) ?? Number.NaN));
    }
    this.addTensors(batch, from);
  }

  private addTensors(batch: StepBatch, from: number): void {
    const values = new Float32Array(batch.count - from);
    for (const [index, tensor] of this.tensors.entries()) {
      const known = index < batch.tensorCount;
      for (const name of SHOWN_TENSOR_COLUMNS) {
        for (let i = 0; i < values.length; i++) {
          values[i] = known ? tensorValue(batch, from + i, index, name) : Number.NaN;
        }
        tensor[name].append(values);
      }
    }
  }
}

/** Adds the numbers of the rows from `row` on that a series does not have. */
function appendAt(series: StoredSeries, row: number, values: Float64Array | undefined): void {
  if (!values) return;
  series.reach(row);
  const known = series.next - row;
  if (known < values.length) series.append(values.subarray(known));
}

/** A number of a column as it stands on an axis: milliseconds are shown in seconds. */
function place(kind: RisingKind, value: number): number {
  return kind === "time" ? value / 1000 : value;
}

/** What bins of single steps say of their numbers. */
function infoOf(values: Float64Array): Uint32Array {
  return Uint32Array.from(values, value => (value - value === 0 ? 1 : kindOf(value)));
}

/**
 * Steps a second over the last `window` milliseconds of a `time` column, or over all of it; NaN
 * while fewer than two steps are known.
 */
export function stepsPerSecond(time: Samples, window: number): number {
  return perSecond(time, window, row => row);
}

/**
 * Seconds until the pass over the data ends, at the rate of the last `window` milliseconds; NaN where that is not
 * known.
 */
export function secondsLeft(epoch: Samples, time: Samples, window: number): number {
  const rate = perSecond(time, window, row => epoch.at(row));
  return secondsLeftInEpoch(epoch.at(time.length - 1), rate);
}

/** By how much what is known of each step grows a second, over the last `window` milliseconds. */
function perSecond(time: Samples, window: number, value: (row: number) => number): number {
  const last = time.length - 1;
  const end = time.at(last);
  // Of all steps the first is known.
  let from = window === Number.POSITIVE_INFINITY ? 0 : last;
  while (from > 0 && end - time.at(from - 1) <= window) from--;
  if (from === last && last > 0) from = last - 1;
  const elapsed = end - time.at(from);
  return elapsed > 0 ? ((value(last) - value(from)) * 1000) / elapsed : Number.NaN;
}
