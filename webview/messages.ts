import type { ToPageMessage } from "../runtime/protocol/page.ts";
import {
  list,
  logRecord,
  runRecord,
  stepBatch,
  string,
  union,
} from "../runtime/protocol/validate.ts";

const toPageMessage = union<ToPageMessage>({
  hydrate: { run: runRecord, runFolder: string, batches: list(stepBatch), logs: list(logRecord) },
  empty: { reason: string },
  run: { run: runRecord },
  steps: { batch: stepBatch },
  logs: { logs: list(logRecord) },
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

/** VS Code sends what is not a typed array as JSON, which has no NaN: a null loss is one. */
function withNumbers(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("run" in value)) return value;
  const { run } = value;
  if (typeof run !== "object" || run === null) return value;
  const { finalLoss } = run as { finalLoss?: unknown };
  return finalLoss === null ? { ...value, run: { ...run, finalLoss: Number.NaN } } : value;
}
