/** What came of the runs of a sweep. */
import { jsonNumber } from "../exchange/jsonLines.ts";
import type { RunRecord } from "../protocol/run.ts";
import { runDuration } from "../store/summary.ts";
import { brief, digits } from "./format.ts";
import { type Measure, measureName, measureText, type RunEnd } from "./sweepMeasure.ts";
import type { Trial } from "./sweepPlan.ts";

export interface TrialResult extends RunEnd {
  readonly trial: Trial;
  readonly run: RunRecord;
}

/** A learning rate over all seeds that completed. */
export interface RateResult {
  readonly lr: number;
  /** What the runs are ranked by. */
  readonly values: readonly number[];
  /** NaN where none completed, or where one of them diverged. */
  readonly mean: number;
}

/** The results by learning rate, in the order of the rates. */
export function byRate(
  rates: readonly number[],
  results: readonly TrialResult[],
): readonly RateResult[] {
  return rates.map(lr => {
    const values = results
      .filter(({ trial, run }) => trial.lr === lr && run.status === "completed")
      .map(({ value }) => value);
    return { lr, values, mean: values.reduce((sum, value) => sum + value, 0) / values.length };
  });
}

/** The rate with the best mean; undefined where none ended with a number. */
export function bestOf(rates: readonly RateResult[], { mode }: Measure): RateResult | undefined {
  const sign = mode === "min" ? 1 : -1;
  return rates
    .filter(({ mean }) => Number.isFinite(mean))
    .reduce<RateResult | undefined>(
      (best, rate) => (best && sign * best.mean <= sign * rate.mean ? best : rate),
      undefined,
    );
}

/** What it is ranked by, a line for each rate, and what follows from them. */
export function resultLines(rates: readonly RateResult[], measure: Measure): string[] {
  const best = bestOf(rates, measure);
  const name = measureName(measure);
  const head = ["η", "runs", name, "least", "greatest"];
  const rows = rates.map(rate => {
    const { lr, values, mean } = rate;
    const numbers = values.length > 0 ? [mean, Math.min(...values), Math.max(...values)] : [];
    const cells = [brief(lr), String(values.length), ...numbers.map(digits)];
    return { cells, mark: rate === best ? "  ← best" : "" };
  });
  const width = Math.max(COLUMN, name.length + 2);
  const lines = [{ cells: head, mark: "" }, ...rows].map(
    ({ cells, mark }) =>
      cells
        .map((cell, i) => cell.padEnd(i === 2 ? width : COLUMN))
        .join("")
        .trimEnd() + mark,
  );
  const end = best ? edgeLines(rates, best) : ["No learning rate ended with a number."];
  return [measureText(measure), ...lines, ...end];
}

/** Characters of a column. */
const COLUMN = 10;

/** Says where runs ranked by their training loss have logged one of data that they do not train on. */
export function heldOutLines(results: readonly TrialResult[], { metric }: Measure): string[] {
  if (metric !== undefined) return [];
  const name = results[0]?.metrics.find(each => HELD_OUT_LOSS.test(each));
  return name ? [`The runs also logged ${name}: --metric ${name} ranks by it.`] : [];
}

/** `valLoss`, `val/loss`, `validation_loss`, `testLoss`, `eval loss` */
const HELD_OUT_LOSS = /(val|test|eval).*loss/i;

/** What is at an end of the range need not be the best that there is. */
function edgeLines(rates: readonly RateResult[], best: RateResult): string[] {
  if (rates.length < 2) return [];
  if (best === rates[0]) return ["The best is the least that was tried: try smaller ones, too."];
  if (best === rates.at(-1))
    return ["The best is the greatest that was tried: try greater ones, too."];
  return [];
}

/** A run of the sweep as a JSON object. */
export function trialObject(
  { trial, run, loss, value }: TrialResult,
  { metric }: Measure,
  isNew: boolean,
): object {
  const { id, status, steps, seed } = run;
  return {
    type: "trial",
    ...trial,
    id,
    seed,
    status,
    steps,
    loss: jsonNumber(loss),
    ...(metric !== undefined && { value: jsonNumber(value) }),
    seconds: runDuration(run) / 1000,
    isNew,
  };
}

/** The whole sweep as a JSON object. */
export function sweepObject(tag: string, rates: readonly RateResult[], measure: Measure): object {
  return {
    type: "sweep",
    tag,
    metric: measureName(measure),
    mode: measure.mode,
    best: bestOf(rates, measure)?.lr ?? null,
    rates: rates.map(({ lr, values, mean }) => ({
      lr,
      values: values.map(jsonNumber),
      mean: values.length > 0 ? jsonNumber(mean) : null,
    })),
  };
}
