/** `stepscope import PATH`: TensorBoard's event files as runs of this project. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { importEvents } from "../exchange/importEvents.ts";
import { projectFolder } from "../store/paths.ts";
import { EXIT, UsageError } from "./exit.ts";

/** Imports, and says the id of each run. */
export function importCommand(path: string | undefined): number {
  if (!path) throw new UsageError("import: PATH is missing.");
  if (!existsSync(path)) throw new UsageError(`There is no file or folder ${resolve(path)}.`);
  const project = projectFolder(join(resolve(), "any"));
  for (const folder of importEvents(path, project)) console.log(basename(folder));
  return EXIT.completed;
}
