/** Reads a run: one that is being written, one that has ended, or what is left of a damaged one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { BinSums, type BinsRequest, type TensorBins } from "../protocol/bins.ts";
import {
  type CurveBins,
  type CurveName,
  type CurveRequest,
  type CurveTotal,
  curveNames,
} from "../protocol/curves.ts";
import { type TensorHistograms, wordsOf } from "../protocol/histogram.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { RunRecord } from "../protocol/run.ts";
import {
  continues,
  joinBatches,
  STEP_COLUMNS,
  type StepBatch,
  type StepColumn,
  type StepCurves,
  sliceBatch,
  tensorValue,
} from "../protocol/steps.ts";
import { logRecord, metricRecord, runRecord, stepBatch } from "../protocol/validate.ts";
import { bufferOf, bytesIn, checksum } from "./blob.ts";
import { type Chunk, ChunkReader } from "./chunkReader.ts";
import { batchValues, curvesOf, joinCurves } from "./curves.ts";
import {
  FIRST_WITH_CHUNKS,
  FIRST_WITH_PYRAMIDS,
  OLDEST_VERSION,
  openDatabase,
  STORE_VERSION,
} from "./database.ts";
import { RUN_DATABASE, SIDECAR_LOG } from "./paths.ts";
import { isAlive, processIdentity } from "./process.ts";
import { noTotal, withValues } from "./total.ts";

/** Rows that a chunk of `steps` holds at most, unless one batch alone has more. */
const CHUNK_ROWS = 1024;

/** The same of `curves`, whose rows are short. */
const CURVE_ROWS = 65_536;

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
  /** Undefined for a run that was recorded before there were chunks. */
  readonly #chunks: ChunkReader | undefined;
  #damage: string | undefined;
  /** Readings that see the run as it was when the first of them began. */
  #snapshots = 0;

  /** Use `openRun`. Throws if the record, without which nothing makes sense, cannot be read. */
  constructor(folder: string, database: DatabaseSync) {
    this.folder = folder;
    this.#database = database;
    try {
      const { user_version: version } = this.#row("PRAGMA user_version");
      if (Number(version) < OLDEST_VERSION || Number(version) > STORE_VERSION) {
        throw new Error(`its format is version ${version}, this program reads ${STORE_VERSION}`);
      }
      this.#chunks =
        Number(version) >= FIRST_WITH_CHUNKS
          ? new ChunkReader(database, Number(version) >= FIRST_WITH_PYRAMIDS)
          : undefined;
      this.record();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Parts of it are read without all of it, however long it is. */
  get isByColumns(): boolean {
    return this.#chunks !== undefined;
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
    this.#damage = undefined;
    const rows = this.#rows(
      "SELECT level, text, time, step FROM log WHERE id <= ? ORDER BY id",
      limit,
    );
    return Array.from(rows, row => logRecord({ ...row }, "log"));
  }

  /** The first `limit` metrics that the script logged, in order. */
  metrics(limit = Number.MAX_SAFE_INTEGER): MetricRecord[] {
    this.#damage = undefined;
    const rows = this.#rows(
      "SELECT name, value, step, time FROM metric WHERE id <= ? ORDER BY id",
      limit,
    );
    return Array.from(rows, row =>
      metricRecord({ ...row, value: row.value ?? Number.NaN }, "metric"),
    );
  }

  /** The last value of each metric that the script logged, by its name. */
  lastMetrics(): Map<string, number> {
    this.#damage = undefined;
    const rows = this.#rows(
      "SELECT name, value FROM metric WHERE id IN (SELECT max(id) FROM metric GROUP BY name) ORDER BY id",
    );
    return new Map(
      Array.from(rows, ({ name, value }) => [String(name), Number(value ?? Number.NaN)]),
    );
  }

  /** Histograms of a tensor behind step `after`; none of a run that was recorded before there were any. */
  histograms(tensor: number, after: number): TensorHistograms {
    this.#damage = undefined;
    const [table] = this.#rows("SELECT 1 FROM sqlite_schema WHERE name = 'histogram'");
    const [steps, words]: [number[], Float32Array[]] = [[], []];
    if (table) {
      const rows = this.#rows("SELECT * FROM histogram WHERE step > ? ORDER BY step", after);
      for (const { step, words: bytes } of rows) {
        steps.push(Number(step));
        words.push(wordsOf(new Float32Array(bufferOf(bytes)), tensor));
      }
    }
    return { tensor, steps: Float64Array.from(steps), words: joined(words) };
  }

  /** The text of the script as it was when the run began. */
  source(): string {
    return String(this.#row("SELECT text FROM source").text);
  }

  /**
   * Steps `from` to `to`, both inclusive and counted from 1, as batches in order; those before the last
   * 20,000 of a long run without tensors. It ends before the first step that is missing or damaged;
   * `damage` then says why.
   */
  steps(from = 1, to = Number.MAX_SAFE_INTEGER): Generator<StepBatch> {
    return this.#snapshot(() => this.#steps(from, to));
  }

  *#steps(from: number, to: number): Generator<StepBatch> {
    const next = yield* this.#eachChunk(from, to, function* (chunk, chunks) {
      const batch = chunks.steps(chunk);
      const end = Math.min(chunk.count, to - chunk.firstStep + 1);
      for (let row = Math.max(0, from - chunk.firstStep); row < end; row += CHUNK_ROWS) {
        yield sliceBatch(batch, row, Math.min(end, row + CHUNK_ROWS));
      }
    });
    if (this.#damage === undefined) {
      yield* chunks(this.#batches("*", Math.max(from, next ?? from), to, next), CHUNK_ROWS);
    }
  }

  /**
   * Quantities over all parameters of the steps from `from` on, by columns; `rates`: and η. It ends as
   * `steps` does. Tensors, which are most of a run, are not read.
   */
  curves(
    names: readonly StepColumn[],
    { from = 1, to = Number.MAX_SAFE_INTEGER, rates = false } = {},
  ): Generator<StepCurves> {
    return this.#snapshot(() => joinCurves(this.#curves(names, from, to, rates), CURVE_ROWS));
  }

  *#curves(
    names: readonly StepColumn[],
    from: number,
    to: number,
    rates: boolean,
  ): Generator<StepCurves> {
    const next = yield* this.#eachChunk(from, to, function* (chunk, chunks) {
      const { firstStep, count, groups } = chunk;
      const [skip, end] = [Math.max(0, from - firstStep), Math.min(count, to - firstStep + 1)];
      const columns = names.map(name => [name, chunks.curve(chunk, name).subarray(skip, end)]);
      yield {
        firstStep: firstStep + skip,
        count: end - skip,
        columns: Object.fromEntries(columns),
        groups: rates ? groups : 0,
        lr: rates ? chunks.rates(chunk).subarray(skip * groups, end * groups) : new Float64Array(),
      };
    });
    if (this.#damage !== undefined) return;
    const batches = this.#openSteps(Math.max(from, next ?? from), to, next);
    for (const batch of chunks(batches, CURVE_ROWS)) yield curvesOf(batch, names, rates);
  }

  /** What is known of all steps of what is drawn over all parameters. */
  totals(): readonly CurveTotal[] {
    const known = new Map(this.#chunks?.totals()?.map(total => [total.name, total]));
    // Of the steps in chunks that is kept, unless the run is older.
    const { chunks, list } = this.#listChunks(1, Number.MAX_SAFE_INTEGER);
    const totals = new Map(
      curveNames(this.#groups(list)).map(name => [name, known.get(name) ?? noTotal(name)]),
    );
    const take = (name: CurveName, values: Float64Array, firstStep: number) => {
      totals.set(name, withValues(totals.get(name) ?? noTotal(name), values, firstStep));
    };
    const last = chunks && list.at(-1);
    const after = last && last.firstStep + last.count;
    if (known.size === 0 && after !== undefined) {
      for (const name of totals.keys()) {
        for (const { firstStep, values } of this.values(name, 1, after - 1)) {
          take(name, values, firstStep);
        }
      }
    }
    const open = () => this.#openSteps(after ?? 1, Number.MAX_SAFE_INTEGER, after);
    // Read once for all of them.
    for (const batch of this.#snapshot(open)) {
      for (const name of totals.keys()) take(name, batchValues(batch, name), batch.firstStep);
    }
    return [...totals.values()];
  }

  /** Parameter groups at most. */
  #groups(list: readonly Chunk[]): number {
    const [row] = this.#rows("SELECT max(groups) AS groups FROM batch");
    return Math.max(Number(row?.groups ?? 0), ...list.map(({ groups }) => groups));
  }

  /** The values of a quantity over all parameters from step `from` on, in pieces; those of damaged chunks are left out. */
  values(
    name: CurveName,
    from = 1,
    to = Number.MAX_SAFE_INTEGER,
  ): Generator<{ readonly firstStep: number; readonly values: Float64Array }> {
    return this.#snapshot(() => this.#values(name, from, to));
  }

  *#values(name: CurveName, from: number, to: number) {
    const next = yield* this.#eachSoundChunk(from, to, function* (chunk, chunks) {
      const { firstStep, count } = chunk;
      const [skip, end] = [Math.max(0, from - firstStep), Math.min(count, to - firstStep + 1)];
      yield { firstStep: firstStep + skip, values: chunks.values(chunk, name).subarray(skip, end) };
    });
    for (const batch of this.#openSteps(Math.max(from, next ?? from), to, next)) {
      yield { firstStep: batch.firstStep, values: batchValues(batch, name) };
    }
  }

  /** A quantity over all parameters in bins. Those of damaged chunks are empty. */
  curveBins(request: CurveRequest): Omit<CurveBins, "averages" | "biases"> {
    const { width, from, to } = request;
    const first = Math.floor(from / width);
    const count = Math.max(0, Math.floor(to / width) - first + 1);
    const begin = Math.max(1, first * width);
    const end = (first + count) * width - 1;
    if (width === 1) return this.#singleSteps(request, count);
    const sums = new BinSums(count, Float64Array);
    let last = 0;
    for (const step of this.#snapshot(() => this.#addCurveBins(request, sums, begin, end))) {
      last = step;
    }
    return { request, first, last, ...sums.finish() };
  }

  #singleSteps(request: CurveRequest, count: number): Omit<CurveBins, "averages" | "biases"> {
    const { name, from, to } = request;
    const mean = new Float64Array(count).fill(Number.NaN);
    let last = 0;
    for (const { firstStep, values } of this.values(name, from, to)) {
      mean.set(values, firstStep - from);
      last = firstStep + values.length - 1;
    }
    const none = new Float64Array();
    return { request, first: from, last, low: none, mean, high: none, info: new Uint32Array() };
  }

  /** Yields the last step of what was added. */
  *#addCurveBins(
    request: CurveRequest,
    sums: BinSums<Float64Array>,
    from: number,
    to: number,
  ): Generator<number> {
    const { name, width } = request;
    const first = Math.floor(request.from / width);
    const next = yield* this.#eachSoundChunk(from, to, function* (chunk, chunks) {
      chunks.addCurveBins(chunk, request, sums, first);
      yield Math.min(to, chunk.firstStep + chunk.count - 1);
    });
    for (const batch of this.#openSteps(Math.max(from, next ?? from), to, next)) {
      const values = batchValues(batch, name);
      for (const [row, value] of values.entries()) {
        sums.add(Math.floor((batch.firstStep + row) / width) - first, value);
      }
      yield batch.firstStep + batch.count - 1;
    }
  }

  /** Steps that have not filled a chunk, without tensors: the checksum, which is over all, is not looked at. */
  #openSteps(from: number, to: number, next: number | undefined): Generator<StepBatch> {
    const columns = "firstStep, count, groups, 0 AS tensorCount, steps, lr, x'' AS tensors";
    return this.#batches(columns, from, to, next);
  }

  /** What `read` yields of each chunk that has any of these steps and can be read. Returns the step after them. */
  *#eachSoundChunk<T>(
    from: number,
    to: number,
    read: (chunk: Chunk, chunks: ChunkReader) => Generator<T>,
  ): Generator<T, number | undefined> {
    this.#damage = undefined;
    const { chunks, list } = this.#listChunks(from, to);
    for (const chunk of chunks ? list : []) {
      try {
        if (chunks) yield* read(chunk, chunks);
      } catch (error) {
        this.#damage ??= `Damaged at step ${chunk.firstStep}: ${text(error)}`;
      }
    }
    const last = list.at(-1);
    return last && last.firstStep + last.count;
  }

  /** A quantity of tensors in bins. It knows what comes before the first step that is damaged. */
  bins(request: BinsRequest): TensorBins {
    const { tensors, width, from, to } = request;
    const first = Math.floor(from / width);
    const count = Math.max(0, Math.floor(to / width) - first + 1);
    const sums = new BinSums(tensors.length * count, Float32Array);
    let last = 0;
    const steps = this.#snapshot(() => this.#addBins(request, sums, first, count));
    for (const step of steps) last = step;
    return { request, first, count, last, ...sums.finish() };
  }

  /** Yields the last step of what was added. */
  *#addBins(request: BinsRequest, sums: BinSums, first: number, count: number): Generator<number> {
    const { column, tensors, width } = request;
    // All steps of the first bin and of the last.
    const [from, to] = [Math.max(1, first * width), (first + count) * width - 1];
    const next = yield* this.#eachChunk(from, to, function* (chunk, chunks) {
      chunks.addBins(chunk, request, sums, first, count);
      yield Math.min(to, chunk.firstStep + chunk.count - 1);
    });
    if (this.#damage !== undefined) return;
    for (const batch of this.#batches("*", Math.max(from, next ?? from), to, next)) {
      for (let row = 0; row < batch.count; row++) {
        const bin = Math.floor((batch.firstStep + row) / width) - first;
        for (const [i, tensor] of tensors.entries()) {
          if (tensor >= batch.tensorCount) continue;
          sums.add(i * count + bin, tensorValue(batch, row, tensor, column));
        }
      }
      yield batch.firstStep + batch.count - 1;
    }
  }

  /**
   * What `read` yields of each chunk that has any of these steps, up to the first that is damaged or
   * missing. Returns the step after them; undefined without any.
   */
  *#eachChunk<T>(
    from: number,
    to: number,
    read: (chunk: Chunk, chunks: ChunkReader) => Generator<T>,
  ): Generator<T, number | undefined> {
    this.#damage = undefined;
    let next: number | undefined;
    const { chunks, list } = this.#listChunks(from, to);
    for (const chunk of list) {
      try {
        if (next !== undefined && chunk.firstStep !== next)
          throw new Error(`step ${next} is missing`);
        if (chunks) yield* read(chunk, chunks);
        // Something else may have been read meanwhile.
        this.#damage = undefined;
      } catch (error) {
        this.#damage = `Damaged at step ${chunk.firstStep}: ${text(error)}`;
        return next;
      }
      next = chunk.firstStep + chunk.count;
    }
    return next;
  }

  #listChunks(from: number, to: number): { chunks?: ChunkReader; list: readonly Chunk[] } {
    const chunks = this.#chunks;
    if (!chunks) return { list: [] };
    try {
      return { chunks, list: chunks.chunks(from, to) };
    } catch (error) {
      this.#damage = `Damaged: ${text(error)}`;
      return { list: [] };
    }
  }

  /** What `read` returns, which sees the run at one moment, however often it reads. */
  atOnce<T>(read: () => T): T {
    const [result] = this.#snapshot(function* () {
      yield read();
    });
    return result as T;
  }

  /** The first step; undefined without any. */
  firstStep(): number | undefined {
    const first = this.#chunks?.first();
    const [row] = this.#rows("SELECT min(firstStep) AS step FROM batch");
    return first ?? (typeof row?.step === "number" ? row.step : undefined);
  }

  /** Reads in one transaction: the writer may move steps from batches to chunks meanwhile. */
  *#snapshot<T>(read: () => Generator<T>): Generator<T> {
    if (this.#snapshots++ === 0) this.#database.exec("BEGIN");
    try {
      yield* read();
    } finally {
      if (--this.#snapshots === 0) this.#endSnapshot();
    }
  }

  #endSnapshot(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has done so by itself, as it does when it finds a damaged page.
    }
  }

  /** `next`: the step with which they have to begin, where that is known. */
  *#batches(
    columns: string,
    from: number,
    to: number,
    next: number | undefined,
  ): Generator<StepBatch> {
    // Batches do not overlap: the one that holds `from` is the last that starts at or before it.
    const rows = this.#rows(
      `SELECT ${columns} FROM batch WHERE firstStep <= ? AND firstStep >=
         coalesce((SELECT max(firstStep) FROM batch WHERE firstStep <= ?), 0)
       ORDER BY firstStep`,
      to,
      from,
    );
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
      const columns = [bytesIn(steps), bytesIn(lr), bytesIn(tensors)];
      if (crc !== undefined && checksum(columns) !== crc) throw new Error("checksum differs");
      if (next !== undefined && firstStep !== next) throw new Error(`step ${next} is missing`);
      return stepBatch(
        {
          firstStep,
          count,
          groups,
          tensorCount,
          steps: allColumns(new Float64Array(bufferOf(steps)), Number(count)),
          lr: new Float64Array(bufferOf(lr)),
          tensors: new Float32Array(bufferOf(tensors)),
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
