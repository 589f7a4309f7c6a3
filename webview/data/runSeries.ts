import type { BinsRequest, TensorBins } from "../../runtime/protocol/bins.ts";
import { secondsLeftInEpoch } from "../../runtime/protocol/epoch.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import {
  type StepBatch,
  type StepColumn,
  type StepCurves,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import { type Positions, rowAt, type XKind } from "./axis.ts";
import { BinRequests } from "./binRequests.ts";
import { Column } from "./column.ts";
import { formatCount } from "./format.ts";
import type { Range } from "./scale.ts";
import { TensorSeries } from "./tensorSeries.ts";

const MIB = 2 ** 20;

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
  "samples",
] as const;

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

/** Steps times tensors that are known exactly, at least, before older ones are left to the store. */
const EXACT_VALUES = 2 ** 19;

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
  private readonly steps: Record<ShownStepColumn, Column> = {
    loss: new Column(64),
    gradNorm: new Column(64),
    clippedGradNorm: new Column(32),
    stepToWeight: new Column(64),
    stepMs: new Column(32),
    epoch: new Column(64),
    time: new Column(64),
    forwardMs: new Column(32),
    backwardMs: new Column(32),
    waitMs: new Column(32),
    samples: new Column(64),
  };
  /** What a step took beside forward, backward and waiting, in milliseconds. */
  readonly updateMs = new Column(32);
  /** Steps a second, by the time of each. */
  readonly stepRate = new Column(32);
  /** Memory in MiB: buffers of the GPU, and JavaScript's heap. */
  readonly gpuMemory = new Column(32);
  readonly heapMemory = new Column(32);
  /** Where the steps stand on the axes that have been asked for. */
  private readonly rising = new Map<RisingKind, Column>();
  private readonly rates: Column[] = [];
  private readonly logged = new Map<string, MetricSeries>();
  private readonly tensors: Record<ShownTensorColumn, TensorSeries>[] = [];
  private readonly requests: BinRequests;
  /** The first row whose tensors are known exactly; undefined without any. */
  private exactFrom: number | undefined;
  /** The last step whose tensors are to be asked for, where the page does not have them. */
  private storedTo = 0;

  /** `ask` sends the host requests for bins of tensors; `receiveBins` takes the answers. */
  constructor(ask: (requests: readonly BinsRequest[]) => void = () => {}) {
    this.requests = new BinRequests(ask);
  }

  /** Whether all that the charts have asked for is there. */
  get isComplete(): boolean {
    return !this.requests.areOpen;
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

  /** Where the steps stand on an x axis of a kind. */
  positions(kind: XKind): Positions {
    if (kind !== "step") return this.rising.get(kind) ?? this.advance(kind);
    const series = this;
    return {
      get length() {
        return series.rows;
      },
      at: row => series.stepAt(row),
    };
  }

  /** Epoch, samples or seconds, but never less than before: a script may begin anew. */
  private advance(kind: RisingKind): Column {
    const column = this.rising.get(kind) ?? new Column(64);
    this.rising.set(kind, column);
    const source = this.steps[kind];
    for (let row = column.length; row < source.length; row++) {
      const value = source.at(row) / (kind === "time" ? 1000 : 1);
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
        this.steps[name].push(name === "time" ? time : Number.NaN);
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

  step(column: ShownStepColumn): Column {
    return this.steps[column];
  }

  /** η of a parameter group; undefined for a group that no batch had. */
  lr(group: number): Column | undefined {
    return this.rates[group];
  }

  /** A column of a parameter tensor; undefined for a tensor that no batch had. */
  tensor(tensor: number, column: ShownTensorColumn): TensorSeries | undefined {
    return this.tensors[tensor]?.[column];
  }

  /**
   * Adds the rows that are new; rows that are known already are skipped, but for the tensors of the last
   * ones where only columns were sent. Returns false, and adds nothing, if steps before the batch are missing.
   */
  append(batch: StepBatch): boolean {
    if (this.rows === 0) this.first = batch.firstStep;
    const known = this.first + this.rows - batch.firstStep;
    if (known < 0) return false;
    if (known >= batch.count) {
      if (known === batch.count) this.addLastTensors(batch);
      return true;
    }
    // What was not sent of the steps before has no value there.
    const { rows } = this;
    this.widen(batch.groups, batch.tensorCount);
    for (const column of this.measured) pad(column, rows);
    if (batch.tensorCount > 0 && this.exactFrom === undefined) this.exactFrom = rows;
    for (const tensor of this.tensors) {
      for (const series of Object.values(tensor)) series.reach(rows);
    }
    this.addRows(batch, known);
    this.rows = rows + batch.count - known;
    this.derive();
    this.forgetTensors();
    return true;
  }

  /** Takes the tensors of the last rows, which are known in all else. */
  private addLastTensors(batch: StepBatch): void {
    if (batch.tensorCount === 0 || this.exactFrom !== undefined) return;
    this.exactFrom = this.rows - batch.count;
    this.leaveToStore(this.stepAt(this.exactFrom - 1), batch.tensorCount);
    for (const tensor of this.tensors) {
      for (const series of Object.values(tensor)) series.reach(this.exactFrom);
    }
    this.addTensors(batch, 0);
  }

  /**
   * Adds columns of steps, as far as they are new. Those of other quantities may follow later. Returns
   * false, and adds nothing, if steps before them are missing.
   */
  appendCurves(curves: StepCurves): boolean {
    if (this.rows === 0) this.first = curves.firstStep;
    const next = curves.firstStep - this.first;
    if (next > this.rows) return false;
    for (const name of SHOWN_STEP_COLUMNS) appendAt(this.steps[name], next, curves.columns[name]);
    const { gpuBytes, heapBytes } = curves.columns;
    appendAt(
      this.gpuMemory,
      next,
      gpuBytes?.map(bytes => bytes / MIB),
    );
    appendAt(
      this.heapMemory,
      next,
      heapBytes?.map(bytes => bytes / MIB),
    );
    const { groups, count, lr } = curves;
    this.widen(groups, 0);
    for (let group = 0; group < groups; group++) {
      const rate = this.rates[group];
      if (rate)
        appendAt(
          rate,
          next,
          lr.filter((_, i) => i % groups === group),
        );
    }
    this.rows = Math.max(this.rows, next + count);
    this.derive();
    return true;
  }

  /** All columns that have a number for each step. */
  private get measured(): Column[] {
    return [...Object.values(this.steps), this.gpuMemory, this.heapMemory, ...this.rates];
  }

  /** Computes what follows from the columns, as far as these have come. */
  private derive(): void {
    const { stepMs, forwardMs, backwardMs, waitMs } = this.steps;
    const { updateMs, stepRate } = this;
    for (let row = stepRate.length; row < stepMs.length; row++)
      stepRate.push(1000 / stepMs.at(row));
    const end = Math.min(stepMs.length, forwardMs.length, backwardMs.length, waitMs.length);
    for (let row = updateMs.length; row < end; row++) {
      updateMs.push(stepMs.at(row) - forwardMs.at(row) - backwardMs.at(row) - waitMs.at(row));
    }
    for (const kind of this.rising.keys()) this.advance(kind);
  }

  /** Groups and tensors that appear later have no value in the rows before. */
  private widen(groups: number, tensorCount: number): void {
    while (this.rates.length < groups) this.rates.push(new Column(64));
    while (this.tensors.length < tensorCount)
      this.tensors.push(this.makeTensor(this.tensors.length));
  }

  private makeTensor(tensor: number): Record<ShownTensorColumn, TensorSeries> {
    const run = this;
    const column = (name: ShownTensorColumn) =>
      new TensorSeries({
        get first() {
          return run.first;
        },
        get length() {
          return run.rows;
        },
        get storedTo() {
          return run.storedTo;
        },
        ask: range => run.requests.ask(name, tensor, range),
      });
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

  /** So many tensors are in the run store up to a step, and have to be asked for. */
  leaveToStore(step: number, tensorCount: number): void {
    this.storedTo = Math.max(this.storedTo, step);
    this.widen(0, tensorCount);
  }

  /** Takes what was asked for. */
  receiveBins(bins: TensorBins): void {
    this.requests.answered(bins);
    const { request, first, count, low, mean, high, info } = bins;
    for (const [i, tensor] of request.tensors.entries()) {
      const part = <T extends Float32Array | Uint32Array>(plane: T) =>
        plane.subarray(i * count, (i + 1) * count) as T;
      const series = this.tensors[tensor]?.[request.column as ShownTensorColumn];
      series?.receive({
        width: request.width,
        first,
        low: part(low),
        mean: part(mean),
        high: part(high),
        info: part(info),
      });
    }
  }

  /** Leaves the older half of what is known exactly of many tensors to the store. */
  private forgetTensors(): void {
    const most = Math.ceil(EXACT_VALUES / Math.max(1, this.tensors.length));
    if (this.exactFrom === undefined || this.rows - this.exactFrom < 2 * most) return;
    const begin = this.rows - most;
    this.exactFrom = begin;
    this.leaveToStore(this.stepAt(begin - 1), this.tensors.length);
    for (const tensor of this.tensors) {
      for (const series of Object.values(tensor)) series.forget(begin);
    }
  }

  /** Adds the rows of a batch from `from` on, column by column. */
  private addRows(batch: StepBatch, from: number): void {
    const rows = Array.from({ length: batch.count - from }, (_, i) => from + i);
    const add = (column: Column, valueAt: (row: number) => number) =>
      column.append(rows.map(valueAt));
    for (const name of SHOWN_STEP_COLUMNS) {
      add(this.steps[name], row => stepValue(batch, row, name));
    }
    add(this.gpuMemory, row => stepValue(batch, row, "gpuBytes") / MIB);
    add(this.heapMemory, row => stepValue(batch, row, "heapBytes") / MIB);
    for (const [group, rate] of this.rates.entries()) {
      const known = group < batch.groups;
      add(rate, row => (known ? batch.lr[row * batch.groups + group] : undefined) ?? Number.NaN);
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

/** Gives a column so many rows at least: those that it does not have are NaN. */
function pad(column: Column, rows: number): void {
  const missing = rows - column.length;
  if (missing > 0) column.append(new Float32Array(missing).fill(Number.NaN));
}

/** Adds the numbers of the rows from `row` on that a column does not have. */
function appendAt(column: Column, row: number, values: Float64Array | undefined): void {
  if (!values) return;
  pad(column, row);
  const known = column.length - row;
  if (known < values.length) column.append(values.subarray(known));
}

/**
 * Steps a second over the last `window` milliseconds of a `time` column, or over all of it; NaN
 * while fewer than two steps are known.
 */
export function stepsPerSecond(time: Column, window: number): number {
  return perSecond(time, window, row => row);
}

/**
 * Seconds until the pass over the data ends, at the rate of the last `window` milliseconds; NaN where that is not
 * known.
 */
export function secondsLeft(epoch: Column, time: Column, window: number): number {
  const rate = perSecond(time, window, row => epoch.at(row));
  return secondsLeftInEpoch(epoch.at(time.length - 1), rate);
}

/** By how much what is known of each step grows a second, over the last `window` milliseconds. */
function perSecond(time: Column, window: number, value: (row: number) => number): number {
  const last = time.length - 1;
  const end = time.at(last);
  // Of all steps the first is known.
  let from = window === Number.POSITIVE_INFINITY ? 0 : last;
  while (from > 0 && end - time.at(from - 1) <= window) from--;
  if (from === last && last > 0) from = last - 1;
  const elapsed = end - time.at(from);
  return elapsed > 0 ? ((value(last) - value(from)) * 1000) / elapsed : Number.NaN;
}
