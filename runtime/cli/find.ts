/** Finds the run that a user means. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { listRuns, type StoredRun } from "../store/list.ts";
import { projectFolder, RUN_DATABASE, runsFolder } from "../store/paths.ts";
import { openRun } from "../store/reader.ts";
import { UsageError } from "./exit.ts";

/**
 * A run by its folder, by its id, by a part of the id that no other run of this folder's project
 * has, or without a name the newest.
 * @throws UsageError if there is none, or more than one
 */
export function findRun(name = "", folder = "."): StoredRun {
  const path = resolve(folder, name);
  if (name && existsSync(join(path, RUN_DATABASE))) {
    const reader = openRun(path);
    const record = reader.record();
    reader.close();
    return { folder: path, record };
  }
  const project = projectFolder(join(resolve(folder), "any"));
  const { runs } = listRuns(project);
  const [run, other] = runs.filter(({ record }) => record.id.includes(name));
  if (!run) {
    throw new UsageError(
      name
        ? `There is no run "${name}" in ${runsFolder(project)}; "stepscope runs" lists those that there are.`
        : `There are no runs in ${runsFolder(project)}: "stepscope train FILE" makes one.`,
    );
  }
  if (name && other && run.record.id !== name) {
    throw new UsageError(
      `Several runs have "${name}" in their name: ${run.record.id}, ${other.record.id}.`,
    );
  }
  return run;
}
