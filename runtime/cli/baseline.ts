/** `stepscope baseline [RUN | --none]`: the run that panels show faintly behind every other of its project. */
import { basename, join, resolve } from "node:path";
import { pinBaseline, readBaseline } from "../store/baseline.ts";
import { projectFolder, projectOf } from "../store/paths.ts";
import { EXIT, UsageError } from "./exit.ts";
import { findRun } from "./find.ts";

export interface BaselineOptions {
  /** The run to pin; without it and `none`, the baseline is told. */
  readonly run: string | undefined;
  /** Unpins the baseline. */
  readonly none: boolean;
}

/** Pins, unpins or tells the baseline of this folder's project; returns the exit code. */
export function baselineCommand({ run, none }: BaselineOptions): number {
  if (run !== undefined && none) throw new UsageError("baseline: a RUN or --none, not both.");
  const project = projectFolder(join(resolve("."), "any"));
  if (none) pinBaseline(project, undefined);
  if (run !== undefined) {
    const { folder } = findRun(run);
    pinBaseline(projectOf(folder), folder);
    console.log(basename(folder));
    return EXIT.completed;
  }
  const pinned = readBaseline(project);
  console.log(pinned ? basename(pinned) : "No run is pinned.");
  return EXIT.completed;
}
