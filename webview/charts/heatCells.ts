import type { Means } from "../data/column.ts";
import type { Window } from "./model.ts";
import { PixelColumns } from "./pixelColumns.ts";

/** Cells whose extremes stand for all of them: there are too many to sort them for each drawing. */
const PIECE = 16;

/** A tensor's row of a heat map. */
export interface HeatRow {
  readonly name: string;
  /** What is shown of each step; NaN where the tensor had no step. */
  readonly samples: Means;
  /** Elements of the gradient that are not finite, by step. */
  readonly nonFinite: Means;
}

/**
 * The cells of a heat map: of each tensor and each column of pixels the mean over all steps that
 * stand there. Where steps are further apart than pixels, a column shows the step nearest to it.
 */
export class HeatCells {
  readonly rows: readonly HeatRow[];
  /** Row-major. NaN: the tensor had no step there. Infinite: a step there was not finite. */
  values = new Float64Array();
  private readonly cuts = new PixelColumns();

  constructor(rows: readonly HeatRow[]) {
    this.rows = rows;
  }

  get columns(): number {
    return this.cuts.length;
  }

  /** Cuts the window into so many columns, of equal width on its axis. */
  cut(window: Window, columns: number): void {
    this.cuts.cut(window, columns);
    const size = columns * this.rows.length;
    if (size !== this.values.length) this.values = new Float64Array(size);
    const { starts, ends } = this.cuts;
    for (const { samples, nonFinite } of this.rows) {
      for (const each of [samples, nonFinite]) {
        each.aim?.(starts[0] ?? 0, ends.at(-1) ?? 0, columns);
      }
    }
    let cell = 0;
    for (const { samples, nonFinite } of this.rows) {
      const isClean = !(nonFinite.greatest > 0);
      for (let column = 0; column < columns; column++) {
        const from = starts[column] ?? 0;
        const to = ends[column] ?? 0;
        const odd = !isClean && nonFinite.mean(from, to) > 0;
        this.values[cell] = odd ? Number.POSITIVE_INFINITY : samples.mean(from, to);
        cell += 1;
      }
    }
  }

  /** Steps that were cut into columns. */
  get steps(): number {
    return this.cuts.rows;
  }

  /** The least and greatest values, of those that have a logarithm, of short pieces of the rows. */
  extremes(): number[] {
    const found: number[] = [];
    for (let from = 0; from < this.values.length; from += PIECE) {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of this.values.subarray(from, from + PIECE)) {
        if (!(value > 0) || value === Number.POSITIVE_INFINITY) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (low <= high) found.push(low, high);
    }
    return found;
  }
}
