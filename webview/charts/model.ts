import type { Range } from "../data/scale.ts";

/** What a chart says of one of its lines at a step. */
export interface Reading {
  readonly label: string;
  readonly value: number;
  /** Colour and dash of the line; undefined for one that is not drawn by itself. */
  readonly slot: number | undefined;
}

/** What a chart draws: data sets for Vega, and what is read off at a step. */
export interface ChartModel {
  readonly kind: "lines" | "band";
  /** Rows of each data set, made once and changed in place by `write`. */
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  /** True if a faint line of raw values stands behind a smooth one. */
  readonly smoothed: boolean;
  /** Takes the new steps and fills the data sets. */
  write(): void;
  /** Least and greatest value drawn; [∞, −∞] if there is none. */
  extent(): Range;
  /** Row of the run's series, from 0. The first reading is the chart's value. */
  readings(row: number): readonly Reading[];
}
