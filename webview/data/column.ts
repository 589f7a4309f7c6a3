import type { Smoothing } from "../../runtime/protocol/curves.ts";
import { place } from "../../runtime/protocol/place.ts";
import type { ScaleKind } from "./scale.ts";

/** Rows whose extremes are kept together, so that a long range is cut in bins without reading it. */
export const BLOCK = 64;

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

export const NONE: Readonly<Extremes> = noExtremes();

/** Numbers by row, as charts read them. */
export interface Samples {
  readonly length: number;
  /** The number in a row; NaN where there is none. */
  at(row: number): number;
  /** Extremes of rows `from` to `to` (exclusive), written into `found`. */
  extremes(from: number, to: number, scale: ScaleKind, found: Extremes): void;
  /** Whether the numbers in rows `from` to `to` (exclusive) stay as they are for as long as this says so. */
  isSettled?(from: number, to: number): boolean;
  /**
   * Of what is fetched as it is drawn: rows `from` to `to` (exclusive) will be, in so many bins, with this
   * moving average, or the mean of each alone.
   */
  aim?(from: number, to: number, bins: number, smoothing?: Smoothing, only?: "mean"): void;
  /** Whether what was aimed at last is there; undefined of what is there in any case. */
  readonly isCurrent?: boolean;
  /** Asks for all rows of what is fetched, for what has to know each. Returns whether they are there. */
  whole?(): boolean;
  /** Of what is fetched as it is read: the exact number of a row will be. */
  look?(row: number): void;
}

/** Numbers by row of which also means are asked for. */
export interface Means extends Samples {
  /** The greatest number; ∞ where that is not known. */
  readonly greatest: number;
  /** The mean of the numbers in rows `from` to `to` (exclusive) that are not NaN; NaN if there is none. */
  mean(from: number, to: number): number;
  /** The same of many parts that follow each other: of part `i` it is written to `found[at + i]`. */
  means(starts: Int32Array, ends: Int32Array, found: Float64Array, at: number): void;
}

/** One column of numbers that grows at its end: a typed array that doubles. */
export class Column implements Means {
  private values: Float64Array | Float32Array;
  /** The first row that is kept: a multiple of the length of a block. */
  private begin = 0;
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
    this.reserve(this.used + 1);
    this.values[this.used - this.begin] = value;
    this.used += 1;
    this.note(this.used - 1);
  }

  /** Adds many numbers at once. */
  append(values: ArrayLike<number>): void {
    this.reserve(this.used + values.length);
    this.values.set(values, this.used - this.begin);
    const from = this.used;
    this.used += values.length;
    this.note(from);
  }

  /** The number in a row; NaN where there is none, or none any longer. */
  at(row: number): number {
    const { begin } = this;
    return row >= begin && row < this.used ? (this.values[row - begin] ?? Number.NaN) : Number.NaN;
  }

  isSettled(from: number, to: number): boolean {
    return from >= this.begin && to <= this.used;
  }

  /** The first row that is known. */
  get firstKept(): number {
    return this.begin;
  }

  /** Begins at a row, before any number was added. */
  startAt(row: number): void {
    this.begin = this.used = row - (row % BLOCK);
    this.append(new Float32Array(row % BLOCK).fill(Number.NaN));
    this.firstNonFinite = -1;
  }

  /** Forgets the rows before `row`, but for those of its block. */
  forget(row: number): void {
    const blocks = Math.floor((row - this.begin) / BLOCK);
    if (blocks <= 0) return;
    this.begin += blocks * BLOCK;
    this.values.copyWithin(0, blocks * BLOCK);
    const { leastRows, greatestRows, oddBlocks, sums, counts } = this;
    for (const array of [leastRows, greatestRows, oddBlocks, sums, counts]) {
      array.copyWithin(0, blocks);
      array.fill(0, array.length - blocks);
    }
    leastRows.fill(-1, leastRows.length - blocks);
    greatestRows.fill(-1, greatestRows.length - blocks);
  }

  /** Reads the extremes of whole blocks, and the rows before, after and between. */
  extremes(from: number, to: number, scale: ScaleKind, found: Extremes): void {
    Object.assign(found, NONE);
    const end = Math.min(to, this.used);
    let row = Math.max(this.begin, from);
    while (row < end) {
      const block = (row - this.begin) / BLOCK;
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
    let row = Math.max(this.begin, from);
    const { values, begin } = this;
    while (row < end) {
      const border = row - (row % BLOCK) + BLOCK;
      if (row % BLOCK === 0 && border <= end) {
        const block = (row - begin) / BLOCK;
        sum += this.sums[block] ?? 0;
        count += this.counts[block] ?? 0;
        row = border;
        continue;
      }
      for (const stop = Math.min(border, end); row < stop; row++) {
        const value = values[row - begin] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        sum += value;
        count += 1;
      }
    }
    return sum / count;
  }

  means(starts: Int32Array, ends: Int32Array, found: Float64Array, at: number): void {
    for (let i = 0; i < starts.length; i++) {
      found[at + i] = this.mean(starts[i] ?? 0, ends[i] ?? 0);
    }
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

  /** Notes the numbers from a row on in their blocks. */
  private note(from: number): void {
    for (let row = from; row < this.used; ) {
      const end = Math.min(this.used, row - (row % BLOCK) + BLOCK);
      this.noteBlock(Math.floor((row - this.begin) / BLOCK), row, end);
      row = end;
    }
  }

  private noteBlock(block: number, from: number, to: number): void {
    const { values, begin } = this;
    let leastRow = this.leastRows[block] ?? -1;
    let greatestRow = this.greatestRows[block] ?? -1;
    let least = leastRow < 0 ? Number.POSITIVE_INFINITY : (values[leastRow - begin] ?? 0);
    let greatest = greatestRow < 0 ? Number.NEGATIVE_INFINITY : (values[greatestRow - begin] ?? 0);
    let sum = 0;
    let odd = 0;
    for (let row = from; row < to; row++) {
      const value = values[row - begin] ?? 0;
      // A difference of two finite numbers is a number, of others NaN.
      if (value - value !== 0) {
        this.noteOdd(row, block, value);
        odd += 1;
        continue;
      }
      sum += value;
      if (value < least) {
        least = value;
        leastRow = row;
      }
      if (value > greatest) {
        greatest = value;
        greatestRow = row;
      }
    }
    this.sums[block] = (this.sums[block] ?? 0) + sum;
    this.counts[block] = (this.counts[block] ?? 0) + to - from - odd;
    this.leastRows[block] = leastRow;
    this.greatestRows[block] = greatestRow;
    if (least < this.least) this.least = least;
    if (greatest > this.greatest) this.greatest = greatest;
  }

  /** Notes a number that is not finite. */
  private noteOdd(row: number, block: number, value: number): void {
    this.oddBlocks[block] = 1;
    if (this.firstNonFinite < 0) this.firstNonFinite = row;
    if (Number.isNaN(value)) return;
    this.sums[block] = (this.sums[block] ?? 0) + value;
    this.counts[block] = (this.counts[block] ?? 0) + 1;
    this.least = Math.min(this.least, value);
    this.greatest = Math.max(this.greatest, value);
  }

  /** Makes room for the rows up to `end`. */
  private reserve(end: number): void {
    const length = end - this.begin;
    if (length <= this.values.length) return;
    const room = Math.max(length, this.values.length * 2);
    const grown =
      this.values instanceof Float32Array ? new Float32Array(room) : new Float64Array(room);
    grown.set(this.values);
    this.values = grown;
    this.growBlocks(Math.ceil(room / BLOCK));
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
export function take(found: Extremes, row: number, value: number): void {
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
