/** Lists the runs of a project. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../protocol/run.ts";
import { readNotes } from "./notes.ts";
import { projectFolder, RUN_DATABASE, runsFolder } from "./paths.ts";
import { openRun } from "./reader.ts";
import type { RunSummary } from "./summary.ts";

/** A run in the store. */
export interface StoredRun {
  readonly folder: string;
  readonly record: RunRecord;
}

/** A run in the store of which not even the record can be read, and why. */
export interface UnreadableRun {
  readonly folder: string;
  readonly problem: string;
}

/** The runs of a project, the newest first. Those that cannot be read are listed apart. */
export function listRuns(project: string): { runs: StoredRun[]; unreadable: UnreadableRun[] } {
  const runs: StoredRun[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const folder of listRunFolders(project)) {
    try {
      const reader = openRun(folder);
      runs.push({ folder, record: reader.record() });
      reader.close();
    } catch (error) {
      unreadable.push({ folder, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs, unreadable };
}

/** The newest run of a script that has ended; undefined if there is none that can be read. */
export function lastEndedRun(script: string): StoredRun | undefined {
  for (const folder of listRunFolders(projectFolder(script))) {
    try {
      const reader = openRun(folder);
      const record = reader.record();
      reader.close();
      if (record.script === script && record.status !== "running") return { folder, record };
    } catch {
      // `listRuns` tells of runs that cannot be read; this one is looking for another.
    }
  }
  return undefined;
}

/** Reads what a list shows of a run. Throws an error that names the folder if it cannot be read. */
export function summarize(folder: string): RunSummary {
  const reader = openRun(folder);
  try {
    const record = reader.record();
    const last = record.steps > 0 ? [...reader.steps(record.steps)].at(-1) : undefined;
    const rate = last?.lr[(last.count - 1) * last.groups] ?? Number.NaN;
    return { folder, record, rate, notes: readNotes(folder) };
  } finally {
    reader.close();
  }
}

/** The folders of a project's runs, the newest first. */
export function listRunFolders(project: string): string[] {
  const parent = runsFolder(project);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .sort()
    .reverse()
    .map(name => join(parent, name))
    .filter(folder => existsSync(join(folder, RUN_DATABASE)));
}
