/** What came of the runs of a sweep. */
import { jsonNumber } from "../exchange/jsonLines.ts";
import type { RunRecord } from "../protocol/run.ts";
import { openRun } from "../store/reader.ts";
import { runDuration } from "../store/summary.ts";
import { brief, digits } from "./format.ts";
import type { Trial } from "./sweepPlan.ts";

export interface TrialResult {
  readonly trial: Trial;
  readonly run: RunRecord;
  /** The loss that the run ended with, as `endLoss` has it. */
  readonly loss: number;
}

/** A learning rate over all seeds that completed. */
export interface RateResult {
  readonly lr: number;
  readonly losses: readonly number[];
  /** NaN where none completed, or where one of them diverged. */
  readonly mean: number;
}

/** Share of the steps that say how a run ended: the loss of one batch is chance. */
const END_SHARE = 0.05;

/** Mean loss over the last twentieth of a run's steps; NaN without one. */
export function endLoss(folder: string): number {
  const reader = openRun(folder);
  try {
    const { steps } = reader.record();
    const count = Math.ceil(steps * END_SHARE);
    let sum = 0;
    for (const { columns } of reader.curves(["loss"], { from: steps - count + 1 })) {
      for (const loss of columns.loss ?? []) sum += loss;
    }
    return sum / count;
  } finally {
    reader.close();
  }
}

/** The results by learning rate, in the order of the rates. */
export function byRate(
  rates: readonly number[],
  results: readonly TrialResult[],
): readonly RateResult[] {
  return rates.map(lr => {
    const losses = results
      .filter(({ trial, run }) => trial.lr === lr && run.status === "completed")
      .map(({ loss }) => loss);
    return { lr, losses, mean: losses.reduce((sum, loss) => sum + loss, 0) / losses.length };
  });
}

/** The rate with the least mean loss; undefined where none ended with a number. */
export function bestOf(rates: readonly RateResult[]): RateResult | undefined {
  return rates
    .filter(({ mean }) => Number.isFinite(mean))
    .reduce<RateResult | undefined>(
      (best, rate) => (best && best.mean <= rate.mean ? best : rate),
      undefined,
    );
}

/** A line for each rate, and what follows from them. */
export function resultLines(rates: readonly RateResult[]): string[] {
  const best = bestOf(rates);
  const head = ["η", "runs", "loss", "least", "greatest"];
  const rows = rates.map(rate => {
    const { lr, losses, mean } = rate;
    const numbers = losses.length > 0 ? [mean, Math.min(...losses), Math.max(...losses)] : [];
    const cells = [brief(lr), String(losses.length), ...numbers.map(digits)];
    return { cells, mark: rate === best ? "  ← best" : "" };
  });
  const lines = [{ cells: head, mark: "" }, ...rows].map(
    ({ cells, mark }) =>
      cells
        .map(cell => cell.padEnd(10))
        .join("")
        .trimEnd() + mark,
  );
  return [...lines, ...(best ? edgeLines(rates, best) : ["No learning rate ended with a number."])];
}

/** What is at an end of the range need not be the best that there is. */
function edgeLines(rates: readonly RateResult[], best: RateResult): string[] {
  if (rates.length < 2) return [];
  if (best === rates[0]) return ["The best is the least that was tried: try smaller ones, too."];
  if (best === rates.at(-1))
    return ["The best is the greatest that was tried: try greater ones, too."];
  return [];
}

/** A run of the sweep as a JSON object. */
export function trialObject({ trial, run, loss }: TrialResult, isNew: boolean): object {
  const { id, status, steps, seed } = run;
  const seconds = runDuration(run) / 1000;
  return {
    type: "trial",
    ...trial,
    id,
    seed,
    status,
    steps,
    loss: jsonNumber(loss),
    seconds,
    isNew,
  };
}

/** The whole sweep as a JSON object. */
export function sweepObject(tag: string, rates: readonly RateResult[]): object {
  return {
    type: "sweep",
    tag,
    best: bestOf(rates)?.lr ?? null,
    rates: rates.map(({ lr, losses, mean }) => ({
      lr,
      losses: losses.map(jsonNumber),
      mean: losses.length > 0 ? jsonNumber(mean) : null,
    })),
  };
}
