import type { ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { STEP_COLUMNS, TENSOR_COLUMNS } from "../protocol/steps.ts";
import { openRun } from "../store/reader.ts";
import { storedSteps } from "./bins.ts";

/** How much of a run has arrived by live messages: the run store has at least as much. */
export interface Received {
  readonly run: RunRecord;
  readonly steps: number;
  readonly logs: number;
  readonly metrics: number;
}

/** Numbers over all parameters or of tensors that a page gets as they are. Of longer runs it asks for what it draws. */
const MOST_EXACT = 2 ** 21;

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
    const last = end?.steps ?? run.steps;
    const numbers = STEP_COLUMNS.length + run.tensors.length * TENSOR_COLUMNS.length;
    const isMuch = last * numbers > MOST_EXACT;
    const stored = isMuch ? storedSteps(reader, last) : undefined;
    const hydrate = { type: "hydrate", run, runFolder: folder, logs, metrics } as const;
    const chunks = reader.steps(stored ? stored.last + 1 : 1, end?.steps);
    const first = chunks.next();
    const batches = first.done ? [] : [first.value];
    yield { ...hydrate, batches, ...(stored && { stored }) };
    for (const batch of chunks) yield { type: "steps", batch };
    const { damage } = reader;
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
