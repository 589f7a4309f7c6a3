import { HISTORY_COLUMNS, type ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { openRun, type RunReader } from "../store/reader.ts";

/** How much of a run has arrived by live messages: the run store has at least as much. */
export interface Received {
  readonly run: RunRecord;
  readonly steps: number;
  readonly logs: number;
  readonly metrics: number;
}

/** Steps times tensors that a page gets as they are. Of longer runs it asks for what it draws. */
const MOST_EXACT = 2 ** 18;

/** The last steps, which it gets in any case: their numbers are read. */
const EXACT_STEPS = 512;

/** The columns behind which the first charts can be drawn. */
const FIRST_CHARTS = 1;

/** Steps of a long run that a page gets by columns; 0 of others. */
function storedSteps(reader: RunReader, { tensors }: RunRecord, steps: number): number {
  const isLong = steps * Math.max(1, tensors.length) > MOST_EXACT && steps > 2 * EXACT_STEPS;
  return isLong && reader.isByColumns ? steps - EXACT_STEPS : 0;
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
    const last = end?.steps ?? run.steps;
    const stored = storedSteps(reader, run, last);
    const hydrate = { type: "hydrate", run, runFolder: folder, logs, metrics } as const;
    let damage: string | undefined;
    if (stored > 0) {
      yield { ...hydrate, batches: [], stored };
      damage = yield* longHistory(reader, stored, last);
    } else {
      const chunks = reader.steps(1, end?.steps);
      const first = chunks.next();
      yield { ...hydrate, batches: first.done ? [] : [first.value] };
      for (const batch of chunks) yield { type: "steps", batch };
      damage = reader.damage;
    }
    if (damage) {
      const { steps: step } = run;
      yield { type: "logs", logs: [{ level: "warn", text: damage, time: Date.now(), step }] };
    }
  } finally {
    reader.close();
  }
}

/**
 * Columns of all steps up to `last`, and, behind those of the first charts, the steps after `stored` with
 * their tensors. Returns what stopped it before its end.
 */
function* longHistory(
  reader: RunReader,
  stored: number,
  last: number,
): Generator<ToPageMessage, string | undefined> {
  let damage: string | undefined;
  for (const [i, names] of HISTORY_COLUMNS.entries()) {
    for (const curves of reader.curves(names, { to: last, rates: i === 0 })) {
      yield { type: "curves", curves };
    }
    damage ??= reader.damage;
    if (i !== FIRST_CHARTS || damage) continue;
    for (const batch of reader.steps(stored + 1, last)) yield { type: "steps", batch };
    damage = reader.damage;
  }
  return damage;
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
