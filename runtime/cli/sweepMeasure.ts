/** What tells how good a run of a sweep is. */
import type { RunReader } from "../store/reader.ts";
import { openRun } from "../store/reader.ts";
import { UsageError } from "./exit.ts";

/** A number that a run ends with, and whether small ones are good. */
export interface Measure {
  /** A metric that the script logs; undefined for the loss that it trains with. */
  readonly metric?: string;
  readonly mode: "min" | "max";
}

/** Share of the steps that say how a run ended: the loss of one batch is chance. */
const END_SHARE = 0.05;

/**
 * What a sweep is ranked by, as it is asked for: the training loss, unless a metric is named.
 * @throws UsageError if it is not clear whether small values are good.
 */
export function measureOf(metric: string | undefined, mode: string | undefined): Measure {
  if (mode !== undefined && mode !== "min" && mode !== "max") {
    throw new UsageError(`--mode: expected min or max, got "${mode}".`);
  }
  if (metric === undefined) {
    if (mode === undefined) return { mode: "min" };
    throw new UsageError("--mode: belongs to a --metric; of training losses the least is best.");
  }
  if (mode === undefined && !/loss/i.test(metric)) {
    throw new UsageError(
      `--mode: say whether a small ${metric} is good (min), or a great one (max).`,
    );
  }
  return { metric, mode: mode ?? "min" };
}

/** Name of what runs are ranked by. */
export function measureName({ metric }: Measure): string {
  return metric ?? "loss";
}

/** What a sweep is ranked by, as a sentence. */
export function measureText({ metric, mode }: Measure): string {
  if (metric === undefined) return "By the training loss over the last twentieth of each run.";
  const better = mode === "min" ? "the least" : "the greatest";
  return `By ${metric} as each run logged it last: ${better} is best.`;
}

/** How a run ended. */
export interface RunEnd {
  /** Mean training loss over the last twentieth of its steps; NaN without one. */
  readonly loss: number;
  /** What it is ranked by; NaN where it did not log that. */
  readonly value: number;
  /** Names of all metrics that it logged. */
  readonly metrics: readonly string[];
}

export function runEnd(folder: string, { metric }: Measure): RunEnd {
  const reader = openRun(folder);
  try {
    const loss = endLoss(reader);
    const last = reader.lastMetrics();
    const value = metric === undefined ? loss : (last.get(metric) ?? Number.NaN);
    return { loss, value, metrics: [...last.keys()] };
  } finally {
    reader.close();
  }
}

function endLoss(reader: RunReader): number {
  const { steps } = reader.record();
  const count = Math.ceil(steps * END_SHARE);
  let sum = 0;
  for (const { columns } of reader.curves(["loss"], { from: steps - count + 1 })) {
    for (const loss of columns.loss ?? []) sum += loss;
  }
  return sum / count;
}
