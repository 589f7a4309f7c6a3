import {
  type StepBatch,
  type StepColumn,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import type { LiveRun } from "../runs/liveRun.ts";
import { LossCurve, sparkline } from "./lossCurve.ts";

/** A sparkline has 8 to 16 marks, a chart 64 to 128 points. */
const SPARKLINE_WIDTH = 8;
const CHART_WIDTH = 64;

/** What the lines of a script show of its run: the last step, and the loss so far. */
export class RunValues {
  readonly run: LiveRun;
  readonly #sparkline = new LossCurve(SPARKLINE_WIDTH);
  readonly #chart = new LossCurve(CHART_WIDTH);
  #last: StepBatch | undefined;

  constructor(run: LiveRun) {
    this.run = run;
  }

  /** Number of the last step; 0 before the first. */
  get step(): number {
    return this.#last ? this.#last.firstStep + this.#last.count - 1 : 0;
  }

  /** The loss since this window follows the run, as a line of blocks. */
  get sparkline(): string {
    return sparkline(this.#sparkline.means());
  }

  /** The same as mean losses of equal parts. */
  get losses(): number[] {
    return this.#chart.means();
  }

  /** η of each parameter group at the last step. */
  get rates(): number[] {
    const batch = this.#last;
    return batch ? Array.from(batch.lr.subarray((batch.count - 1) * batch.groups)) : [];
  }

  steps(batch: StepBatch): void {
    this.#last = batch;
    for (let row = 0; row < batch.count; row++) {
      const loss = stepValue(batch, row, "loss");
      this.#sparkline.add(loss);
      this.#chart.add(loss);
    }
  }

  /** A quantity over all parameters at the last step; NaN before the first. */
  value(column: StepColumn): number {
    return this.#last ? stepValue(this.#last, this.#last.count - 1, column) : Number.NaN;
  }

  /** A quantity of one tensor at the last step; NaN before the first. */
  tensorValue(tensor: number, column: TensorColumn): number {
    const batch = this.#last;
    return batch && tensor < batch.tensorCount
      ? tensorValue(batch, batch.count - 1, tensor, column)
      : Number.NaN;
  }

  /** Indices of the tensors of a layer: those whose module's path ends with the layer's. */
  tensorsOf(path: readonly string[]): number[] {
    return this.run.record.tensors.flatMap(({ name }, index) => {
      const module = name.split(".").slice(0, -1);
      const end = module.slice(module.length - path.length);
      const fits = path.length === 0 ? module.length === 0 : end.join(".") === path.join(".");
      return fits ? [index] : [];
    });
  }
}
