import {
  type Bins,
  type BinsRequest,
  finiteCount,
  HAS_NAN,
  HAS_NEGATIVE_INFINITY,
  HAS_POSITIVE_INFINITY,
  has,
} from "../../runtime/protocol/bins.ts";
import { place } from "../../runtime/protocol/place.ts";
import { Column, type Extremes, type Means, NONE, noExtremes, take } from "./column.ts";
import type { ScaleKind } from "./scale.ts";

/** Bins that are asked for reach to multiples of so many: the next ones are often among them. */
const ASKED_TOGETHER = 64;

/** Widths of which bins are kept: those of several charts, and of the zoom before. */
const MOST_KEPT = 4;

/** The bins of one tensor that have come. */
export interface LoadedBins extends Bins {
  readonly width: number;
  /** Number of the first. */
  readonly first: number;
}

/** Where the rows of a run are in its store, and how they are asked for. */
export interface BinSource {
  /** Step of row 0. */
  readonly first: number;
  /** Rows of the run. */
  readonly length: number;
  /** The last step of which the store has this tensor, and the page need not. */
  readonly storedTo: number;
  ask(range: Pick<BinsRequest, "width" | "from" | "to">): void;
}

/**
 * A quantity of a tensor: the latest steps exactly, what comes before them in bins out of the run store, as
 * narrow as they are drawn. Until these have come, those that were drawn before stand for them.
 */
export class TensorSeries implements Means {
  private readonly exact = new Column(32);
  private readonly source: BinSource;
  /** The first row that is known exactly. */
  private begin = Number.POSITIVE_INFINITY;
  /** Those that are drawn, then those that were before. */
  private loaded: LoadedBins[] = [];
  private readonly part = noExtremes();

  constructor(source: BinSource) {
    this.source = source;
  }

  get length(): number {
    return this.source.length;
  }

  /** What comes before some row is known in bins alone. */
  get isBinned(): boolean {
    return this.begin > 0 && this.source.storedTo > 0;
  }

  get greatest(): number {
    return this.isBinned ? Number.POSITIVE_INFINITY : this.exact.greatest;
  }

  append(values: Float32Array): void {
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

  /** Leaves the rows before `row` to the store. */
  forget(row: number): void {
    this.exact.forget(row);
    this.begin = Math.max(this.begin, row);
  }

  /** What is not known exactly comes out of the store as narrow as it is drawn. */
  isSettled(from: number, to: number): boolean {
    return from >= this.begin && this.exact.isSettled(from, to);
  }

  receive(bins: LoadedBins): void {
    const others = this.loaded.filter(({ width }) => width !== bins.width);
    this.loaded = [bins, ...others].slice(0, MOST_KEPT);
  }

  /** Rows `from` to `to` (exclusive) are to be drawn in so many bins. */
  aim(from: number, to: number, bins: number): void {
    const { first, storedTo } = this.source;
    const last = Math.min(first + Math.min(to, this.begin) - 1, storedTo);
    const begin = first + Math.max(0, from);
    if (!this.isBinned || last < begin) return;
    const width = 2 ** Math.max(0, Math.floor(Math.log2((to - from) / Math.max(1, bins))));
    const known = this.loaded.find(each => each.width === width);
    if (known && covers(known, begin, last)) this.receive(known);
    else {
      const together = width * ASKED_TOGETHER;
      const end = Math.ceil((last + 1) / together) * together - 1;
      const start = Math.max(first, Math.floor(begin / together) * together);
      this.source.ask({ width, from: start, to: Math.min(storedTo, end) });
    }
  }

  /** The number in a row; of one that is in a bin the mean of that. */
  at(row: number): number {
    if (row >= this.begin) return this.exact.at(row);
    const step = this.source.first + row;
    const bins = this.loaded.find(each => covers(each, step, step));
    return bins?.mean[Math.floor(step / bins.width) - bins.first] ?? Number.NaN;
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
    const { width, info } = bins;
    const lies = Math.floor(begin / width);
    // The run may begin within a bin.
    const starts = from === 0 ? lies : Math.ceil(begin / width);
    const until = Math.ceil(end / width);
    const [low, high] = starts < until ? [starts, until] : [lies, lies + 1];
    for (
      let bin = Math.max(low, bins.first);
      bin < Math.min(high, bins.first + info.length);
      bin++
    ) {
      const row = Math.max(0, bin * width - first);
      visit(bins, bin - bins.first, row, Math.min((bin + 1) * width - first, this.begin) - 1);
    }
  }
}

function covers({ width, first, info }: LoadedBins, from: number, to: number): boolean {
  return first * width <= from && (first + info.length) * width > to;
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
