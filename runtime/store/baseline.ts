/** The baseline of a project: one of its runs, which panels show faintly behind every other. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RUN_DATABASE, runsFolder } from "./paths.ts";

/** The file, beside the folder of the runs, that holds the baseline's id. */
function fileOf(project: string): string {
  return join(dirname(runsFolder(project)), "baseline");
}

/** The folder of a project's baseline; undefined where none is pinned, or it has been deleted. */
export function readBaseline(project: string): string | undefined {
  const file = fileOf(project);
  if (!existsSync(file)) return undefined;
  const id = readFileSync(file, "utf8").trim();
  const folder = join(runsFolder(project), basename(id));
  return id !== "" && existsSync(join(folder, RUN_DATABASE)) ? folder : undefined;
}

/**
 * Pins a run of the project, whose folder is given, as its baseline; undefined unpins what is pinned.
 * Throws where the project cannot be written.
 */
export function pinBaseline(project: string, runFolder: string | undefined): void {
  const file = fileOf(project);
  if (runFolder === undefined) {
    rmSync(file, { force: true });
    return;
  }
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${file}.new`, `${basename(runFolder)}\n`);
  renameSync(`${file}.new`, file);
}
