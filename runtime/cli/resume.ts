/** What a run left for another one to go on from. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CHECKPOINT_SUFFIX, CHECKPOINTS_FOLDER } from "../protocol/checkpoint.ts";
import type { RunRecord } from "../protocol/run.ts";
import { UsageError } from "./exit.ts";
import { findRun } from "./find.ts";

/**
 * The record of a run, and the folder of its checkpoints.
 * @throws UsageError if there is no such run, or if it has no checkpoint.
 */
export function resumable(name: string): { readonly run: RunRecord; readonly checkpoints: string } {
  const { folder, record } = findRun(name);
  const checkpoints = join(folder, CHECKPOINTS_FOLDER);
  const files = existsSync(checkpoints) ? readdirSync(checkpoints) : [];
  if (!files.some(file => file.endsWith(CHECKPOINT_SUFFIX))) {
    throw new UsageError(
      `--resume: the run ${record.id} has no checkpoint. A script saves them by ` +
        "`new Checkpoints({ model, optimizer }).save({ step })`.",
    );
  }
  return { run: record, checkpoints };
}
