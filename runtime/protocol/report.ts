/** Whoever tells of a run, in one form or another. */
import type { Finding } from "./finding.ts";
import type { LogRecord } from "./messages.ts";
import type { MetricRecord } from "./metric.ts";
import type { Picture } from "./picture.ts";
import type { RunRecord } from "./run.ts";
import type { StepBatch } from "./steps.ts";

export interface Report {
  /** The record changed. */
  run(run: RunRecord): void;
  /** Steps in order, none skipped. */
  steps(batch: StepBatch): void;
  log(log: LogRecord): void;
  /** The script logged a number of its own. */
  metric(metric: MetricRecord): void;
  /** A finding was raised, or changed: its new version. */
  finding(finding: Finding): void;
  /** The loss around the place where the loop is held, as far as it is drawn. */
  picture?(picture: Picture): void;
  /** The last call. */
  end(run: RunRecord): void;
}
