/**
 * Rows of a Vega data set that are made once and then changed in place: Vega keeps a slot for each
 * tuple that it has ever seen, so rows that come and go would let its memory grow without end.
 */
export class Pool<Row extends { x: number }> {
  readonly rows: readonly Row[];
  private used = 0;
  private before = 0;

  constructor(size: number, make: () => Row) {
    this.rows = Array.from({ length: size }, make);
  }

  /** The next row to fill; undefined when all are taken. */
  next(): Row | undefined {
    const row = this.rows[this.used];
    if (row) this.used += 1;
    return row;
  }

  /** Hides the rows that were used the last time and not now: x is NaN. Then begins anew. Rows used. */
  finish(): number {
    const { used } = this;
    for (let i = used; i < this.before; i++) {
      const row = this.rows[i];
      if (row) row.x = Number.NaN;
    }
    this.before = used;
    this.used = 0;
    return used;
  }
}

export interface PointRow {
  x: number;
  y: number;
  readonly slot: number;
}

export interface BandRow {
  x: number;
  low: number;
  mid: number;
  high: number;
}

/** From one height to another: a layer of a stack, or the band around a line. */
export interface LayerRow {
  x: number;
  low: number;
  high: number;
  readonly slot: number;
}

export interface MarkRow {
  x: number;
  top: boolean;
  /** The value has a place on the axis, but outside of what is shown. */
  outlier: boolean;
}

export function pointPool(size: number, slot: number): Pool<PointRow> {
  return new Pool(size, () => ({ x: Number.NaN, y: Number.NaN, slot }));
}

export function bandPool(size: number): Pool<BandRow> {
  return new Pool(size, () => ({ x: Number.NaN, low: 0, mid: 0, high: 0 }));
}

export function layerPool(size: number, slot: number): Pool<LayerRow> {
  return new Pool(size, () => ({ x: Number.NaN, low: 0, high: 0, slot }));
}

export function markPool(size: number): Pool<MarkRow> {
  return new Pool(size, () => ({ x: Number.NaN, top: true, outlier: false }));
}
