/** Writes a run. One process, the sidecar, writes; everybody may read at the same time. */

import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StepHistograms } from "../protocol/histogram.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { RunRecord } from "../protocol/run.ts";
import { type StepBatch, stepValue } from "../protocol/steps.ts";
import { bytesOf } from "./blob.ts";
import { createDatabase } from "./database.ts";
import { RUN_DATABASE } from "./paths.ts";
import { thisProcess } from "./process.ts";
import { StepWriter } from "./stepWriter.ts";

/** What one transaction adds to a run. */
export interface RunAddition {
  /** The record as it stands after the batches. */
  readonly record: RunRecord;
  readonly batches: readonly StepBatch[];
  readonly logs: readonly LogRecord[];
  readonly metrics: readonly MetricRecord[];
  readonly histograms?: readonly StepHistograms[];
}

/** The writer of a new run. Every method throws if the file cannot be written. */
export class RunWriter {
  readonly #database: DatabaseSync;
  readonly #steps: StepWriter;
  readonly #insertLog: StatementSync;
  readonly #insertMetric: StatementSync;
  readonly #insertHistogram: StatementSync;
  readonly #updateRun: StatementSync;
  readonly #updateProgress: StatementSync;
  /** The record as it stands in the file. */
  #stored: string;

  /** Makes the run's file in its folder, which exists; `source` is the text of the script. */
  constructor(folder: string, record: RunRecord, source: string) {
    this.#database = createDatabase(join(folder, RUN_DATABASE));
    this.#steps = new StepWriter(this.#database);
    this.#insertLog = this.#database.prepare(
      "INSERT INTO log (level, text, time, step) VALUES (?, ?, ?, ?)",
    );
    this.#insertMetric = this.#database.prepare(
      "INSERT INTO metric (name, value, step, time) VALUES (?, ?, ?, ?)",
    );
    this.#insertHistogram = this.#database.prepare("INSERT INTO histogram VALUES (?, ?)");
    this.#updateRun = this.#database.prepare("UPDATE run SET record = ?");
    this.#updateProgress = this.#database.prepare("UPDATE progress SET steps = ?, finalLoss = ?");
    this.#stored = lasting(record);
    this.#database
      .prepare("INSERT INTO run VALUES (1, ?, ?)")
      .run(this.#stored, JSON.stringify(thisProcess()));
    this.#database
      .prepare("INSERT INTO progress VALUES (1, ?, ?)")
      .run(record.steps, record.finalLoss);
    this.#database.prepare("INSERT INTO source VALUES (?, ?)").run(record.script, source);
  }

  /**
   * Adds batches, logs and metrics and replaces the record, all or nothing.
   *
   * @throws RangeError if a batch does not begin after the last step of the one before it
   */
  add({ record, batches, logs, metrics, histograms = [] }: RunAddition): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const batch of batches) this.#steps.add(batch);
      for (const { level, text, time, step } of logs) this.#insertLog.run(level, text, time, step);
      for (const { name, value, step, time } of metrics) {
        this.#insertMetric.run(name, value, step, time);
      }
      for (const { step, words } of histograms) this.#insertHistogram.run(step, bytesOf(words));
      this.#updateProgress.run(record.steps, record.finalLoss);
      const changed = lasting(record);
      if (changed !== this.#stored) this.#updateRun.run(changed);
      this.#database.exec("COMMIT");
      this.#steps.committed();
      this.#stored = changed;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  #rollback(): void {
    this.#steps.undone();
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }

  /** Closes the file, as one file without a write-ahead log unless somebody is reading it. */
  close(): void {
    try {
      this.#database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE;");
    } catch {
      // It is being read; a log beside it does no harm.
    }
    this.#database.close();
  }
}

/** What does not change with every step, as JSON. */
function lasting({ steps: _, finalLoss: __, ...record }: RunRecord): string {
  return JSON.stringify(record);
}

/** A record after one more batch. */
export function afterBatch(record: RunRecord, batch: StepBatch): RunRecord {
  return {
    ...record,
    steps: batch.firstStep + batch.count - 1,
    finalLoss: stepValue(batch, batch.count - 1, "loss"),
  };
}
