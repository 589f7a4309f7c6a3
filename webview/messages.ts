import {
  LOOK_PARTS,
  type RunChoice,
  type StoredSteps,
  type ToPageMessage,
} from "../runtime/protocol/page.ts";
import { RUN_STATUSES, type RunRecord } from "../runtime/protocol/run.ts";
import {
  branches,
  type Check,
  count,
  curveBins,
  list,
  literal,
  logRecord,
  metricRecord,
  number,
  object,
  optional,
  picture,
  runRecord,
  stepBatch,
  stepCurves,
  storedSteps,
  string,
  tensorBins,
  tensorElements,
  tensorHistograms,
  union,
} from "../runtime/protocol/validate.ts";

const runChoice = object<RunChoice>({
  runFolder: string,
  name: string,
  script: string,
  args: list(string),
  seed: number,
  status: literal(...RUN_STATUSES),
  startedAt: number,
  steps: count,
});

const toPageMessage = union<ToPageMessage>({
  hydrate: {
    run: runRecord,
    runFolder: string,
    batches: list(stepBatch),
    logs: list(logRecord),
    metrics: list(metricRecord),
    stored: optional(storedSteps) as Check<StoredSteps>,
    compared: optional(list(string)) as Check<readonly string[]>,
  },
  empty: { heading: string, reason: string, run: optional(runRecord) as Check<RunRecord> },
  resetLayout: {},
  run: { run: runRecord },
  steps: { batch: stepBatch },
  bins: {
    runFolder: optional(string) as Check<string>,
    bins: list(tensorBins),
    curves: list(curveBins),
  },
  logs: { logs: list(logRecord) },
  metrics: { metrics: list(metricRecord) },
  compare: { runFolders: list(string) },
  compared: {
    runFolder: string,
    name: string,
    run: runRecord,
    stored: optional(storedSteps) as Check<StoredSteps>,
  },
  comparedRun: { runFolder: string, run: runRecord },
  comparedSteps: { runFolder: string, curves: stepCurves },
  comparedMetrics: { runFolder: string, metrics: list(metricRecord) },
  baseline: {
    runFolder: optional(string) as Check<string>,
    problem: optional(string) as Check<string>,
  },
  comparedGone: { runFolder: string, reason: string },
  runs: { runs: list(runChoice) },
  picture: { picture },
  branches: { branches },
  open: { part: literal(...LOOK_PARTS) },
  elements: { elements: tensorElements },
  silenced: { findings: list(string) },
  histograms: { histograms: tensorHistograms },
});

/**
 * Checks what the host sent. Undefined for what is not ours: the window's other messages, and
 * those of a later version.
 */
export function parseHostMessage(value: unknown): ToPageMessage | undefined {
  try {
    return toPageMessage(withNumbers(value), "message");
  } catch {
    return undefined;
  }
}

/**
 * VS Code sends what is not a typed array as JSON, which has no NaN. No message has a null of its own:
 * each stands for a number.
 */
function withNumbers(value: unknown): unknown {
  if (value === null) return Number.NaN;
  if (typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(withNumbers);
  const entries = Object.entries(value).map(([key, each]) => [key, withNumbers(each)] as const);
  return Object.fromEntries(entries);
}
