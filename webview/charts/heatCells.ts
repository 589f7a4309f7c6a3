import type { Means } from "../data/column.ts";
import type { Window } from "./model.ts";
import { PixelColumns } from "./pixelColumns.ts";

/** Cells whose extremes stand for all of them: there are too many to sort them for each drawing. */
const PIECE = 64;

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

  /** Whether all that was cut last is there. */
  isCurrent = true;

  get columns(): number {
    return this.cuts.length;
  }

  /** Cuts the window into so many columns, of equal width on its axis. */
  cut(window: Window, columns: number): void {
    this.cuts.cut(window, columns);
    const size = columns * this.rows.length;
    if (size !== this.values.length) this.values = new Float64Array(size);
    const { starts, ends } = this.cuts;
    this.isCurrent = true;
    for (const { samples, nonFinite } of this.rows) {
      // Of what is known to be 0 at every step nothing more can be known.
      for (const each of nonFinite.greatest > 0 ? [samples, nonFinite] : [samples]) {
        each.aim?.(starts[0] ?? 0, ends.at(-1) ?? 0, columns, undefined, "mean");
        this.isCurrent &&= each.isCurrent !== false;
      }
    }
    const odd = new Float64Array(columns);
    for (const [row, { samples, nonFinite }] of this.rows.entries()) {
      samples.means(starts, ends, this.values, row * columns);
      if (!(nonFinite.greatest > 0)) continue;
      nonFinite.means(starts, ends, odd, 0);
      for (let column = 0; column < columns; column++) {
        if ((odd[column] ?? 0) > 0) this.values[row * columns + column] = Number.POSITIVE_INFINITY;
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
