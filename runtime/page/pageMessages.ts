import { type FromPageMessage, MOST_COMPARED } from "../protocol/page.ts";
import { control, list, string } from "../protocol/validate.ts";

/** Checks what came from the page: anything may be in a message. Undefined for what is not ours. */
export function parsePageMessage(value: unknown): FromPageMessage | undefined {
  if (!isRecord(value)) return undefined;
  switch (value.type) {
    case "ready":
    case "stop":
    case "train":
    case "listRuns":
      return { type: value.type };
    case "control":
      return attempt(() => ({ type: "control", control: control(value.control, "control") }));
    case "compare": {
      const runFolders = attempt(() => list(string)(value.runFolders, "runFolders"));
      if (!runFolders || runFolders.length > MOST_COMPARED) return undefined;
      return { type: "compare", runFolders };
    }
    case "openSource": {
      const { file, line } = value;
      if (typeof file !== "string" || file === "") return undefined;
      if (typeof line !== "number" || !Number.isSafeInteger(line) || line < 1) return undefined;
      return { type: "openSource", file, line };
    }
    default:
      return undefined;
  }
}

/** The run folder in the state that a page keeps over a reload of the window. */
export function parsePageState(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const { runFolder } = value;
  return typeof runFolder === "string" && runFolder !== "" ? runFolder : undefined;
}

/** Undefined where a check fails. */
function attempt<T>(check: () => T): T | undefined {
  try {
    return check();
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
