/** What a command that trains says about the run, in one form or another. */
import type { LogRecord } from "../protocol/messages.ts";
import type { RunRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";

export interface Report {
  /** The record changed. */
  run(run: RunRecord): void;
  /** Steps in order, none skipped. */
  steps(batch: StepBatch): void;
  log(log: LogRecord): void;
  /** The last call. */
  end(run: RunRecord): void;
}
