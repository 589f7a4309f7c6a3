/** Where runs are kept: `<project>/.stepscope/runs/<id>/`. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";

const PROJECT_MARKS = ["package.json", "tsconfig.json", ".git"];
const STORE = ".stepscope";

/** Names of the files in a run's folder. */
export const RUN_DATABASE = "run.sqlite";
export const SIDECAR_LOG = "sidecar.log";
export const CHANGES_PATCH = "changes.patch";

/** The nearest folder above a script that looks like a project, else the script's own folder. */
export function projectFolder(script: string): string {
  const home = dirname(script);
  for (let folder = home; ; folder = dirname(folder)) {
    if (PROJECT_MARKS.some(mark => existsSync(join(folder, mark)))) return folder;
    if (folder === dirname(folder)) return home;
  }
}

/** The folder that holds the runs of a project. It may not exist. */
export function runsFolder(project: string): string {
  return join(project, STORE, "runs");
}

/** The file that holds what was chosen to see in pages that an ordinary browser shows. It may not exist. */
export function viewFile(project: string): string {
  return join(project, STORE, "view.json");
}

/** The project that a run belongs to, whose folder is given. */
export function projectOf(runFolder: string): string {
  return resolve(runFolder, "../../..");
}

/**
 * An id that sorts by the time of the start (UTC, to the millisecond) and tells a person which
 * script ran: `20261122-213055123-digits-4f2a`.
 */
export function newRunId(script: string, now = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, "");
  const name = basename(script, extname(script))
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 32);
  const unique = Math.floor(Math.random() * 0x10000)
    .toString(16)
    .padStart(4, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8, 17)}-${name || "run"}-${unique}`;
}

/**
 * Makes the folder of a new run of a script, and hides the store from git. Throws where the
 * project cannot be written.
 */
export function createRunFolder(script: string): { readonly id: string; readonly folder: string } {
  const runs = runsFolder(projectFolder(script));
  const id = newRunId(script);
  const folder = join(runs, id);
  try {
    mkdirSync(runs, { recursive: true });
    const ignore = join(dirname(runs), ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
    mkdirSync(folder);
  } catch (error) {
    throw new Error(`Runs are kept in ${runs}, but it cannot be written: ${message(error)}`, {
      cause: error,
    });
  }
  return { id, folder };
}

/** Makes a folder for something that is no run, and is removed when it ends. */
export function createTemporaryFolder(script: string): {
  readonly id: string;
  readonly folder: string;
} {
  return { id: newRunId(script), folder: mkdtempSync(join(tmpdir(), "stepscope-probe-")) };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
