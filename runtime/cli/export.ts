/** `stepscope export [RUN]`: a run as files that other programs read. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { EXPORT_FORMATS, type ExportFormat, exportName, exportRun } from "../exchange/export.ts";
import { openRun } from "../store/reader.ts";
import { EXIT, UsageError } from "./exit.ts";
import { findRun } from "./find.ts";

export interface ExportOptions {
  /** Id, part of an id, or folder; the newest run of the project without it. */
  readonly run: string | undefined;
  readonly format: string;
  /** Where to write; a name of the run's in the current folder without it. */
  readonly output: string | undefined;
}

/** Writes the run and says where it is; how far it is goes to a terminal. */
export function exportCommand({ run, format, output }: ExportOptions): number {
  if (!isFormat(format)) {
    throw new UsageError(`--format: expected ${EXPORT_FORMATS.join(", ")}, got "${format}".`);
  }
  const { folder, record } = findRun(run);
  const path = resolve(output ?? exportName(record, format));
  const { stderr } = process;
  const reader = openRun(folder);
  try {
    for (const step of exportRun(reader, format, path)) {
      if (stderr.isTTY) stderr.write(`\r${step} of ${record.steps} steps`);
    }
  } finally {
    reader.close();
    if (stderr.isTTY) stderr.write("\r\x1b[K");
  }
  // A file is made for the first line that is to stand in it.
  if (!existsSync(path)) throw new Error(`${record.id} has no steps: there is nothing to write.`);
  console.log(path);
  return EXIT.completed;
}

function isFormat(format: string): format is ExportFormat {
  return (EXPORT_FORMATS as readonly string[]).includes(format);
}
