import { LOOK_PARTS, type RunChoice, type ToPageMessage } from "../runtime/protocol/page.ts";
import { RUN_STATUSES } from "../runtime/protocol/run.ts";
import {
  branches,
  type Check,
  count,
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
  string,
  tensorElements,
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
    compared: optional(list(string)) as Check<readonly string[]>,
  },
  empty: { reason: string },
  resetLayout: {},
  run: { run: runRecord },
  steps: { batch: stepBatch },
  logs: { logs: list(logRecord) },
  metrics: { metrics: list(metricRecord) },
  compare: { runFolders: list(string) },
  compared: { runFolder: string, name: string, run: runRecord },
  comparedRun: { runFolder: string, run: runRecord },
  comparedSteps: { runFolder: string, batch: stepBatch },
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

/** VS Code sends what is not a typed array as JSON, which has no NaN: a null number is one. */
function withNumbers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { run, metrics } = value as { run?: unknown; metrics?: unknown };
  const changed = {
    ...(lacks(run, "finalLoss") && { run: { ...run, finalLoss: Number.NaN } }),
    ...(Array.isArray(metrics) &&
      metrics.some(metric => lacks(metric, "value")) && {
        metrics: metrics.map(metric =>
          lacks(metric, "value") ? { ...metric, value: Number.NaN } : metric,
        ),
      }),
  };
  return Object.keys(changed).length > 0 ? { ...value, ...changed } : value;
}

function lacks(value: unknown, field: string): value is object {
  return typeof value === "object" && value !== null && Reflect.get(value, field) === null;
}
