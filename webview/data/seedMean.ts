import { Column, type Samples } from "./column.ts";

/**
 * What a band around the mean of runs shows: from the least of them to the greatest, or one standard
 * deviation to both sides (of a sample: divided by one less than the runs).
 */
export const SEED_BANDS = ["range", "deviation"] as const;
export type SeedBand = (typeof SEED_BANDS)[number];

/**
 * Runs that differ in their seed alone: the mean of one of their quantities, and the edges of a band around
 * it, row by row, as far as all of them go.
 */
export class SeedMean {
  readonly mean = new Column(64);
  readonly low = new Column(64);
  readonly high = new Column(64);
  private readonly members: readonly Samples[];
  private readonly band: SeedBand;

  constructor(members: readonly Samples[], band: SeedBand) {
    this.members = members;
    this.band = band;
  }

  /** Takes the rows that all members have got since the last call. */
  advance(): void {
    const { members, mean, low, high } = this;
    const end = Math.min(...members.map(({ length }) => length));
    for (let row = mean.length; row < end; row++) {
      const values = members.map(member => member.at(row));
      const middle = values.reduce((sum, value) => sum + value) / values.length;
      const [from, to] = this.band === "range" ? range(values) : around(values, middle);
      mean.push(middle);
      low.push(from);
      high.push(to);
    }
  }
}

/** A NaN of one is a NaN of both. */
function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function around(values: readonly number[], mean: number): readonly [number, number] {
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  return [mean - deviation, mean + deviation];
}
