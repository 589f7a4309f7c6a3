/** A chart that the user has written. */
export interface OwnChart {
  readonly id: string;
  /** A Vega-Lite specification over the run's columns, as JSON. */
  readonly text: string;
}

/** Characters that all specifications of a workspace have at most: so many are kept. */
export const MOST_TEXT = 48 * 1024;
