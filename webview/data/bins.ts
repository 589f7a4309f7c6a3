import { place, type Range, type ScaleKind } from "./scale.ts";

/**
 * A series cut into at most `limit` bins of equal width, a power of two of steps that starts at
 * a multiple of itself. A bin keeps its least and greatest value and where they are, so no spike is
 * lost; it does not change once the next has begun, so the line does not flicker while it grows.
 * When there are too many, neighbours are joined and bins are twice as wide: O(1) a value.
 */
export class Bins {
  /** Steps in a bin. */
  width = 1;
  /** Bins in use. */
  length = 0;
  /** Step of a bin's least and greatest value and of its last; NaN in a bin without values. */
  readonly minStep: Float64Array;
  readonly min: Float64Array;
  readonly maxStep: Float64Array;
  readonly max: Float64Array;
  readonly lastStep: Float64Array;
  readonly last: Float64Array;
  /** First step in a bin that has no place in the plot but at its edge; NaN where all have. */
  readonly topStep: Float64Array;
  readonly bottomStep: Float64Array;
  private readonly limit: number;
  private readonly scale: ScaleKind;
  private readonly columns: readonly Float64Array[];
  /** Number of the first bin: its first step divided by the width. */
  private base = 0;
  private firstStep = Number.NaN;
  private first = Number.NaN;

  constructor(limit: number, scale: ScaleKind) {
    this.limit = limit;
    this.scale = scale;
    const column = () => new Float64Array(limit).fill(Number.NaN);
    this.minStep = column();
    this.min = column();
    this.maxStep = column();
    this.max = column();
    this.lastStep = column();
    this.last = column();
    this.topStep = column();
    this.bottomStep = column();
    this.columns = [
      ...[this.minStep, this.min, this.maxStep, this.max],
      ...[this.lastStep, this.last, this.topStep, this.bottomStep],
    ];
  }

  /** Adds the value of a step that is later than all before. */
  add(step: number, value: number): void {
    const bin = this.binOf(step);
    const where = place(value, this.scale);
    if (where === "inside") this.addInside(bin, step, value);
    else this.addEdge(where === "top" ? this.topStep : this.bottomStep, bin, step);
  }

  /** Least and greatest value; [∞, −∞] if there is none. */
  extent(): Range {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.length; i++) {
      low = Math.min(low, this.number(this.min, i, low));
      high = Math.max(high, this.number(this.max, i, high));
    }
    return [low, high];
  }

  /**
   * The line through the extremes of all bins, its first and its last value, in order of steps: at
   * most 2 · limit + 2 points. A bin in which nothing can be drawn gives a NaN: the line is broken.
   */
  line(visit: (step: number, value: number) => void): void {
    if (this.beginsApart()) visit(this.firstStep, this.first);
    for (let i = 0; i < this.length; i++) this.binPoints(i, visit);
    const end = this.length - 1;
    const step = this.number(this.lastStep, end, Number.NaN);
    if (Number.isNaN(step) || step === this.minStep[end] || step === this.maxStep[end]) return;
    visit(step, this.number(this.last, end, Number.NaN));
  }

  /** The last value of each bin: the line of a series that is smooth already. */
  lasts(visit: (step: number, value: number) => void): void {
    for (let i = 0; i < this.length; i++) {
      if (this.empty(i)) continue;
      visit(this.stepOf(i), this.number(this.last, i, Number.NaN));
    }
  }

  /** One mark a bin and edge for values that have no place in the plot: at most 2 · limit. */
  marks(visit: (step: number, top: boolean) => void): void {
    for (let i = 0; i < this.length; i++) {
      const top = this.number(this.topStep, i, Number.NaN);
      const bottom = this.number(this.bottomStep, i, Number.NaN);
      if (!Number.isNaN(top)) visit(top, true);
      if (!Number.isNaN(bottom)) visit(bottom, false);
    }
  }

  /** True if the series begins in the first bin with a value that is not one of its extremes. */
  private beginsApart(): boolean {
    const { firstStep } = this;
    if (Math.floor(firstStep / this.width) !== this.base) return false;
    return firstStep !== this.minStep[0] && firstStep !== this.maxStep[0];
  }

  private binPoints(i: number, visit: (step: number, value: number) => void): void {
    if (this.empty(i)) return;
    const minStep = this.number(this.minStep, i, Number.NaN);
    const maxStep = this.number(this.maxStep, i, Number.NaN);
    const min = this.number(this.min, i, Number.NaN);
    const max = this.number(this.max, i, Number.NaN);
    if (Number.isNaN(minStep)) visit(this.stepOf(i), Number.NaN);
    else if (minStep === maxStep) visit(minStep, min);
    else if (minStep < maxStep) {
      visit(minStep, min);
      visit(maxStep, max);
    } else {
      visit(maxStep, max);
      visit(minStep, min);
    }
  }

  /** A step of bin `i` by which it can be drawn. */
  private stepOf(i: number): number {
    return this.number(this.lastStep, i, (this.base + i) * this.width);
  }

  /** True for a bin of which no step was added. */
  private empty(i: number): boolean {
    const { lastStep, topStep, bottomStep } = this;
    return Number.isNaN(lastStep[i]) && Number.isNaN(topStep[i]) && Number.isNaN(bottomStep[i]);
  }

  private number(column: Float64Array, i: number, otherwise: number): number {
    const value = column[i];
    return value === undefined || Number.isNaN(value) ? otherwise : value;
  }

  private binOf(step: number): number {
    if (this.length === 0) this.base = Math.floor(step / this.width);
    while (Math.floor(step / this.width) - this.base >= this.limit) this.join();
    const bin = Math.floor(step / this.width) - this.base;
    this.length = Math.max(this.length, bin + 1);
    return bin;
  }

  private addInside(bin: number, step: number, value: number): void {
    if (Number.isNaN(this.firstStep)) {
      this.firstStep = step;
      this.first = value;
    }
    this.takeMin(bin, step, value);
    this.takeMax(bin, step, value);
    this.lastStep[bin] = step;
    this.last[bin] = value;
  }

  private addEdge(column: Float64Array, bin: number, step: number): void {
    if (Number.isNaN(column[bin])) column[bin] = step;
  }

  private takeMin(bin: number, step: number, value: number): void {
    if (!(value < this.number(this.min, bin, Number.POSITIVE_INFINITY))) return;
    this.min[bin] = value;
    this.minStep[bin] = step;
  }

  private takeMax(bin: number, step: number, value: number): void {
    if (!(value > this.number(this.max, bin, Number.NEGATIVE_INFINITY))) return;
    this.max[bin] = value;
    this.maxStep[bin] = step;
  }

  /** Joins bins 2j and 2j + 1, counted from step 0, in place. */
  private join(): void {
    const { base, length } = this;
    this.width *= 2;
    this.base = Math.floor(base / 2);
    this.length = Math.floor((base + length - 1) / 2) - this.base + 1;
    for (let i = 0; i < length; i++) {
      const target = Math.floor((base + i) / 2) - this.base;
      if (target === i) continue;
      const row = this.columns.map(column => column[i] ?? Number.NaN);
      for (const column of this.columns) column[i] = Number.NaN;
      this.mergeInto(target, row);
    }
  }

  private mergeInto(bin: number, row: readonly number[]): void {
    const [minStep, min, maxStep, max, lastStep, last, top, bottom] = row;
    if (minStep !== undefined && min !== undefined) this.takeMin(bin, minStep, min);
    if (maxStep !== undefined && max !== undefined) this.takeMax(bin, maxStep, max);
    if (lastStep !== undefined && last !== undefined && !Number.isNaN(lastStep)) {
      this.lastStep[bin] = lastStep;
      this.last[bin] = last;
    }
    if (top !== undefined) this.addEdge(this.topStep, bin, top);
    if (bottom !== undefined) this.addEdge(this.bottomStep, bin, bottom);
  }
}
