/** What a person writes to a run: kept beside it, because its database belongs to the sidecar. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boolean, list, object, string } from "../protocol/validate.ts";

export interface RunNotes {
  /** A name of the user's own; empty for that of the script. */
  readonly name: string;
  readonly note: string;
  readonly tags: readonly string[];
  readonly starred: boolean;
}

const FILE = "notes.json";

const NOTHING: RunNotes = { name: "", note: "", tags: [], starred: false };

const runNotes = object<RunNotes>({
  name: string,
  note: string,
  tags: list(string),
  starred: boolean,
});

/** The notes to a run; empty ones where there are none, or none that can be read. */
export function readNotes(folder: string): RunNotes {
  const file = join(folder, FILE);
  if (!existsSync(file)) return NOTHING;
  try {
    return runNotes({ ...NOTHING, ...JSON.parse(readFileSync(file, "utf8")) }, file);
  } catch {
    return NOTHING;
  }
}

/** Changes the notes to a run. Throws where its folder cannot be written. */
export function writeNotes(folder: string, change: Partial<RunNotes>): void {
  const file = join(folder, FILE);
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...readNotes(folder), ...change })}\n`);
  renameSync(`${file}.new`, file);
}
