import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import {
  type StepBatch,
  type StepColumn,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import { type Positions, rowAt, type XKind } from "./axis.ts";
import { Column } from "./column.ts";
import { formatCount } from "./format.ts";
import type { Range } from "./scale.ts";

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
    clippedGradNorm: new Column(64),
    stepToWeight: new Column(64),
    stepMs: new Column(64),
    epoch: new Column(64),
    time: new Column(64),
    forwardMs: new Column(64),
    backwardMs: new Column(64),
    waitMs: new Column(64),
    samples: new Column(64),
  };
  /** What a step took beside forward, backward and waiting, in milliseconds. */
  readonly updateMs = new Column(64);
  /** Steps a second, by the time of each. */
  readonly stepRate = new Column(64);
  /** Memory in MiB: buffers of the GPU, and JavaScript's heap. */
  readonly gpuMemory = new Column(64);
  readonly heapMemory = new Column(64);
  /** The same as epoch, samples and seconds, but never less than before: a script may begin anew. */
  private readonly epochs = new Column(64);
  private readonly samples = new Column(64);
  private readonly seconds = new Column(64);
  private readonly rates: Column[] = [];
  private readonly logged = new Map<string, MetricSeries>();
  private readonly tensors: Record<ShownTensorColumn, Column>[] = [];

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
    if (kind === "epoch") return this.epochs;
    if (kind === "samples") return this.samples;
    if (kind === "time") return this.seconds;
    const series = this;
    return {
      get length() {
        return series.rows;
      },
      at: row => series.stepAt(row),
    };
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
      pushRising(this.epochs, Number.NaN);
      pushRising(this.samples, Number.NaN);
      pushRising(this.seconds, time / 1000);
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
  tensor(tensor: number, column: ShownTensorColumn): Column | undefined {
    return this.tensors[tensor]?.[column];
  }

  /**
   * Adds the rows that are new; rows that are known already are skipped. Returns false, and adds
   * nothing, if steps before the batch are missing.
   */
  append(batch: StepBatch): boolean {
    if (this.rows === 0) this.first = batch.firstStep;
    const known = this.first + this.rows - batch.firstStep;
    if (known < 0) return false;
    this.widen(batch);
    for (let row = known; row < batch.count; row++) this.addRow(batch, row);
    return true;
  }

  /** Groups and tensors that appear later have no value in the rows before. */
  private widen(batch: StepBatch): void {
    while (this.rates.length < batch.groups) this.rates.push(this.padded(64));
    while (this.tensors.length < batch.tensorCount) {
      this.tensors.push({
        gradNorm: this.padded(32),
        stepToWeight: this.padded(32),
        signFlips: this.padded(32),
        nonFinite: this.padded(32),
        effectiveLrP5: this.padded(32),
        effectiveLrP50: this.padded(32),
        effectiveLrP95: this.padded(32),
        stepSizeP5: this.padded(32),
        stepSizeP50: this.padded(32),
        stepSizeP95: this.padded(32),
      });
    }
  }

  private padded(precision: 32 | 64): Column {
    const column = new Column(precision);
    for (let row = 0; row < this.rows; row++) column.push(Number.NaN);
    return column;
  }

  private addRow(batch: StepBatch, row: number): void {
    for (const name of SHOWN_STEP_COLUMNS) this.steps[name].push(stepValue(batch, row, name));
    for (const [group, rate] of this.rates.entries()) {
      const value = group < batch.groups ? batch.lr[row * batch.groups + group] : undefined;
      rate.push(value ?? Number.NaN);
    }
    for (const [index, tensor] of this.tensors.entries()) {
      const known = index < batch.tensorCount;
      for (const name of SHOWN_TENSOR_COLUMNS) {
        tensor[name].push(known ? tensorValue(batch, row, index, name) : Number.NaN);
      }
    }
    const ms = (name: StepColumn) => stepValue(batch, row, name);
    this.updateMs.push(ms("stepMs") - ms("forwardMs") - ms("backwardMs") - ms("waitMs"));
    this.stepRate.push(1000 / ms("stepMs"));
    this.gpuMemory.push(stepValue(batch, row, "gpuBytes") / MIB);
    this.heapMemory.push(stepValue(batch, row, "heapBytes") / MIB);
    pushRising(this.epochs, stepValue(batch, row, "epoch"));
    pushRising(this.samples, stepValue(batch, row, "samples"));
    pushRising(this.seconds, stepValue(batch, row, "time") / 1000);
    this.rows += 1;
  }
}

/** Adds a number, or the one before it where that is greater or there is none. */
function pushRising(column: Column, value: number): void {
  const before = column.length > 0 ? column.at(column.length - 1) : 0;
  column.push(Number.isNaN(value) ? before : Math.max(value, before));
}

/**
 * Steps a second over the last `window` milliseconds of a `time` column, or over all of it; NaN
 * while fewer than two steps are known.
 */
export function stepsPerSecond(time: Column, window: number): number {
  const last = time.length - 1;
  const end = time.at(last);
  let from = last;
  while (from > 0 && end - time.at(from - 1) <= window) from--;
  if (from === last && last > 0) from = last - 1;
  const elapsed = end - time.at(from);
  return elapsed > 0 ? ((last - from) * 1000) / elapsed : Number.NaN;
}
