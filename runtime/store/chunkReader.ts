/** Reads the steps of a run that are kept by columns (chunk.ts). */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BinNumbers, BinSums, Bins, BinsRequest } from "../protocol/bins.ts";
import {
  type CurveName,
  type CurveRequest,
  type CurveTotal,
  curveValues,
  groupOf,
} from "../protocol/curves.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepColumn,
  TENSOR_COLUMNS,
  type TensorColumn,
} from "../protocol/steps.ts";
import { bufferOf, checksum } from "./blob.ts";
import { BlobCache, type ColumnBlob } from "./blobCache.ts";
import { binsOf, every, keptWidth, RATES } from "./chunk.ts";

/** Steps that are kept together, with the same groups and tensors. */
export interface Chunk {
  readonly firstStep: number;
  readonly count: number;
  readonly groups: number;
  readonly tensorCount: number;
}

/** Every method throws if what it reads is missing or damaged. */
export class ChunkReader {
  readonly #chunks: StatementSync;
  readonly #first: StatementSync;
  readonly #curve: StatementSync;
  readonly #level: StatementSync;
  /** Undefined for a run that was recorded before there were pyramids. */
  readonly #pyramid: StatementSync | undefined;
  readonly #totals: StatementSync | undefined;
  readonly #blobs = new BlobCache();

  constructor(database: DatabaseSync, hasPyramids: boolean) {
    this.#chunks = database.prepare(
      "SELECT * FROM chunk WHERE firstStep <= ? AND firstStep + count > ? ORDER BY firstStep",
    );
    this.#first = database.prepare("SELECT min(firstStep) AS step FROM chunk");
    this.#curve = database.prepare("SELECT data, crc FROM curve WHERE name = ? AND firstStep = ?");
    // The widest that is no wider than asked for, else the narrowest.
    this.#level = database.prepare(`
      SELECT width, data, crc FROM tensor WHERE name = ? AND firstStep = ?
      AND width = coalesce(
        (SELECT max(width) FROM tensor WHERE name = ?1 AND firstStep = ?2 AND width <= ?3),
        (SELECT min(width) FROM tensor WHERE name = ?1 AND firstStep = ?2))`);
    if (!hasPyramids) return;
    this.#pyramid = database.prepare(`
      SELECT width, data, crc FROM pyramid WHERE name = ? AND firstStep = ? AND width <= ?
      ORDER BY width DESC LIMIT 1`);
    this.#totals = database.prepare("SELECT * FROM total");
  }

  /** The chunks that have any of the steps `from` to `to`, both inclusive. */
  chunks(from: number, to: number): readonly Chunk[] {
    return this.#chunks.all(to, from).map(row => ({
      firstStep: Number(row.firstStep),
      count: Number(row.count),
      groups: Number(row.groups),
      tensorCount: Number(row.tensorCount),
    }));
  }

  /** The first step; undefined without any chunk. */
  first(): number | undefined {
    const step = this.#first.get()?.step;
    return typeof step === "number" ? step : undefined;
  }

  /** A quantity over all parameters; of a name that the run does not have, NaN. */
  curve(chunk: Chunk, name: string): Float64Array {
    const blob = this.#curveBlob(chunk, name);
    return blob ? new Float64Array(blob.data) : new Float64Array(chunk.count).fill(Number.NaN);
  }

  /** η of all groups, row-major. */
  rates(chunk: Chunk): Float64Array {
    return new Float64Array(present(this.#curveBlob(chunk, RATES)).data);
  }

  #curveBlob({ firstStep }: Chunk, name: string): ColumnBlob | undefined {
    return this.#blobs.get(`curve ${name} ${firstStep}`, () =>
      wholeBlob(this.#curve.get(name, firstStep)),
    );
  }

  /** The values of a quantity; NaN of a group that a chunk does not have. */
  values(chunk: Chunk, name: CurveName): Float64Array {
    const { count, groups } = chunk;
    const group = groupOf(name);
    if (group === undefined) {
      return curveValues(name as StepColumn, count, column => this.curve(chunk, column));
    }
    return group < groups
      ? every(this.rates(chunk), groups, group)
      : new Float64Array(count).fill(Number.NaN);
  }

  /** What is known of the steps of all chunks together; undefined where that is not kept. */
  totals(): readonly CurveTotal[] | undefined {
    return this.#totals?.all().map(row => ({
      name: String(row.name) as CurveName,
      least: Number(row.least),
      greatest: Number(row.greatest),
      firstOdd: Number(row.firstOdd),
    }));
  }

  /** Adds the bins of a chunk to those of a quantity that are asked for, the first of which is number `first`. */
  addCurveBins(
    chunk: Chunk,
    { name, width }: CurveRequest,
    sums: BinSums<Float64Array>,
    first: number,
  ): void {
    const { firstStep, count } = chunk;
    const level = keptWidth(width);
    const blob = this.#blobs.get(`pyramid ${name} ${firstStep} ${level}`, () =>
      wholeBlob(this.#pyramid?.get(name, firstStep, level)),
    );
    const last = first + sums.info.length;
    if (blob) {
      const kept = blob.width;
      const begin = Math.floor(firstStep / kept);
      const length = binsOf(firstStep, count, kept);
      const bins = planes(blob.data, length, Float64Array);
      for (let bin = 0; bin < length; bin++) {
        const target = Math.floor(((begin + bin) * kept) / width);
        if (target >= first && target < last) sums.merge(target - first, bins, bin);
      }
      return;
    }
    const values = this.values(chunk, name);
    const end = Math.min(count, last * width - firstStep);
    for (let i = Math.max(0, first * width - firstStep); i < end; i++) {
      sums.add(Math.floor((firstStep + i) / width) - first, values[i] ?? Number.NaN);
    }
  }

  /** All that is known of the steps of a chunk. Without values of single steps it has no tensors. */
  steps(chunk: Chunk): StepBatch {
    const { firstStep, count, groups } = chunk;
    const steps = new Float64Array(count * STEP_COLUMNS.length);
    for (const [column, name] of STEP_COLUMNS.entries()) {
      const values = this.curve(chunk, name);
      for (let row = 0; row < count; row++) {
        steps[row * STEP_COLUMNS.length + column] = values[row] ?? Number.NaN;
      }
    }
    const tensors = this.#tensors(chunk);
    const tensorCount = tensors ? chunk.tensorCount : 0;
    const lr = this.rates(chunk);
    return {
      firstStep,
      count,
      groups,
      tensorCount,
      steps,
      lr,
      tensors: tensors ?? new Float32Array(),
    };
  }

  /**
   * Adds the bins of a chunk to those that are asked for, the first of which is number `first`, and of
   * which each tensor has `bins`. Where none as narrow is kept, all get those in which they lie.
   */
  addBins(chunk: Chunk, request: BinsRequest, sums: BinSums, first: number, bins: number): void {
    const { firstStep, count, tensorCount } = chunk;
    if (tensorCount === 0) return;
    const { column, width } = request;
    const { width: kept, data } = this.#levelBlob(column, firstStep, keptWidth(width));
    if (kept === 1) {
      addExact(new Float32Array(data), chunk, request, sums, first, bins);
      return;
    }
    const length = binsOf(firstStep, count, kept);
    const level = planes(data, tensorCount * length, Float32Array);
    const begin = Math.floor(firstStep / kept);
    const wider = Math.max(1, kept / width);
    const from = Math.max(0, Math.floor(firstStep / width) - first);
    const to = Math.min(bins, Math.floor((firstStep + count - 1) / width) - first + 1);
    for (const [i, tensor] of request.tensors.entries()) {
      if (tensor >= tensorCount) continue;
      for (let bin = 0; bin < length; bin++) {
        const target = Math.floor(((begin + bin) * kept) / width) - first;
        for (let at = Math.max(from, target); at < Math.min(to, target + wider); at++) {
          sums.merge(i * bins + at, level, tensor * length + bin);
        }
      }
    }
  }

  #levelBlob(column: TensorColumn, firstStep: number, level: number): ColumnBlob {
    const blob = this.#blobs.get(`tensor ${column} ${firstStep} ${level}`, () =>
      wholeBlob(this.#level.get(column, firstStep, level)),
    );
    return present(blob);
  }

  /** Values of all tensors at every step, row-major; undefined where they are not kept. */
  #tensors({ firstStep, count, tensorCount }: Chunk): Float32Array | undefined {
    const tensors = new Float32Array(count * tensorCount * TENSOR_COLUMNS.length);
    if (tensorCount === 0) return tensors;
    for (const [column, name] of TENSOR_COLUMNS.entries()) {
      const { width, data } = this.#levelBlob(name, firstStep, 1);
      if (width !== 1) return undefined;
      const values = new Float32Array(data);
      for (let tensor = 0, from = 0; tensor < tensorCount; tensor++) {
        let at = tensor * TENSOR_COLUMNS.length + column;
        for (
          let step = 0;
          step < count;
          step++, from++, at += tensorCount * TENSOR_COLUMNS.length
        ) {
          tensors[at] = values[from] ?? Number.NaN;
        }
      }
    }
    return tensors;
  }
}

function addExact(
  values: Float32Array,
  { firstStep, count, tensorCount }: Chunk,
  { tensors, width }: BinsRequest,
  sums: BinSums,
  first: number,
  bins: number,
): void {
  const from = Math.max(0, first * width - firstStep);
  const to = Math.min(count, (first + bins) * width - firstStep);
  for (const [i, tensor] of tensors.entries()) {
    if (tensor >= tensorCount) continue;
    for (let row = from; row < to; row++) {
      const bin = Math.floor((firstStep + row) / width) - first;
      sums.add(i * bins + bin, values[tensor * count + row] ?? Number.NaN);
    }
  }
}

function present(blob: ColumnBlob | undefined): ColumnBlob {
  if (!blob) throw new Error("a column is missing");
  return blob;
}

/** The column of a row; undefined without a row. */
function wholeBlob(row: Record<string, unknown> | undefined): ColumnBlob | undefined {
  if (!row) return undefined;
  const data = bufferOf(row.data);
  if (checksum([new Uint8Array(data)]) !== row.crc) throw new Error("checksum differs");
  // Values of single steps over all parameters have no width of their own.
  return { width: Number(row.width ?? 1), data };
}

interface NumberArray<Numbers extends BinNumbers> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Numbers;
}

function planes<Numbers extends BinNumbers>(
  buffer: ArrayBuffer,
  length: number,
  numbers: NumberArray<Numbers>,
): Bins<Numbers> {
  const size = numbers.BYTES_PER_ELEMENT * length;
  const plane = (i: number) => new numbers(buffer, i * size, length);
  const info = new Uint32Array(buffer, 3 * size, length);
  return { low: plane(0), mean: plane(1), high: plane(2), info };
}
