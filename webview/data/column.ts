/** One column of numbers that grows at its end: a typed array that doubles. */
export class Column {
  private values: Float64Array | Float32Array;
  private used = 0;
  /** The least number of the column; ∞ while there is none. */
  least = Number.POSITIVE_INFINITY;

  /** `precision`: bits of a number; 32 for what was measured in float32, 64 else. */
  constructor(precision: 32 | 64) {
    this.values = precision === 32 ? new Float32Array(256) : new Float64Array(256);
  }

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    if (this.used === this.values.length) this.grow();
    this.values[this.used] = value;
    this.used += 1;
    if (value < this.least) this.least = value;
  }

  /** The number in row `row`; NaN outside of the column. */
  at(row: number): number {
    return row >= 0 && row < this.used ? (this.values[row] ?? Number.NaN) : Number.NaN;
  }

  private grow(): void {
    const length = this.used * 2;
    const grown =
      this.values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
    grown.set(this.values);
    this.values = grown;
  }
}
