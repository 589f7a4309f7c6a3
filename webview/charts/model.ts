import type { Positions, XKind } from "../data/axis.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import type { ChartRows } from "./chartRows.ts";

/** What a chart says of one of its lines at a step. */
export interface Reading {
  readonly label: string;
  readonly value: number;
  /** Number of the line's colour and dash; undefined for what has no line of its own. */
  readonly slot: number | undefined;
  /** What stands in the place of the value, where there is none. */
  readonly absent?: string;
}

/** A reading's value, or what stands in its place. */
export function textOf({ value, absent }: Reading, format: (value: number) => string): string {
  return absent ?? format(value);
}

/** The part of the x axis that is looked at. */
export interface Window {
  readonly kind: XKind;
  readonly scale: ScaleKind;
  readonly domain: Range;
  /** Where the rows of the run stand. */
  readonly positions: Positions;
}

/** What was drawn of how much. */
export interface Drawn {
  /** Least and greatest value; [∞, −∞] if there is none. */
  readonly extent: Range;
  /** The same without outliers. */
  readonly typical: Range;
  /** Points of the first line, and the values in the window behind them. */
  readonly points: number;
  readonly values: number;
}

/** What the colours of a chart mean. */
export interface ColorScale {
  /** CSS colours from the least to the greatest. */
  readonly stops: readonly string[];
  readonly domain: Range;
  /** What one dot stands for. */
  readonly note: string;
  /** Whether anything that is shown is not finite. */
  readonly isOdd: boolean;
}

/** What a chart draws: data sets for Vega, and what is read off at a step. */
export interface ChartModel {
  readonly kind: "lines" | "band" | "stack" | "heatMap" | "histogram";
  /** Rows by name of the data set, made once: `write` changes them in place. */
  readonly dataSets: Readonly<Record<string, readonly object[]>>;
  /** True if a faint line of raw values stands behind a smooth one. */
  readonly smoothed: boolean;
  /** Another scale of its y axis would say nothing. */
  readonly oneScale?: true;
  /** Its y axis has a row for each tensor instead of a scale. */
  readonly rows?: ChartRows;
  /** What its colours mean, after `mark`. */
  readonly colors?: ColorScale;
  /** The last step of what is drawn behind the steps of the run; undefined where there is nothing. */
  readonly end?: number | undefined;
  /** False while some of what it draws of the run is still on its way, after `write`. */
  readonly isWhole?: boolean;
  /**
   * Cuts what is in the window into bins and fills the data sets but for the marks.
   * @param width of the plot in device pixels.
   */
  write(window: Window, width: number): Drawn;
  /** After `write`: marks at the edges what has no place in this domain of values, or paints those in it. */
  mark(window: Window, shown: Range): void;
  /**
   * Row of the run's series, from 0. The first reading is the chart's value. `beyond`: a place on the x
   * axis after the run's end, where only plans and runs that are compared with it have values.
   */
  readings(row: number, beyond?: number): readonly Reading[];
  /** What a table says of the row, where that is more. */
  table?(row: number): readonly Reading[];
}
