/** Reads the steps of a run that are kept by columns (chunk.ts). */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BinSums, Bins, BinsRequest } from "../protocol/bins.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../protocol/steps.ts";
import { bufferOf, checksum } from "./blob.ts";
import { binsOf, RATES } from "./chunk.ts";

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
  readonly #curve: StatementSync;
  readonly #level: StatementSync;

  constructor(database: DatabaseSync) {
    this.#chunks = database.prepare(
      "SELECT * FROM chunk WHERE firstStep <= ? AND firstStep + count > ? ORDER BY firstStep",
    );
    this.#curve = database.prepare("SELECT data, crc FROM curve WHERE name = ? AND firstStep = ?");
    // The widest that is no wider than asked for, else the narrowest.
    this.#level = database.prepare(`
      SELECT width, data, crc FROM tensor WHERE name = ? AND firstStep = ?
      AND width = coalesce(
        (SELECT max(width) FROM tensor WHERE name = ?1 AND firstStep = ?2 AND width <= ?3),
        (SELECT min(width) FROM tensor WHERE name = ?1 AND firstStep = ?2))`);
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

  /** A quantity over all parameters; of a name that the run does not have, NaN. */
  curve({ firstStep, count }: Chunk, name: string): Float64Array {
    const row = this.#curve.get(name, firstStep);
    return row ? new Float64Array(whole(row)) : new Float64Array(count).fill(Number.NaN);
  }

  /** η of all groups, row-major. */
  rates({ firstStep }: Chunk): Float64Array {
    return new Float64Array(whole(this.#curve.get(RATES, firstStep)));
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
    const row = this.#level.get(column, firstStep, width);
    const kept = Number(row?.width);
    const buffer = whole(row);
    if (kept === 1) {
      addExact(new Float32Array(buffer), chunk, request, sums, first, bins);
      return;
    }
    const length = binsOf(firstStep, count, kept);
    const level = planes(buffer, tensorCount * length);
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

  /** Values of all tensors at every step, row-major; undefined where they are not kept. */
  #tensors({ firstStep, count, tensorCount }: Chunk): Float32Array | undefined {
    const tensors = new Float32Array(count * tensorCount * TENSOR_COLUMNS.length);
    if (tensorCount === 0) return tensors;
    for (const [column, name] of TENSOR_COLUMNS.entries()) {
      const row = this.#level.get(name, firstStep, 1);
      if (Number(row?.width) !== 1) return undefined;
      const values = new Float32Array(whole(row));
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

/** The bytes of a row's column. */
function whole(row: Record<string, unknown> | undefined): ArrayBuffer {
  const buffer = bufferOf(row?.data);
  if (checksum([new Uint8Array(buffer)]) !== row?.crc) throw new Error("checksum differs");
  return buffer;
}

function planes(buffer: ArrayBuffer, length: number): Bins {
  const plane = (i: number) => new Float32Array(buffer, 4 * i * length, length);
  const info = new Uint32Array(buffer, 12 * length, length);
  return { low: plane(0), mean: plane(1), high: plane(2), info };
}
