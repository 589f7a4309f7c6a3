import { nearestRow, numberOf, rowAt, rowsIn, shareOf } from "../data/axis.ts";
import type { Range } from "../data/scale.ts";
import type { Window } from "./model.ts";

/** Rows of a run that stand in each of the columns of pixels into which a window is cut, equally wide on its axis. */
export class PixelColumns {
  starts = new Int32Array();
  ends = new Int32Array();
  /** Rows that stand in the columns. */
  rows = 0;

  get length(): number {
    return this.starts.length;
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
    this.rows = last - first;
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

/**
 * The part of a window that a run has come to, to half of the way to the step before its first and behind
 * its last: other runs may go on, or what is planned. Without width where that is none of it.
 */
export function partWithRows(window: Window): Window {
  const { positions, domain } = window;
  const last = positions.length - 1;
  if (last < 1) return window;
  const [low, high] = domain;
  const before = (positions.at(1) - positions.at(0)) / 2;
  const behind = (positions.at(last) - positions.at(last - 1)) / 2;
  const from = Math.min(Math.max(low, positions.at(0) - before), high);
  const to = Math.max(Math.min(high, positions.at(last) + behind), low);
  return { ...window, domain: [from, Math.max(from, to)] };
}

/** How many of so many pixels of a window a part of it has; at least one. */
export function pixelsOf(
  { domain: [from, to] }: Window,
  { domain, scale }: Window,
  pixels: number,
): number {
  const share = shareOf(to, domain, scale) - shareOf(from, domain, scale);
  return Math.max(1, Math.round(pixels * share));
}
