import { place, type ScaleKind } from "./scale.ts";

/** Rows whose extremes are kept together, so that a long range is cut in bins without reading it. */
const BLOCK = 64;

/** What is drawn of some rows that follow each other. A row is −1, and its value NaN, where none is. */
export interface Extremes {
  /** Row of the least and of the greatest value that can be drawn, and of the first and the last. */
  minRow: number;
  maxRow: number;
  firstRow: number;
  lastRow: number;
  min: number;
  max: number;
  first: number;
  last: number;
  /** First row whose value has no place in the plot but at its edge. */
  topRow: number;
  bottomRow: number;
}

export function noExtremes(): Extremes {
  const rows = { minRow: -1, maxRow: -1, firstRow: -1, lastRow: -1, topRow: -1, bottomRow: -1 };
  return { ...rows, min: Number.NaN, max: Number.NaN, first: Number.NaN, last: Number.NaN };
}

const NONE: Readonly<Extremes> = noExtremes();

/** Numbers by row, as charts read them. */
export interface Samples {
  readonly length: number;
  /** The number in a row; NaN where there is none. */
  at(row: number): number;
  /** Extremes of rows `from` to `to` (exclusive), written into `found`. */
  extremes(from: number, to: number, scale: ScaleKind, found: Extremes): void;
}

/** One column of numbers that grows at its end: a typed array that doubles. */
export class Column implements Samples {
  private values: Float64Array | Float32Array;
  private used = 0;
  /** Of each block: rows of its least and greatest finite number, −1 while there is none. */
  private leastRows = new Int32Array(16).fill(-1);
  private greatestRows = new Int32Array(16).fill(-1);
  /** 1 for a block with a number that is not finite. */
  private oddBlocks = new Uint8Array(16);
  /** Sum and count of each block's numbers that are not NaN. */
  private sums = new Float64Array(16);
  private counts = new Uint8Array(16);
  /** The least number of the column, and the greatest; ∞ and −∞ while there is none. */
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;
  /** First row whose number is NaN or infinite; −1 while there is none. */
  firstNonFinite = -1;

  /** `precision`: bits of a number; 32 for what was measured in float32, 64 else. */
  constructor(precision: 32 | 64) {
    this.values = precision === 32 ? new Float32Array(256) : new Float64Array(256);
  }

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    if (this.used === this.values.length) this.grow();
    const row = this.used;
    this.values[row] = value;
    this.used += 1;
    if (value < this.least) this.least = value;
    if (value > this.greatest) this.greatest = value;
    this.note(row, this.at(row));
  }

  at(row: number): number {
    return row >= 0 && row < this.used ? (this.values[row] ?? Number.NaN) : Number.NaN;
  }

  /** Reads the extremes of whole blocks, and the rows before, after and between. */
  extremes(from: number, to: number, scale: ScaleKind, found: Extremes): void {
    Object.assign(found, NONE);
    const end = Math.min(to, this.used);
    let row = Math.max(0, from);
    while (row < end) {
      const block = row / BLOCK;
      if (Number.isInteger(block) && row + BLOCK <= end && this.isWhole(block, scale)) {
        const least = this.leastRows[block] ?? row;
        const greatest = this.greatestRows[block] ?? row;
        take(found, row, this.at(row));
        take(found, Math.min(least, greatest), this.at(Math.min(least, greatest)));
        take(found, Math.max(least, greatest), this.at(Math.max(least, greatest)));
        row += BLOCK;
        take(found, row - 1, this.at(row - 1));
      } else {
        this.takeRow(found, row, scale);
        row += 1;
      }
    }
  }

  /** The mean of the numbers in rows `from` to `to` (exclusive) that are not NaN; NaN if there is none. */
  mean(from: number, to: number): number {
    let [sum, count] = [0, 0];
    const end = Math.min(to, this.used);
    let row = Math.max(0, from);
    while (row < end) {
      if (row % BLOCK === 0 && row + BLOCK <= end) {
        sum += this.sums[row / BLOCK] ?? 0;
        count += this.counts[row / BLOCK] ?? 0;
        row += BLOCK;
        continue;
      }
      const value = this.values[row] ?? Number.NaN;
      row += 1;
      if (Number.isNaN(value)) continue;
      sum += value;
      count += 1;
    }
    return sum / count;
  }

  private takeRow(found: Extremes, row: number, scale: ScaleKind): void {
    const value = this.at(row);
    const where = place(value, scale);
    if (where === "inside") take(found, row, value);
    else if (where === "top" && found.topRow < 0) found.topRow = row;
    else if (where === "bottom" && found.bottomRow < 0) found.bottomRow = row;
  }

  /** True if all numbers of a block can be drawn. */
  private isWhole(block: number, scale: ScaleKind): boolean {
    if (this.oddBlocks[block] === 1) return false;
    return scale === "linear" || this.at(this.leastRows[block] ?? -1) > 0;
  }

  private note(row: number, value: number): void {
    const block = Math.floor(row / BLOCK);
    if (!Number.isNaN(value)) {
      this.sums[block] = (this.sums[block] ?? 0) + value;
      this.counts[block] = (this.counts[block] ?? 0) + 1;
    }
    if (!Number.isFinite(value)) {
      this.oddBlocks[block] = 1;
      if (this.firstNonFinite < 0) this.firstNonFinite = row;
      return;
    }
    const least = this.leastRows[block] ?? -1;
    const greatest = this.greatestRows[block] ?? -1;
    if (least < 0 || value < this.at(least)) this.leastRows[block] = row;
    if (greatest < 0 || value > this.at(greatest)) this.greatestRows[block] = row;
  }

  private grow(): void {
    const length = this.used * 2;
    const grown =
      this.values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
    grown.set(this.values);
    this.values = grown;
    this.growBlocks(Math.ceil(length / BLOCK));
  }

  private growBlocks(blocks: number): void {
    if (blocks <= this.oddBlocks.length) return;
    const { leastRows, greatestRows, oddBlocks, sums, counts } = this;
    this.leastRows = new Int32Array(blocks).fill(-1);
    this.greatestRows = new Int32Array(blocks).fill(-1);
    this.oddBlocks = new Uint8Array(blocks);
    this.sums = new Float64Array(blocks);
    this.counts = new Uint8Array(blocks);
    this.sums.set(sums);
    this.counts.set(counts);
    this.leastRows.set(leastRows);
    this.greatestRows.set(greatestRows);
    this.oddBlocks.set(oddBlocks);
  }
}

/** Takes a value that can be drawn; rows come in order, and of equal values the first counts. */
function take(found: Extremes, row: number, value: number): void {
  if (found.firstRow < 0) {
    found.firstRow = row;
    found.first = value;
  }
  if (!(value >= found.min)) {
    found.min = value;
    found.minRow = row;
  }
  if (!(value <= found.max)) {
    found.max = value;
    found.maxRow = row;
  }
  found.lastRow = row;
  found.last = value;
}
