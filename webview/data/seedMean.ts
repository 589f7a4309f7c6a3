import { Column } from "./column.ts";

/**
 * Runs that differ in their seed alone: mean, least and greatest of one of their quantities, row by row,
 * as far as all of them go.
 */
export class SeedMean {
  readonly mean = new Column(64);
  readonly low = new Column(64);
  readonly high = new Column(64);
  private readonly members: readonly Column[];

  constructor(members: readonly Column[]) {
    this.members = members;
  }

  /** Takes the rows that all members have got since the last call. */
  advance(): void {
    const { members, mean, low, high } = this;
    const end = Math.min(...members.map(({ length }) => length));
    for (let row = mean.length; row < end; row++) {
      let [sum, least, greatest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const member of members) {
        const value = member.at(row);
        sum += value;
        // A NaN of one is a NaN of all three.
        least = Math.min(least, value);
        greatest = Math.max(greatest, value);
      }
      mean.push(sum / members.length);
      low.push(least);
      high.push(greatest);
    }
  }
}
