import type { ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { openRun } from "../store/reader.ts";

/** How much of a run has arrived by live messages: the run store has at least as much. */
export interface Received {
  readonly run: RunRecord;
  readonly steps: number;
  readonly logs: number;
  readonly metrics: number;
}

/**
 * The messages that bring a page up to date from the run store: `hydrate` with the first chunk of
 * steps, then the others. They end where the live messages begin; without `end`, with the store.
 *
 * @throws Error that names the folder, if the run cannot be read
 */
export function* readHistory(folder: string, end?: Received): Generator<ToPageMessage> {
  const reader = openRun(folder);
  try {
    const run = end?.run ?? reader.record();
    const logs = reader.logs(end?.logs);
    const metrics = reader.metrics(end?.metrics);
    const chunks = reader.steps(1, end?.steps);
    const first = chunks.next();
    const batches = first.done ? [] : [first.value];
    yield { type: "hydrate", run, runFolder: folder, batches, logs, metrics };
    for (const batch of chunks) yield { type: "steps", batch };
    const damage = reader.damage;
    if (damage) {
      const { steps: step } = run;
      yield { type: "logs", logs: [{ level: "warn", text: damage, time: Date.now(), step }] };
    }
  } finally {
    reader.close();
  }
}

/**
 * The message that brings a page the histograms of a tensor behind a step.
 *
 * @throws Error that names the folder, if the run cannot be read
 */
export function readHistograms(folder: string, tensor: number, after: number): ToPageMessage {
  const reader = openRun(folder);
  try {
    return { type: "histograms", histograms: reader.histograms(tensor, after) };
  } finally {
    reader.close();
  }
}
