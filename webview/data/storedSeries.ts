import {
  type Bins,
  type BinsRequest,
  finiteCount,
  HAS_NAN,
  HAS_NEGATIVE_INFINITY,
  HAS_POSITIVE_INFINITY,
  has,
} from "../../runtime/protocol/bins.ts";
import type { CurveTotal, Smoothing } from "../../runtime/protocol/curves.ts";
import { averageOf, type EmaState } from "../../runtime/protocol/ema.ts";
import { place } from "../../runtime/protocol/place.ts";
import { Column, type Extremes, type Means, NONE, noExtremes, take } from "./column.ts";
import type { ScaleKind } from "./scale.ts";

/** Bins that are asked for reach to multiples of so many: the next ones are often among them. */
const ASKED_TOGETHER = 64;

/** How much narrower bins are that are asked for ahead: a turn of the wheel zooms by less than four. */
const AHEAD = [2, 4];

/** Widths of which bins are kept: those of several charts, and of the zoom before. */
const MOST_KEPT = 6;

/** Pieces of single steps that are kept because somebody has read one of them. */
const MOST_READ = 64;

/** Steps that are asked for at once of a series that is wanted in whole. */
const PIECE = 2 ** 20;

export type BinRange = Pick<BinsRequest, "width" | "from" | "to" | "only"> & {
  readonly smoothing?: Smoothing;
};

/** Some of a series' bins, as they have come. */
export interface LoadedBins extends Bins {
  readonly width: number;
  /** Number of the first. */
  readonly first: number;
  /** The last step that the store had. */
  readonly last: number;
  /** Of each bin the mean alone is known. */
  readonly isMeans?: boolean;
  /** The moving average of all steps behind each bin, where it was asked for. */
  readonly smoothing?: Smoothing;
  readonly averages?: Float64Array;
  readonly biases?: Float64Array;
}

/** Where the rows of a run are in its store, and how they are asked for. */
export interface BinSource {
  /** Step of row 0. */
  readonly first: number;
  /** Rows of the run. */
  readonly length: number;
  /** The last step of which the store has this quantity, and the page need not. */
  readonly storedTo: number;
  /** What is known of all stored steps; undefined of tensors. */
  readonly total: CurveTotal | undefined;
  ask(range: BinRange): void;
}

/**
 * A quantity of a run: the latest steps exactly, what comes before them in bins out of the run store, as
 * narrow as they are drawn. Until these have come, those that were drawn before stand for them.
 */
export class StoredSeries implements Means {
  private exact: Column;
  private readonly precision: 32 | 64;
  private readonly source: BinSource;
  /** The first row that is known exactly. */
  private begin = Number.POSITIVE_INFINITY;
  /** The first row that will be: those before are about to be forgotten. */
  private leaving = 0;
  /** Those that are drawn, then those that were before. */
  private loaded: LoadedBins[] = [];
  /** Single steps that were read. */
  private read: LoadedBins[] = [];
  /** What has come of a series that is wanted in whole. */
  private pieces: Map<number, LoadedBins> | undefined;
  /** What was aimed at last has come. */
  isCurrent = true;
  /** Width of the bins that are drawn. */
  private width = 0;
  /** What was aimed at last, in full and as means alone, until what comes after it is asked for. */
  private readonly aimed = new Map<BinRange["only"], BinRange>();
  private readonly part = noExtremes();

  /** `precision`: bits of a number; 32 of a tensor's quantity, 64 of one over all parameters. */
  constructor(source: BinSource, precision: 32 | 64) {
    this.source = source;
    this.precision = precision;
    this.exact = new Column(precision);
  }

  get length(): number {
    return this.source.length;
  }

  /** Row from which on all are known exactly; 0 where the store has nothing to tell. */
  get firstExact(): number {
    return this.isBinned ? this.begin : 0;
  }

  /** What comes before some row is known in bins alone. */
  get isBinned(): boolean {
    return this.begin > 0 && this.source.storedTo > 0;
  }

  /** Moving averages are those of all steps, out of the store. */
  get isAveraged(): boolean {
    return this.source.total !== undefined;
  }

  /** The least number; ∞ without any, −∞ where it is not known. */
  get least(): number {
    if (!this.isBinned) return this.exact.least;
    return Math.min(this.source.total?.least ?? Number.NEGATIVE_INFINITY, this.exact.least);
  }

  /** The greatest number; −∞ without any, ∞ where it is not known. */
  get greatest(): number {
    if (!this.isBinned) return this.exact.greatest;
    const stored = this.source.total?.greatest ?? this.greatestStored();
    return Math.max(stored, this.exact.greatest);
  }

  /** First row whose number is NaN or infinite; −1 while there is none, or where it is not known. */
  get firstNonFinite(): number {
    const { total, first } = this.source;
    if (this.isBinned && total && total.firstOdd > 0) return total.firstOdd - first;
    return this.exact.firstNonFinite;
  }

  append(values: ArrayLike<number>): void {
    if (this.begin === Number.POSITIVE_INFINITY) this.begin = 0;
    this.exact.append(values);
  }

  /** The next value is that of row `row`. Others that are missing before it are in the store, or nowhere. */
  reach(row: number): void {
    const missing = row - this.exact.length;
    if (missing <= 0) return;
    if (this.begin < Number.POSITIVE_INFINITY) {
      this.exact.append(new Float32Array(missing).fill(Number.NaN));
      return;
    }
    this.exact.startAt(row);
    this.begin = row;
  }

  /** The row of the next value; 0 before any. */
  get next(): number {
    return this.exact.length;
  }

  /** The rows before `row` are about to be forgotten: from now on what is drawn of them is asked for. */
  leave(row: number): void {
    this.leaving = row;
  }

  /** Leaves the rows before `row` to the store, but for some next to it. */
  forget(row: number): void {
    this.exact.forget(row);
    this.begin = Math.max(this.begin, Math.min(row, this.exact.firstKept));
  }

  /** What is not known exactly comes out of the store as narrow as it is drawn. */
  isSettled(from: number, to: number): boolean {
    return from >= this.begin && this.exact.isSettled(from, to);
  }

  receive(bins: LoadedBins): void {
    if (this.pieces && bins.width === 1 && this.takePiece(this.pieces, bins)) return;
    if (bins.width === 1 && bins.info.length <= ASKED_TOGETHER) {
      this.read = [bins, ...this.read].slice(0, MOST_READ);
      return;
    }
    const others = this.loaded.filter(
      each => each.width !== bins.width || each.isMeans !== bins.isMeans,
    );
    const [drawn, ...rest] = others;
    const isAhead = drawn !== undefined && bins.width !== this.width;
    const all = isAhead ? [drawn, bins, ...rest] : [bins, ...others];
    this.loaded = all.slice(0, MOST_KEPT);
  }

  /**
   * Rows `from` to `to` (exclusive) are to be drawn in so many bins, with a moving average where one is
   * wanted, or the means of bins alone: what is missing of that is asked for.
   */
  aim(from: number, to: number, bins: number, wanted?: Smoothing, only?: "mean"): void {
    const smoothing = this.isAveraged ? wanted : undefined;
    const { first, storedTo } = this.source;
    const width = 2 ** Math.max(0, Math.floor(Math.log2((to - from) / Math.max(1, bins))));
    const range = (before: number) => ({
      width,
      from: first + Math.max(0, from),
      to: Math.min(first + Math.min(to, before) - 1, storedTo),
      ...(smoothing && { smoothing }),
      ...(only && { only }),
    });
    this.isCurrent = true;
    if (this.leaving > this.begin) this.askFor(range(this.leaving));
    if (!this.isBinned) return;
    const drawn = range(this.begin);
    if (drawn.to < drawn.from) {
      if (smoothing && this.averagedTo(smoothing) === undefined) {
        this.ask({ width: 1, from: storedTo, to: storedTo, smoothing });
      }
      return;
    }
    this.width = width;
    this.aimed.set(only, drawn);
    const known = this.known(drawn);
    if (known) this.loaded = [known, ...this.loaded.filter(each => each !== known)];
    else this.ask(this.together(drawn));
  }

  /** Asks for a range that nothing waits for yet. */
  private askFor(range: BinRange): void {
    if (range.from <= range.to && !this.known(range)) this.source.ask(this.together(range));
  }

  /** Asks for what a zoom into what was aimed at last will draw, unless that was done or is there. */
  askAhead(): void {
    for (const aimed of this.aimed.values()) {
      for (const narrower of AHEAD) {
        const range = { ...aimed, width: aimed.width / narrower };
        if (range.width >= 1) this.askFor(range);
      }
    }
    this.aimed.clear();
  }

  /** What has come of a range. */
  private known({ width, from, to, smoothing, only }: BinRange): LoadedBins | undefined {
    return this.loaded.find(
      each =>
        each.width === width &&
        covers(each, from, to) &&
        isSmoothed(each, smoothing) &&
        (only !== undefined || !each.isMeans),
    );
  }

  /** A range with the steps around it that are asked for together with it. */
  private together(range: BinRange): BinRange {
    const { first, storedTo } = this.source;
    const together = range.width * ASKED_TOGETHER;
    const from = Math.max(first, Math.floor(range.from / together) * together);
    const to = Math.min(storedTo, Math.ceil((range.to + 1) / together) * together - 1);
    return { ...range, from, to };
  }

  private ask(range: BinRange): void {
    this.isCurrent = false;
    this.source.ask(range);
  }

  /** Asks for the number in a row, where it is not known exactly. */
  look(row: number): void {
    const { first, storedTo } = this.source;
    const step = first + row;
    if (row < 0 || row >= this.begin || step > storedTo || !this.isBinned) return;
    if (this.exactly(step)) return;
    const from = step - (step % ASKED_TOGETHER);
    const to = Math.min(storedTo, from + ASKED_TOGETHER - 1);
    this.source.ask({ width: 1, from: Math.max(first, from), to });
  }

  /** Asks for all rows, for what has to know each. Returns whether they are there. */
  whole(): boolean {
    if (!this.isBinned || this.source.total === undefined) return true;
    const { first } = this.source;
    const end = first + Math.min(this.begin, this.length);
    if (!this.pieces) {
      this.pieces = new Map();
      for (let from = first; from < end; from += PIECE) {
        this.source.ask({ width: 1, from, to: Math.min(end, from + PIECE) - 1 });
      }
    }
    return false;
  }

  /** The number in a row; of one that is in a bin the mean of that. */
  at(row: number): number {
    if (row >= this.begin) return this.exact.at(row);
    const step = this.source.first + row;
    const bins = this.exactly(step) ?? this.loaded.find(each => covers(each, step, step));
    return bins?.mean[Math.floor(step / bins.width) - bins.first] ?? Number.NaN;
  }

  private exactly(step: number): LoadedBins | undefined {
    const known = (each: LoadedBins) => each.width === 1 && covers(each, step, step);
    return this.read.find(known) ?? this.loaded.find(known);
  }

  /**
   * The moving average of all values up to the end of the bin in which a row lies; undefined where the
   * store was not asked for it, or has not answered yet.
   */
  average(row: number, smoothing: Smoothing): number | undefined {
    const step = this.source.first + row;
    if (!this.isBinned) return undefined;
    const bins = this.loaded.find(each => isAveraged(each, smoothing, step));
    if (!bins) return undefined;
    const state = stateOf(bins, Math.floor(step / bins.width) - bins.first);
    return averageOf(state, smoothing.scale);
  }

  /** The row from which on a moving average is to be computed here, and its state there; undefined while that is not known. */
  averagedTo(smoothing: Smoothing): { readonly row: number; readonly state: EmaState } | undefined {
    const { first, storedTo } = this.source;
    const bins = [...this.loaded, ...this.read].find(each => isAveraged(each, smoothing, storedTo));
    return bins && { row: bins.last + 1 - first, state: stateOf(bins, bins.info.length - 1) };
  }

  extremes(from: number, to: number, scale: ScaleKind, found: Extremes): void {
    if (from >= this.begin || !this.isBinned) {
      this.exact.extremes(from, to, scale, found);
      return;
    }
    Object.assign(found, NONE);
    this.eachBin(from, to, (bins, at, start, end) => takeBin(found, bins, at, start, end, scale));
    if (to <= this.begin) return;
    const { part } = this;
    this.exact.extremes(this.begin, to, scale, part);
    takePart(found, part);
  }

  mean(from: number, to: number): number {
    if (from >= this.begin || !this.isBinned) return this.exact.mean(from, to);
    let [sum, count] = [0, 0];
    this.eachBin(from, to, (bins, at) => {
      const finite = finiteCount(bins.info[at] ?? 0);
      if (finite > 0) sum += (bins.mean[at] ?? 0) * finite;
      count += finite;
    });
    if (to > this.begin) {
      const mean = this.exact.mean(this.begin, to);
      if (!Number.isNaN(mean)) {
        sum += mean * (to - this.begin);
        count += to - this.begin;
      }
    }
    return sum / count;
  }

  means(starts: Int32Array, ends: Int32Array, found: Float64Array, at: number): void {
    const { begin, exact } = this;
    const [from, to] = [starts[0] ?? 0, Math.min(begin, ends.at(-1) ?? 0)];
    const { first } = this.source;
    const isBinned = this.isBinned && from < begin;
    const bins = isBinned
      ? (this.loaded.find(each => covers(each, first + from, first + to - 1)) ?? this.loaded[0])
      : undefined;
    for (let i = 0; i < starts.length; i++) {
      const [start, end] = [starts[i] ?? 0, ends[i] ?? 0];
      if (start >= begin || !isBinned) found[at + i] = exact.mean(start, end);
      else if (bins && end <= begin)
        found[at + i] = meanOf(bins, ...binsBetween(bins, first + start, first + end, start === 0));
      else found[at + i] = this.mean(start, end);
    }
  }

  /**
   * Visits the bins before the exact rows that begin in rows `from` to `to` (exclusive), or, where none
   * does, the one in which they lie; `start` and `end` are its first and its last row.
   */
  private eachBin(
    from: number,
    to: number,
    visit: (bins: LoadedBins, at: number, start: number, end: number) => void,
  ): void {
    const { first } = this.source;
    const begin = first + from;
    const end = first + Math.min(to, this.begin);
    const bins = this.loaded.find(each => covers(each, begin, end - 1)) ?? this.loaded[0];
    if (!bins) return;
    const { width } = bins;
    const [low, high] = binsBetween(bins, begin, end, from === 0);
    for (let bin = low; bin < high; bin++) {
      const row = Math.max(0, (bins.first + bin) * width - first);
      const last = Math.min((bins.first + bin + 1) * width - first, this.begin) - 1;
      visit(bins, bin, row, last);
    }
  }

  /** The greatest number of stored steps, where bins of all of them are there; else ∞. */
  private greatestStored(): number {
    const { first, storedTo } = this.source;
    const bins = this.loaded.find(each => covers(each, first, storedTo));
    return bins ? greatestOf(bins) : Number.POSITIVE_INFINITY;
  }

  /** Takes a piece of a series that is wanted in whole; with the last of them it is known exactly. */
  private takePiece(pieces: Map<number, LoadedBins>, bins: LoadedBins): boolean {
    const { first } = this.source;
    const end = first + Math.min(this.begin, this.length);
    const isPiece = (bins.first - first) % PIECE === 0;
    if (!isPiece || bins.info.length < Math.min(PIECE, end - bins.first)) return false;
    pieces.set(bins.first, bins);
    if (pieces.size < Math.ceil((end - first) / PIECE)) return true;
    const whole = new Column(this.precision);
    for (const { mean, first: from } of [...pieces.values()].sort((a, b) => a.first - b.first)) {
      whole.append(mean.subarray(0, end - from));
    }
    for (let row = whole.length; row < this.exact.length; row++) whole.push(this.exact.at(row));
    this.exact = whole;
    this.begin = 0;
    this.loaded = [];
    this.read = [];
    this.pieces = undefined;
    return true;
  }
}

/** Greatest numbers of bins that have been looked through: a heat map asks for them with each drawing. */
const greatests = new WeakMap<Bins, number>();

function greatestOf(bins: Bins): number {
  const known = greatests.get(bins);
  if (known !== undefined) return known;
  let most = Number.NEGATIVE_INFINITY;
  for (const high of bins.high) if (high > most) most = high;
  greatests.set(bins, most);
  return most;
}

function covers({ width, first, info }: LoadedBins, from: number, to: number): boolean {
  return first * width <= from && (first + info.length) * width > to;
}

/**
 * Places of the bins that begin in steps `from` to `to` (exclusive), or, where none does, of the one in which
 * they lie: from the first to before the second. The run may begin (`isBegin`) within a bin.
 */
function binsBetween(
  { width, first, info }: LoadedBins,
  from: number,
  to: number,
  isBegin: boolean,
): readonly [number, number] {
  const lies = Math.floor(from / width);
  const starts = isBegin ? lies : Math.ceil(from / width);
  const until = Math.ceil(to / width);
  const [low, high] = starts < until ? [starts, until] : [lies, lies + 1];
  return [Math.max(0, low - first), Math.min(info.length, high - first)];
}

/** The mean of all numbers in the bins from place `low` to before `high`. */
function meanOf({ info, mean }: Bins, low: number, high: number): number {
  let [sum, count] = [0, 0];
  for (let bin = low; bin < high; bin++) {
    const finite = finiteCount(info[bin] ?? 0);
    if (finite === 0) continue;
    sum += (mean[bin] ?? 0) * finite;
    count += finite;
  }
  return sum / count;
}

/** Whether bins have a moving average, where one is wanted. */
function isSmoothed({ smoothing }: LoadedBins, wanted: Smoothing | undefined): boolean {
  if (!wanted) return true;
  return smoothing?.weight === wanted.weight && smoothing.scale === wanted.scale;
}

/** Whether bins have a moving average up to a step. */
function isAveraged(bins: LoadedBins, wanted: Smoothing, step: number): boolean {
  return isSmoothed(bins, wanted) && bins.last >= step && covers(bins, step, step);
}

function stateOf({ averages, biases }: LoadedBins, at: number): EmaState {
  return { mean: averages?.[at] ?? 0, bias: biases?.[at] ?? 1 };
}
/** Takes a bin as the extremes of its rows: the least at its begin, the mean at its end. */
function takeBin(
  found: Extremes,
  { low, mean, high, info }: Bins,
  at: number,
  start: number,
  end: number,
  scale: ScaleKind,
): void {
  const what = info[at] ?? 0;
  const [least, middle, most] = [low[at] ?? NaN, mean[at] ?? NaN, high[at] ?? NaN];
  const isBelow = finiteCount(what) > 0 && place(least, scale) === "bottom";
  if (found.topRow < 0 && has(what, HAS_NAN | HAS_POSITIVE_INFINITY)) found.topRow = start;
  if (found.bottomRow < 0 && (isBelow || has(what, HAS_NEGATIVE_INFINITY))) found.bottomRow = start;
  if (place(most, scale) !== "inside") return;
  if (start === end || place(least, scale) !== "inside")
    take(found, start, start === end ? middle : most);
  else {
    take(found, start, least);
    take(found, Math.min(start + 1, end), most);
    take(found, end, middle);
  }
}

/** Takes what was found in later rows. */
function takePart(found: Extremes, part: Extremes): void {
  if (found.topRow < 0) found.topRow = part.topRow;
  if (found.bottomRow < 0) found.bottomRow = part.bottomRow;
  if (part.firstRow < 0) return;
  take(found, part.firstRow, part.first);
  const isRising = part.minRow <= part.maxRow;
  take(found, isRising ? part.minRow : part.maxRow, isRising ? part.min : part.max);
  take(found, isRising ? part.maxRow : part.minRow, isRising ? part.max : part.min);
  take(found, part.lastRow, part.last);
}
