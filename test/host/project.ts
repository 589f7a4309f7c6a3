/** Projects of users, for tests: the examples in a folder of their own, with a run store of its own. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

const TSCONFIG = {
  compilerOptions: { target: "es2023", module: "nodenext", strict: true, types: ["node"] },
};

/**
 * Between two steps: without a GPU, training takes the processor that the editor and its page need, and
 * a click waits for minutes.
 */
const REST = "await new Promise(resolve => setTimeout(resolve, 20));";

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
  if (endless) {
    const digits = join(project, "digits.ts");
    const text = readFileSync(digits, "utf8");
    const endlessText = text
      .replace("epoch <= 30", "epoch <= 1_000_000")
      .replace("await optimizer.step();", `$& ${REST}`);
    writeFileSync(digits, endlessText);
  }
  return project;
}
