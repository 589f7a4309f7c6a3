import { FINDING_CODES } from "../protocol/finding.ts";
import { type FromPageMessage, MOST_COMPARED } from "../protocol/page.ts";
import {
  binsRequest,
  control,
  curveRequest,
  list,
  optional,
  optionValue,
  string,
} from "../protocol/validate.ts";

/** A file's name without a folder, as the page makes it. */
const PICTURE_NAME = /^[\w.-]{1,150}\.(png|svg)$/;

/** Bytes of a picture: a chart over a whole screen takes less than one of 64 MiB. */
const MAX_PICTURE = 64 * 1024 * 1024;

/** Characters of what a page lets its host keep. */
const MAX_VIEW = 128 * 1024;

/** Checks what came from the page: anything may be in a message. Undefined for what is not ours. */
export function parsePageMessage(value: unknown): FromPageMessage | undefined {
  if (!isRecord(value)) return undefined;
  switch (value.type) {
    case "ready":
    case "stop":
    case "train":
    case "listRuns":
      return { type: value.type };
    case "bins":
      return attempt(() => {
        const runFolder = optional(string)(value.runFolder, "runFolder");
        return {
          type: "bins",
          requests: list(binsRequest)(value.requests, "requests"),
          curves: list(curveRequest)(value.curves, "curves"),
          ...(runFolder !== undefined && { runFolder }),
        };
      });
    case "control":
      return attempt(() => ({ type: "control", control: control(value.control, "control") }));
    case "compareSource": {
      const { runFolder } = value;
      return typeof runFolder === "string" ? { type: "compareSource", runFolder } : undefined;
    }
    case "pin": {
      const { runFolder } = value;
      if (runFolder === undefined) return { type: "pin" };
      return typeof runFolder === "string" ? { type: "pin", runFolder } : undefined;
    }
    case "compare": {
      const runFolders = attempt(() => list(string)(value.runFolders, "runFolders"));
      if (!runFolders || runFolders.length > MOST_COMPARED) return undefined;
      return { type: "compare", runFolders };
    }
    case "writeOption":
      return attempt(() => ({ type: "writeOption", option: optionValue(value.option, "option") }));
    case "openSource": {
      const { file, line, column } = value;
      if (typeof file !== "string" || file === "") return undefined;
      if (!isCount(line) || !isCount(column) || line < 1 || column < 1) return undefined;
      return { type: "openSource", file, line, column };
    }
    case "histograms": {
      const { tensor, after } = value;
      return isCount(tensor) && isCount(after) ? { type: "histograms", tensor, after } : undefined;
    }
    case "keepView": {
      const { view } = value;
      if (typeof view !== "string" || view.length > MAX_VIEW) return undefined;
      return { type: "keepView", view };
    }
    case "savePicture": {
      const { name, bytes } = value;
      if (typeof name !== "string" || !PICTURE_NAME.test(name)) return undefined;
      if (!(bytes instanceof Uint8Array) || bytes.length > MAX_PICTURE) return undefined;
      return { type: "savePicture", name, bytes };
    }
    case "revealFinding":
      return typeof value.id === "string" ? { type: "revealFinding", id: value.id } : undefined;
    case "explainFinding": {
      const code = FINDING_CODES.find(each => each === value.code);
      return code && { type: "explainFinding", code };
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

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
