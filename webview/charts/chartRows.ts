import type { Range } from "../data/scale.ts";

/**
 * The rows of a chart that has one for each tensor, from the top. On its y axis row `i` of `n` lies
 * from `n − 1 − i` to `n − i`, so that the axis rises as all others do.
 */
export class ChartRows {
  readonly names: readonly string[];
  /** The row of the tensor that is chosen. */
  readonly chosen: number;
  /** The row that pointer or keyboard are at. */
  pointed: number | undefined;

  constructor(names: readonly string[], chosen: number) {
    this.names = names;
    this.chosen = chosen;
  }

  /** The y axis that shows all rows. */
  get domain(): Range {
    return [0, this.names.length];
  }

  /** The row that is read off. */
  get current(): number {
    return this.pointed ?? this.chosen;
  }

  /** The row at a number of the y axis. */
  at(y: number): number {
    return this.within(this.names.length - 1 - Math.floor(y));
  }

  /** The number at the middle of a row. */
  middle(row: number): number {
    return this.names.length - row - 0.5;
  }

  /** Points at the row that is so many rows further down. */
  move(by: number): void {
    this.pointed = this.within(this.current + by);
  }

  /** Ticks at the middles of at most `count` rows, and the names of these, cut at their begin. */
  ticks([low, high]: Range, count: number, letters: number) {
    const stride = Math.max(1, Math.ceil((high - low) / Math.max(1, count)));
    const rows = this.names.map((_, row) => row).filter(row => row % stride === 0);
    const shown = rows.filter(row => this.middle(row) >= low && this.middle(row) <= high);
    return {
      values: shown.map(row => this.middle(row)),
      labels: shown.map(row => withoutBegin(this.names[row] ?? "", letters)),
    };
  }

  private within(row: number): number {
    return Math.min(Math.max(row, 0), this.names.length - 1);
  }
}

function withoutBegin(name: string, letters: number): string {
  return name.length > letters ? `…${name.slice(1 - letters)}` : name;
}
