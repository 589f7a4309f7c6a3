/** `stepscope runs`: what has been trained in a project. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readBaseline } from "../store/baseline.ts";
import { listRuns, summarize } from "../store/list.ts";
import { projectFolder, runsFolder } from "../store/paths.ts";
import { type RunSummary, runDuration, runName } from "../store/summary.ts";
import { EXIT, UsageError } from "./exit.ts";
import { brief, digits } from "./format.ts";

/**
 * Prints the runs of the project that `folder` belongs to, the newest first.
 * @throws UsageError if there is no such folder
 */
export function listProject(folder: string): number {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`There is no folder ${resolve(folder)}.`);
  }
  const project = projectFolder(join(resolve(folder), "any"));
  const { runs, unreadable } = listRuns(project);
  const baseline = readBaseline(project);
  for (const { folder } of runs) console.log(runLine(summarize(folder), folder === baseline));
  for (const { problem } of unreadable) console.error(problem);
  if (runs.length === 0) console.error(`No runs in ${runsFolder(project)}.`);
  return EXIT.completed;
}

/** `★ 20261122-…-digits-4f2a  completed  1350 steps  loss 0.01234  η 0.002  12.3 s  baseline #wide` */
function runLine(summary: RunSummary, isBaseline: boolean): string {
  const { record, rate, notes } = summary;
  const { id, status, steps, finalLoss } = record;
  const measured = steps > 0 ? `loss ${digits(finalLoss).padEnd(9)}  η ${brief(rate)}` : "";
  const words = [
    isBaseline && "[baseline]",
    notes.name && runName(summary),
    ...notes.tags.map(tag => `#${tag}`),
    notes.note.split("\n", 1)[0],
  ];
  return [
    notes.starred ? "★" : " ",
    id.padEnd(40),
    status.padEnd(9),
    `${String(steps).padStart(8)} ${steps === 1 ? "step " : "steps"}`,
    measured.padEnd(24),
    `${(runDuration(record) / 1000).toFixed(1)} s`,
    words.filter(Boolean).join(" "),
  ]
    .join("  ")
    .trimEnd();
}
