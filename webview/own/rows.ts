import type { Window } from "../charts/model.ts";
import { rowsIn } from "../data/axis.ts";
import { MOST_ROWS, type RunColumn, sampledRows, valueAt } from "./columns.ts";

/** A row of the run; `step` is null in one that is not in use. */
export type OwnRow = Record<string, number | null> & { step: number | null };

/**
 * The rows of a chart of the user's own, which are made once and then changed in place: Vega keeps a
 * slot for each tuple that it has ever seen.
 */
export class OwnRows {
  readonly rows: readonly OwnRow[];
  private readonly names: readonly string[];

  /** `names`: columns of the chart. */
  constructor(names: readonly string[]) {
    this.names = names;
    // Each column may add the ends of its last parts.
    const size = MOST_ROWS + 2 * (names.length + 1);
    this.rows = Array.from({ length: size }, () => ({
      ...Object.fromEntries(names.map(name => [name, null])),
      step: null,
    }));
  }

  /** Takes what a window shows of the columns. Returns how many rows these are, and of how many. */
  write(columns: ReadonlyMap<string, RunColumn>, window: Window) {
    const used = this.names.flatMap(name => {
      const column = columns.get(name);
      return column ? [{ name, column }] : [];
    });
    const shown = sampledRows(
      used.map(({ column }) => column),
      window,
      MOST_ROWS,
    );
    const steps = columns.get("step");
    for (const [i, row] of this.rows.entries()) {
      const at = shown[i];
      row.step = at === undefined || !steps ? null : valueAt(steps, at);
      for (const { name, column } of used) {
        row[name] = at === undefined ? null : valueAt(column, at);
      }
    }
    const [from, to] = rowsIn(window.positions, window.domain);
    return { drawn: shown.length, of: to - from };
  }
}
