/** `stepscope runs`: what has been trained in a project. */
import { join, resolve } from "node:path";
import { listRuns } from "../store/list.ts";
import { projectFolder, runsFolder } from "../store/paths.ts";
import { EXIT } from "./exit.ts";
import { digits } from "./format.ts";

/** Prints the runs of the project that `folder` belongs to, the newest first. */
export function listProject(folder: string): number {
  const project = projectFolder(join(resolve(folder), "any"));
  const { runs, unreadable } = listRuns(project);
  for (const { record } of runs) {
    const { id, status, steps, finalLoss } = record;
    const loss = steps > 0 ? `loss ${digits(finalLoss)}` : "";
    console.log(
      `${id.padEnd(40)} ${status.padEnd(10)} ${String(steps).padStart(8)} steps  ${loss}`,
    );
  }
  for (const { problem } of unreadable) console.error(problem);
  if (runs.length === 0) console.error(`No runs in ${runsFolder(project)}.`);
  return EXIT.completed;
}
