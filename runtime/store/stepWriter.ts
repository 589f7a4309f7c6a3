/** Writes the steps of a run: as they come, and by columns as soon as they fill a chunk. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Bins } from "../protocol/bins.ts";
import type { CurveTotal } from "../protocol/curves.ts";
import { continues, type StepBatch, sliceBatch, TENSOR_COLUMNS } from "../protocol/steps.ts";
import { bytesOf, checksum } from "./blob.ts";
import {
  binWidths,
  type CurveColumn,
  chunkSteps,
  curveColumns,
  curveLevels,
  EXACT_STEPS,
  NARROWEST_KEPT,
  quantitiesOf,
  type TensorLevel,
  tensorLevels,
} from "./chunk.ts";
import { noTotal, withValues } from "./total.ts";

/** What is known of the steps that are in the file. */
interface Progress {
  /** Those that do not fill a chunk yet. */
  readonly open: readonly StepBatch[];
  /** Steps of the chunk that they will fill: a power of two. */
  readonly size: number;
  /** The step that comes next; undefined before the first. */
  readonly next: number | undefined;
  /** Of all steps that have filled a chunk, by name. */
  readonly totals: ReadonlyMap<string, CurveTotal>;
}

/** Adds steps within the transactions of the run's writer. */
export class StepWriter {
  readonly #insertBatch: StatementSync;
  readonly #deleteBatches: StatementSync;
  readonly #insertChunk: StatementSync;
  readonly #insertCurve: StatementSync;
  readonly #insertPyramid: StatementSync;
  readonly #replaceTotal: StatementSync;
  readonly #insertTensor: StatementSync;
  readonly #lastInexact: StatementSync;
  readonly #deleteTensor: StatementSync;
  #kept: Progress = {
    open: [],
    size: Number.POSITIVE_INFINITY,
    next: undefined,
    totals: new Map(),
  };
  /** The same with what this transaction has added. */
  #now = this.#kept;

  constructor(database: DatabaseSync) {
    this.#insertBatch = database.prepare("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#deleteBatches = database.prepare("DELETE FROM batch WHERE firstStep < ?");
    this.#insertChunk = database.prepare("INSERT INTO chunk VALUES (?, ?, ?, ?)");
    this.#insertCurve = database.prepare("INSERT INTO curve VALUES (?, ?, ?, ?)");
    this.#insertPyramid = database.prepare("INSERT INTO pyramid VALUES (?, ?, ?, ?, ?)");
    this.#replaceTotal = database.prepare("REPLACE INTO total VALUES (?, ?, ?, ?)");
    this.#insertTensor = database.prepare("INSERT INTO tensor VALUES (?, ?, ?, ?, ?)");
    this.#lastInexact = database.prepare(
      "SELECT max(firstStep) AS step FROM chunk WHERE firstStep + count <= ?",
    );
    this.#deleteTensor = database.prepare(
      "DELETE FROM tensor WHERE name = ? AND width = ? AND firstStep <= ?",
    );
  }

  /** Adds a batch. Throws a RangeError unless it begins after the last step. */
  add(batch: StepBatch): void {
    const { next } = this.#now;
    if (next !== undefined && batch.firstStep !== next) {
      throw new RangeError(`step ${batch.firstStep} came where step ${next} was expected`);
    }
    for (let row = 0; row < batch.count; ) {
      const { open } = this.#now;
      const first = batch.firstStep + row;
      const size =
        open.length > 0 ? this.#now.size : Math.min(this.#now.size, chunkSteps(batch.tensorCount));
      const border = (Math.floor(first / size) + 1) * size;
      const end = Math.min(batch.count, border - batch.firstStep);
      const part = sliceBatch(batch, row, end);
      this.#insert(part);
      this.#now = { ...this.#now, open: [...open, part], size, next: first + part.count };
      if (this.#now.next === border) this.#fillChunk();
      row = end;
    }
  }

  /** The transaction is in the file. */
  committed(): void {
    this.#kept = this.#now;
  }

  /** The transaction is not. */
  undone(): void {
    this.#now = this.#kept;
  }

  #insert(batch: StepBatch): void {
    const columns = [bytesOf(batch.steps), bytesOf(batch.lr), bytesOf(batch.tensors)] as const;
    const { firstStep, count, groups, tensorCount } = batch;
    const crc = checksum(columns);
    this.#insertBatch.run(firstStep, count, groups, tensorCount, ...columns, crc);
  }

  /** Writes the open steps by columns, in a chunk each for those that have the same. */
  #fillChunk(): void {
    const { open, size, next = 0 } = this.#now;
    for (let from = 0; from < open.length; ) {
      const other = open.findIndex((batch, i) => {
        const before = open[i - 1];
        return i > from && before && !continues(before, batch);
      });
      const end = other < 0 ? open.length : other;
      this.#writeChunk(open.slice(from, end), size);
      from = end;
    }
    this.#deleteBatches.run(next);
    this.#forget(next - EXACT_STEPS, size);
    this.#now = { ...this.#now, open: [] };
  }

  #writeChunk(batches: readonly StepBatch[], size: number): void {
    const [first] = batches;
    if (!first) return;
    const { firstStep, groups, tensorCount } = first;
    const count = batches.reduce((sum, batch) => sum + batch.count, 0);
    this.#insertChunk.run(firstStep, count, groups, tensorCount);
    const columns = [...curveColumns(batches)];
    for (const { name, values } of columns) {
      const bytes = bytesOf(values);
      this.#insertCurve.run(name, firstStep, bytes, checksum([bytes]));
    }
    this.#writePyramids(columns, first, size);
    for (const level of tensorLevels(batches, size)) {
      const bytes = levelBytes(level);
      this.#insertTensor.run(level.name, level.width, firstStep, bytes, checksum([bytes]));
    }
  }

  /** Writes the bins of what is known of all parameters, and what is known of all steps together. */
  #writePyramids(
    columns: readonly CurveColumn[],
    { firstStep, groups }: StepBatch,
    size: number,
  ): void {
    const totals = new Map(this.#now.totals);
    for (const { name, values } of quantitiesOf(columns, groups)) {
      for (const { width, bins } of curveLevels(values, firstStep, size)) {
        const bytes = binBytes(bins);
        this.#insertPyramid.run(name, width, firstStep, bytes, checksum([bytes]));
      }
      const total = withValues(totals.get(name) ?? noTotal(name), values, firstStep);
      totals.set(name, total);
      this.#replaceTotal.run(name, total.least, total.greatest, total.firstOdd);
    }
    this.#now = { ...this.#now, totals };
  }

  /** Drops what is known of tensors at single steps before `step`, and in bins as narrow. */
  #forget(step: number, size: number): void {
    const last = this.#lastInexact.get(step)?.step;
    if (typeof last !== "number") return;
    const narrow = [1, ...binWidths(size)].filter(width => width < NARROWEST_KEPT);
    for (const name of TENSOR_COLUMNS) {
      for (const width of narrow) this.#deleteTensor.run(name, width, last);
    }
  }
}

function levelBytes({ values }: TensorLevel): Uint8Array {
  return values instanceof Float32Array ? bytesOf(values) : binBytes(values);
}

/** One blob of bins: first all that is least, then the means, the greatest, and what there was. */
function binBytes({ low, mean, high, info }: Bins): Uint8Array {
  const planes = [low, mean, high, info].map(bytesOf);
  const bytes = new Uint8Array(planes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const plane of planes) {
    bytes.set(plane, at);
    at += plane.length;
  }
  return bytes;
}
