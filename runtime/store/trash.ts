/** Deleted runs: put aside for a week, so that a deletion can be taken back. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

const TRASH = "trash";
const KEPT_MS = 7 * 24 * 3600 * 1000;

/**
 * Takes the runs in these folders out of the store; returns where each of them lies now. What was
 * deleted more than a week ago is removed for good.
 *
 * @throws where a folder cannot be moved; those before it have been
 */
export function deleteRuns(folders: readonly string[]): string[] {
  return folders.map(folder => {
    const trash = join(dirname(dirname(folder)), TRASH);
    mkdirSync(trash, { recursive: true });
    removeOld(trash);
    const target = join(trash, basename(folder));
    renameSync(folder, target);
    // A week from now on, and not from the end of the run.
    utimesSync(target, new Date(), new Date());
    return target;
  });
}

/** Takes a deletion back: `deleted` are the folders that `deleteRuns` returned. */
export function restoreRuns(deleted: readonly string[]): void {
  for (const folder of deleted) {
    if (!existsSync(folder)) continue;
    renameSync(folder, join(dirname(dirname(folder)), "runs", basename(folder)));
  }
}

function removeOld(trash: string): void {
  for (const name of readdirSync(trash)) {
    const folder = join(trash, name);
    const age = Date.now() - statSync(folder).mtimeMs;
    if (age > KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}
