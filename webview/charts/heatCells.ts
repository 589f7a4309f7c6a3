import { nearestRow, numberOf, rowAt, rowsIn } from "../data/axis.ts";
import type { Column } from "../data/column.ts";
import type { Range } from "../data/scale.ts";
import type { Window } from "./model.ts";

/** Cells whose extremes stand for all of them: there are too many to sort them for each drawing. */
const PIECE = 16;

/** A tensor's row of a heat map. */
export interface HeatRow {
  readonly name: string;
  /** What is shown of each step; NaN where the tensor had no step. */
  readonly samples: Column;
  /** Elements of the gradient that are not finite, by step. */
  readonly nonFinite: Column;
}

/**
 * The cells of a heat map: of each tensor and each column of pixels the mean over all steps that
 * stand there. Where steps are further apart than pixels, a column shows the step nearest to it.
 */
export class HeatCells {
  readonly rows: readonly HeatRow[];
  /** Row-major. NaN: the tensor had no step there. Infinite: a step there was not finite. */
  values = new Float64Array();
  columns = 0;
  private starts = new Int32Array();
  private ends = new Int32Array();

  constructor(rows: readonly HeatRow[]) {
    this.rows = rows;
  }

  /** Cuts the window into so many columns, of equal width on its axis. */
  cut(window: Window, columns: number): void {
    if (columns !== this.columns) {
      this.columns = columns;
      this.values = new Float64Array(columns * this.rows.length);
      this.starts = new Int32Array(columns);
      this.ends = new Int32Array(columns);
    }
    this.cutSteps(window);
    let cell = 0;
    for (const { samples, nonFinite } of this.rows) {
      const isClean = !(nonFinite.greatest > 0);
      for (let column = 0; column < columns; column++) {
        const from = this.starts[column] ?? 0;
        const to = this.ends[column] ?? 0;
        const odd = !isClean && nonFinite.mean(from, to) > 0;
        this.values[cell] = odd ? Number.POSITIVE_INFINITY : samples.mean(from, to);
        cell += 1;
      }
    }
  }

  /** Steps that were cut into columns. */
  get steps(): number {
    return this.columns === 0 ? 0 : (this.ends.at(-1) ?? 0) - (this.starts[0] ?? 0);
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

  /** The steps of each column. */
  private cutSteps({ positions, domain, scale }: Window): void {
    const { columns, starts, ends } = this;
    const border = (column: number) => numberOf(column / columns, domain, scale);
    const [first, last]: Range = rowsIn(positions, domain);
    let from = first;
    for (let column = 0; column < columns; column++) {
      const to = column === columns - 1 ? last : rowAt(positions, border(column + 1));
      const nearest = to > from ? from : nearestRow(positions, border(column + 0.5));
      starts[column] = nearest;
      ends[column] = Math.max(to, nearest + 1);
      from = to;
    }
  }
}
