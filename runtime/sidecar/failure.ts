/** Makes of what was thrown what a user wants to read: message, stack and place in the source. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { formatMessagesSync, type Location, type Message } from "esbuild";
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
  return { message, stack: messages.map(textOf).join("\n").trim(), ...(location && { location }) };
}

/** A message in esbuild's words, with the lines that it is about; its columns are those of an editor. */
function textOf(message: Message): string {
  const plain = { ...message, pluginName: "" };
  const [text = ""] = formatMessagesSync([plain], { kind: "error", color: false });
  // From the last on: what has been replaced stands behind what is looked for.
  return [message, ...message.notes].reduceRight((result, { location }) => {
    if (!location) return result;
    const place = `${location.file}:${location.line}`;
    return result.replace(`${place}:${location.column}:`, () => `${place}:${columnOf(location)}:`);
  }, text);
}

/** esbuild names files relative to the working folder. */
function locationOf({ location }: Message): SourceLocation | undefined {
  if (!location) return undefined;
  return { file: resolve(location.file), line: location.line, column: columnOf(location) };
}

/** The column as editors count it: esbuild counts the bytes of a line from 0. */
function columnOf({ lineText, column }: Location): number {
  return Buffer.from(lineText).subarray(0, column).toString().length + 1;
}
