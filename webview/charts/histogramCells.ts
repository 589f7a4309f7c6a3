import type { Histogram } from "../../runtime/protocol/histogram.ts";
import { rowAt } from "../data/axis.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range } from "../data/scale.ts";
import type { Window } from "./model.ts";
import { PixelColumns } from "./pixelColumns.ts";

/** Share of the elements that may lie below the axis. */
const TAIL = 0.01;

/** Octaves below the fullest to which the axis reaches at most: weights may hardly move. */
const REACH = 16;

/** The octave of zeros, and of numbers so small that float32 has few digits for them. */
const STILL = -127;

export interface HistogramSource {
  /** In order of steps; the array grows. */
  readonly histograms: readonly Histogram[];
  readonly series: RunSeries;
  /** Elements of the tensor, and those that are counted. */
  readonly elements: number;
  readonly sampled: number;
}

/** The histograms that stand in each column of pixels of a window. */
export class HistogramCells {
  readonly source: HistogramSource;
  private readonly cuts = new PixelColumns();
  /** Places of the first histogram of each column, and behind the last. */
  private parts: readonly Range[] = [];

  constructor(source: HistogramSource) {
    this.source = source;
  }

  get columns(): number {
    return this.cuts.length;
  }

  /** Histograms that stand in the columns. */
  get length(): number {
    return (this.parts.at(-1)?.[1] ?? 0) - (this.parts[0]?.[0] ?? 0);
  }

  /** Cuts the window into so many columns. One in which no histogram stands has the one before it. */
  cut(window: Window, columns: number): void {
    this.cuts.cut(window, columns);
    const { starts, ends } = this.cuts;
    this.parts = Array.from({ length: columns }, (_, column) => {
      const last = this.placeAt((ends[column] ?? 1) - 1);
      const before = this.placeAt((starts[column] ?? 0) - 1);
      return [Math.max(0, Math.min(before + 1, last)), last + 1];
    });
  }

  /** Least and greatest step size, the least that an axis needs to show, and the greatest share of an octave. */
  extremes() {
    const { histograms, sampled } = this.source;
    let [low, high, typical, share] = [Infinity, -Infinity, Infinity, 0];
    for (const histogram of histograms.slice(this.parts[0]?.[0], this.parts.at(-1)?.[1])) {
      const { lr, lowest, counts } = histogram;
      if (!isDrawn(histogram) || lowest + counts.length - 1 <= STILL) continue;
      low = Math.min(low, lr * 2 ** Math.max(lowest, STILL + 1));
      high = Math.max(high, lr * 2 ** (lowest + counts.length));
      typical = Math.min(typical, typicalLow(histogram));
      share = Math.max(share, greatest(counts) / sampled);
    }
    return { low, high, typical, share };
  }

  /**
   * Shares of the elements whose octave has a place on a logarithmic axis, from its upper end in `rows`
   * equal rows: the mean over the histograms of a column.
   */
  shares(column: number, [low, high]: Range, rows: number): Float64Array {
    const { histograms, sampled } = this.source;
    const part = histograms.slice(...(this.parts[column] ?? [0, 0])).filter(isDrawn);
    const [bottom, top] = [Math.log2(low), Math.log2(high)];
    const shares = new Float64Array(rows);
    for (const { lr, lowest, counts } of part) {
      const offset = Math.log2(lr) + lowest;
      for (let row = 0; row < rows; row++) {
        const place = top - ((row + 0.5) / rows) * (top - bottom);
        const count = counts[Math.floor(place - offset)] ?? 0;
        shares[row] = (shares[row] ?? 0) + count / sampled / part.length;
      }
    }
    return shares;
  }

  /** The histogram of a row of the run, or the one before it; undefined where there is none. */
  at(row: number): Histogram | undefined {
    const found = this.source.histograms[this.placeAt(row)];
    return found && isDrawn(found) ? found : undefined;
  }

  /** Place of the last histogram at a row or before it; −1 without one. */
  private placeAt(row: number): number {
    if (row < 0) return -1;
    const { histograms, series } = this.source;
    const steps = { length: histograms.length, at: (i: number) => histograms[i]?.step ?? 0 };
    return rowAt(steps, series.positions("step").at(row) + 1) - 1;
  }
}

/** The octave with the most elements: where it begins, and its share. */
export function fullestOctave({ lr, lowest, counts }: Histogram) {
  const most = greatest(counts);
  return { from: lr * 2 ** (lowest + counts.indexOf(most)), share: most / sum(counts) };
}

/** Share of the elements in octaves that end below a value. */
export function shareBelow({ lr, lowest, counts }: Histogram, value: number): number {
  return sum(counts.filter((_, i) => lr * 2 ** (lowest + i + 1) <= value)) / sum(counts);
}

/** Where an axis may begin: few elements are below, or they are far from all others. */
function typicalLow({ lr, lowest, counts }: Histogram): number {
  const total = sum(counts);
  let [below, tail] = [0, 0];
  for (const count of counts) {
    below += count;
    if (below > TAIL * total) break;
    tail += 1;
  }
  // The lowest has all that is below it, too, and weights that stand still.
  const others = counts.subarray(1);
  const fullest = others.length > 0 ? 1 + others.indexOf(greatest(others)) : 0;
  return lr * 2 ** (lowest + Math.max(tail, fullest - REACH));
}

/** Without a learning rate nothing has a place on a logarithmic axis. */
function isDrawn({ lr, counts }: Histogram): boolean {
  return counts.length > 0 && lr > 0;
}

function greatest(counts: Float32Array): number {
  return counts.reduce((a, b) => Math.max(a, b));
}

function sum(counts: Float32Array): number {
  return counts.reduce((a, b) => a + b, 0);
}
