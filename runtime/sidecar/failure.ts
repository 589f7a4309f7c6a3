/** Makes of what was thrown what a user wants to read: message, stack and place in the source. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { formatMessagesSync, type Message } from "esbuild";
import type { RunError, SourceLocation } from "../protocol/run.ts";
import { CompileError } from "./compile.ts";

/** Frames of Node and of the sidecar, which tell a user nothing. */
const FOREIGN_FRAME = /^\s+at .*(?:node:|[/\\]runtime[/\\]sidecar[/\\]|[/\\]dist[/\\]sidecar\.js)/;

const FRAME = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/;

/**
 * Describes an error of a run.
 * @param isScript whether a file belongs to the script: the first frame in one is the place.
 */
export function describeError(error: unknown, isScript: (file: string) => boolean): RunError {
  if (error instanceof CompileError) return describeMessages(error);
  if (!(error instanceof Error)) return { message: `Thrown: ${inspect(error)}` };
  const lines = (error.stack ?? "").split("\n").filter(line => !FOREIGN_FRAME.test(line));
  const location = lines.map(placeOf).find(place => place && isScript(place.file));
  const name = error.name === "Error" ? "" : `${error.name}: `;
  return {
    message: `${name}${error.message}`,
    stack: lines.join("\n") + causes(error),
    ...(location && { location }),
  };
}

function causes(error: Error): string {
  return error.cause === undefined ? "" : `\nCaused by: ${inspect(error.cause)}`;
}

/** The place that a line of a stack names. */
function placeOf(line: string): SourceLocation | undefined {
  const [, file, row, column] = FRAME.exec(line) ?? [];
  if (!file) return undefined;
  const path = file.startsWith("file://") ? fileURLToPath(file) : file;
  return { file: path, line: Number(row), column: Number(column) };
}

function describeMessages({ message, messages }: CompileError): RunError {
  const location = messages.map(locationOf).find(place => place !== undefined);
  const plain = messages.map(each => ({ ...each, pluginName: "" }));
  const stack = formatMessagesSync(plain, { kind: "error", color: false }).join("\n").trim();
  return { message, stack, ...(location && { location }) };
}

/** esbuild names files relative to the working folder and counts bytes of a line from 0. */
function locationOf({ location }: Message): SourceLocation | undefined {
  if (!location) return undefined;
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString();
  return { file: resolve(location.file), line: location.line, column: before.length + 1 };
}
