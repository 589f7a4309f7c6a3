/** Lists the runs of a project. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../protocol/run.ts";
import { projectFolder, RUN_DATABASE, runsFolder } from "./paths.ts";
import { openRun } from "./reader.ts";

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
  const parent = runsFolder(project);
  const runs: StoredRun[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const name of namesIn(parent).sort().reverse()) {
    const folder = join(parent, name);
    if (!existsSync(join(folder, RUN_DATABASE))) continue;
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
  const parent = runsFolder(projectFolder(script));
  for (const name of namesIn(parent).sort().reverse()) {
    const folder = join(parent, name);
    if (!existsSync(join(folder, RUN_DATABASE))) continue;
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

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
