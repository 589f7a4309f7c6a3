/** Reads a run: one that is being written, one that has ended, or what is left of a damaged one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type TensorHistograms, wordsOf } from "../protocol/histogram.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { RunRecord } from "../protocol/run.ts";
import {
  continues,
  joinBatches,
  STEP_COLUMNS,
  type StepBatch,
  sliceBatch,
} from "../protocol/steps.ts";
import { logRecord, metricRecord, runRecord, stepBatch } from "../protocol/validate.ts";
import { openDatabase, STORE_VERSION } from "./database.ts";
import { RUN_DATABASE, SIDECAR_LOG } from "./paths.ts";
import { isAlive, processIdentity } from "./process.ts";
import { batchChecksum } from "./writer.ts";

/** Rows that a chunk of `steps` holds at most, unless one batch alone has more. */
const CHUNK_ROWS = 1024;

/** The same of `curves`, whose rows are short. */
const CURVE_ROWS = 16_384;

/** Characters of the process's own last words that explain a crash. */
const LAST_WORDS = 2000;

/** Opens a run's folder to read. Throws an error that names the folder if there is no run in it. */
export function openRun(folder: string): RunReader {
  const file = join(folder, RUN_DATABASE);
  if (!existsSync(file)) throw new Error(`There is no run in ${folder}.`);
  try {
    return new RunReader(folder, openDatabase(file));
  } catch (error) {
    throw new Error(`The run in ${folder} cannot be read: ${text(error)}`, { cause: error });
  }
}

export class RunReader {
  readonly folder: string;
  readonly #database: DatabaseSync;
  #damage: string | undefined;

  /** Use `openRun`. Throws if the record, without which nothing makes sense, cannot be read. */
  constructor(folder: string, database: DatabaseSync) {
    this.folder = folder;
    this.#database = database;
    try {
      const { user_version: version } = this.#row("PRAGMA user_version");
      if (version !== STORE_VERSION) {
        throw new Error(`its format is version ${version}, this program reads ${STORE_VERSION}`);
      }
      this.record();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** What stopped the last reading before its end; undefined if nothing did. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** The record as of now. A run whose process is gone without a word is `crashed`. */
  record(): RunRecord {
    const { record, process, steps, finalLoss } = this.#row(
      "SELECT * FROM run JOIN progress USING (id)",
    );
    const stored: unknown = JSON.parse(String(record));
    const run = runRecord({ ...(stored as object), steps, finalLoss: finalLoss ?? NaN }, "record");
    if (run.status !== "running") return run;
    const identity = processIdentity(JSON.parse(String(process)), "process");
    if (isAlive(identity)) return run;
    // It may have closed the run after the row was read, and before it was found dead.
    const again = this.#row("SELECT record FROM run");
    if (again.record !== record) return this.record();
    return { ...run, status: "crashed", error: { message: this.#crashMessage(identity.pid) } };
  }

  /** The first `limit` logs, in order. */
  logs(limit = Number.MAX_SAFE_INTEGER): LogRecord[] {
    const rows = this.#rows(
      "SELECT level, text, time, step FROM log WHERE id <= ? ORDER BY id",
      limit,
    );
    return Array.from(rows, row => logRecord({ ...row }, "log"));
  }

  /** The first `limit` metrics that the script logged, in order. */
  metrics(limit = Number.MAX_SAFE_INTEGER): MetricRecord[] {
    const rows = this.#rows(
      "SELECT name, value, step, time FROM metric WHERE id <= ? ORDER BY id",
      limit,
    );
    return Array.from(rows, row =>
      metricRecord({ ...row, value: row.value ?? Number.NaN }, "metric"),
    );
  }

  /** Histograms of a tensor behind step `after`; none of a run that was recorded before there were any. */
  histograms(tensor: number, after: number): TensorHistograms {
    const [table] = this.#rows("SELECT 1 FROM sqlite_schema WHERE name = 'histogram'");
    const [steps, words]: [number[], Float32Array[]] = [[], []];
    if (table) {
      const rows = this.#rows("SELECT * FROM histogram WHERE step > ? ORDER BY step", after);
      for (const { step, words: bytes } of rows) {
        steps.push(Number(step));
        words.push(wordsOf(new Float32Array(column(bytes).slice().buffer), tensor));
      }
    }
    return { tensor, steps: Float64Array.from(steps), words: joined(words) };
  }

  /** The text of the script as it was when the run began. */
  source(): string {
    return String(this.#row("SELECT text FROM source").text);
  }

  /**
   * Steps `from` to `to`, both inclusive and counted from 1, as chunks in order. It ends before
   * the first step that is missing or damaged; `damage` then says why.
   */
  steps(from = 1, to = Number.MAX_SAFE_INTEGER): Generator<StepBatch> {
    return chunks(this.#batches("*", from, to), CHUNK_ROWS);
  }

  /**
   * The same without what is known of single tensors, which is most of a run and is not read: their
   * number is 0. The checksum is over all columns, so it is not looked at.
   */
  curves(from = 1): Generator<StepBatch> {
    const columns = "firstStep, count, groups, 0 AS tensorCount, steps, lr, x'' AS tensors";
    return chunks(this.#batches(columns, from, Number.MAX_SAFE_INTEGER), CURVE_ROWS);
  }

  *#batches(columns: string, from: number, to: number): Generator<StepBatch> {
    // Batches do not overlap: the one that holds `from` is the last that starts at or before it.
    const rows = this.#rows(
      `SELECT ${columns} FROM batch WHERE firstStep <= ? AND firstStep >=
         coalesce((SELECT max(firstStep) FROM batch WHERE firstStep <= ?), 0)
       ORDER BY firstStep`,
      to,
      from,
    );
    let next: number | undefined;
    for (const row of rows) {
      const batch = this.#batch(row, next);
      if (!batch) return;
      next = batch.firstStep + batch.count;
      const skip = Math.max(0, from - batch.firstStep);
      const end = Math.min(batch.count, to - batch.firstStep + 1);
      if (skip < end) yield sliceBatch(batch, skip, end);
    }
  }

  /** The batch of a row; undefined, with `damage` set, if it is not whole or not the `next` one. */
  #batch(row: Row, next: number | undefined): StepBatch | undefined {
    const { firstStep, count, groups, tensorCount, steps, lr, tensors, crc } = row;
    try {
      const columns = [column(steps), column(lr), column(tensors)] as const;
      if (crc !== undefined && batchChecksum(columns) !== crc) throw new Error("checksum differs");
      if (next !== undefined && firstStep !== next) throw new Error(`step ${next} is missing`);
      const [stepBytes, lrBytes, tensorBytes] = columns;
      return stepBatch(
        {
          firstStep,
          count,
          groups,
          tensorCount,
          steps: allColumns(new Float64Array(stepBytes.slice().buffer), Number(count)),
          lr: new Float64Array(lrBytes.slice().buffer),
          tensors: new Float32Array(tensorBytes.slice().buffer),
        },
        "batch",
      );
    } catch (error) {
      this.#damage = `Damaged at step ${firstStep}: ${text(error)}`;
      return undefined;
    }
  }

  /** The rows of a query up to the first that cannot be read. */
  *#rows(sql: string, ...parameters: number[]): Generator<Row> {
    this.#damage = undefined;
    try {
      yield* this.#database.prepare(sql).iterate(...parameters);
    } catch (error) {
      this.#damage = `Damaged: ${text(error)}`;
    }
  }

  #row(sql: string): Row {
    const row = this.#database.prepare(sql).get();
    if (!row) throw new Error("it holds no record");
    return row;
  }

  #crashMessage(pid: number): string {
    const words = lastWords(join(this.folder, SIDECAR_LOG));
    return `The process of the run (${pid}) ended without closing it.${words && `\n${words}`}`;
  }

  close(): void {
    this.#database.close();
  }
}

type Row = Record<string, unknown>;

/** Batches joined to as many rows as `most`, unless one alone has more. */
function* chunks(batches: Iterable<StepBatch>, most: number): Generator<StepBatch> {
  let chunk: StepBatch[] = [];
  let rows = 0;
  for (const batch of batches) {
    const last = chunk.at(-1);
    if (last && (!continues(last, batch) || rows + batch.count > most)) {
      yield joinBatches(chunk);
      chunk = [];
      rows = 0;
    }
    chunk.push(batch);
    rows += batch.count;
  }
  if (chunk.length > 0) yield joinBatches(chunk);
}

/** Rows of steps with all columns: those that came after the record was written are NaN. */
function allColumns(steps: Float64Array, count: number): Float64Array {
  const known = steps.length / count;
  if (!Number.isInteger(known) || known >= STEP_COLUMNS.length) return steps;
  const widened = new Float64Array(count * STEP_COLUMNS.length).fill(Number.NaN);
  for (let row = 0; row < count; row++) {
    widened.set(steps.subarray(row * known, (row + 1) * known), row * STEP_COLUMNS.length);
  }
  return widened;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function column(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("a column is missing");
}

function lastWords(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(-LAST_WORDS).trim();
  } catch {
    return "";
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
