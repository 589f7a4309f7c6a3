import type { ToPageMessage } from "../runtime/protocol/page.ts";
import {
  list,
  logRecord,
  metricRecord,
  runRecord,
  stepBatch,
  string,
  union,
} from "../runtime/protocol/validate.ts";

const toPageMessage = union<ToPageMessage>({
  hydrate: {
    run: runRecord,
    runFolder: string,
    batches: list(stepBatch),
    logs: list(logRecord),
    metrics: list(metricRecord),
  },
  empty: { reason: string },
  run: { run: runRecord },
  steps: { batch: stepBatch },
  logs: { logs: list(logRecord) },
  metrics: { metrics: list(metricRecord) },
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
