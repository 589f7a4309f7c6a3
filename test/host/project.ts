/** Projects of users, for tests: the examples in a folder of their own, with a run store of its own. */
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeEndless } from "./endless.ts";

const ROOT = join(import.meta.dirname, "../..");

const TSCONFIG = {
  compilerOptions: { target: "es2023", module: "nodenext", strict: true, types: ["node"] },
};

export interface ProjectOptions {
  /** Stepscope and the types of Node are in its node_modules; else nothing is. */
  readonly installed: boolean;
  /** digits.ts trains until it is stopped, however fast the machine is, and rests between its steps. */
  readonly endless?: boolean;
}

/** Makes a project and returns its folder, which the caller removes. */
export function createProject({ installed, endless = false }: ProjectOptions): string {
  const project = mkdtempSync(join(tmpdir(), "stepscope-project-"));
  cpSync(join(ROOT, "examples"), project, {
    recursive: true,
    filter: source => basename(source) !== ".stepscope",
  });
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  if (installed) {
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(TSCONFIG));
    mkdirSync(join(project, "node_modules"));
    symlinkSync(ROOT, join(project, "node_modules/stepscope"));
    symlinkSync(join(ROOT, "node_modules/@types"), join(project, "node_modules/@types"));
  }
  if (endless) makeEndless(join(project, "digits.ts"));
  return project;
}
