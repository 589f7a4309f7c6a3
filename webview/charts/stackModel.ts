import { binRows, rowsIn } from "../data/axis.ts";
import type { Means } from "../data/column.ts";
import { extents, type Range } from "../data/scale.ts";
import { EXTRA_BINS } from "./linesModel.ts";
import type { ChartModel, Drawn, Reading, Window } from "./model.ts";
import { layerPool, markPool } from "./pool.ts";

/** A part of what is stacked, from the bottom. */
export interface Layer {
  readonly label: string;
  readonly samples: Means;
}

/** Parts of a whole, one above the other: of a bin of several steps, the mean of each part. */
export class StackModel implements ChartModel {
  readonly kind = "stack";
  readonly smoothed = false;
  readonly oneScale = true;
  readonly dataSets;
  isWhole = true;
  private readonly layers: readonly Layer[];
  private readonly limit: number;
  private readonly pools;
  private readonly marks;
  private tops: { readonly x: number; readonly y: number }[] = [];

  constructor(layers: readonly Layer[], bins: number) {
    this.layers = layers;
    this.limit = bins;
    this.pools = layers.map((_, slot) => layerPool(bins + EXTRA_BINS, slot));
    this.marks = markPool(bins + EXTRA_BINS);
    this.dataSets = { stack: this.pools.flatMap(({ rows }) => rows), marks: this.marks.rows };
  }

  write({ positions, domain, scale }: Window): Drawn {
    const starts = binRows(positions, domain, scale, this.limit);
    for (const { samples } of this.layers) {
      samples.aim?.(starts[0] ?? 0, starts.at(-1) ?? 0, starts.length - 1);
    }
    this.isWhole = this.layers.every(({ samples }) => samples.isCurrent !== false);
    this.tops = [];
    for (let bin = 0; bin + 1 < starts.length; bin++) {
      const [from, to] = [starts[bin] ?? 0, starts[bin + 1] ?? 0];
      const x = positions.at((from + to - 1) >> 1);
      let height = 0;
      for (const [layer, { samples }] of this.layers.entries()) {
        const low = height;
        height += samples.mean(from, to);
        const row = this.pools[layer]?.next();
        if (row) Object.assign(row, { x, low, high: height });
      }
      this.tops.push({ x, y: height });
    }
    const points = Math.max(...this.pools.map(pool => pool.finish()));
    const heights = this.tops.map(({ y }) => y).filter(Number.isFinite);
    const [from, to] = rowsIn(positions, domain);
    const { extent, typical } = extents(heights, "linear");
    const above = ([, high]: Range): Range => (heights.length > 0 ? [0, high] : extent);
    return {
      extent: above(extent),
      typical: above(typical),
      points,
      values: to - from,
    };
  }

  mark({ domain }: Window, [, high]: Range): void {
    for (const { x, y } of this.tops) {
      const row = y > high && x >= domain[0] && x <= domain[1] ? this.marks.next() : undefined;
      if (row) Object.assign(row, { x, top: true, outlier: true });
    }
    this.marks.finish();
  }

  readings(row: number, beyond?: number): readonly Reading[] {
    const after = beyond === undefined ? {} : { absent: "–" };
    return this.layers.map(({ label, samples }, slot) => ({
      label,
      value: samples.at(row),
      slot,
      ...after,
    }));
  }
}
