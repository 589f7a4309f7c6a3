import { nearestRow, numberOf, rowAt, rowsIn } from "../data/axis.ts";
import type { Range } from "../data/scale.ts";
import type { Window } from "./model.ts";

/** Rows of a run that stand in each of the columns of pixels into which a window is cut, equally wide on its axis. */
export class PixelColumns {
  starts = new Int32Array();
  ends = new Int32Array();

  get length(): number {
    return this.starts.length;
  }

  /** Rows that stand in the columns. */
  get rows(): number {
    return this.length === 0 ? 0 : (this.ends.at(-1) ?? 0) - (this.starts[0] ?? 0);
  }

  /** Cuts anew. Where rows are further apart than pixels, a column has the row nearest to it. */
  cut({ positions, domain, scale }: Window, columns: number): void {
    if (columns !== this.length) {
      this.starts = new Int32Array(columns);
      this.ends = new Int32Array(columns);
    }
    const { starts, ends } = this;
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
