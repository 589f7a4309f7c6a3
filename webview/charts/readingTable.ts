import { rowsIn } from "../data/axis.ts";
import { formatCount, formatDuration, formatExact } from "../data/format.ts";
import { element } from "../dom.ts";
import type { CardView } from "./chartCard.ts";
import { type ChartModel, textOf } from "./model.ts";

/** Rows that a table has at most: enough to see a course, few enough to hear. */
const MOST_ROWS = 24;

/** Rows at most of what is planned. */
const MOST_AHEAD = 12;

/** What a chart shows as a table: evenly spaced steps, the first and the last among them, then those planned. */
export class ReadingTable {
  readonly root = element("div", { class: "readings", attributes: { hidden: "", tabindex: "0" } });

  /** Fills the table, if it is shown. */
  show(
    model: Pick<ChartModel, "readings" | "table" | "end">,
    { series, window }: Pick<CardView, "series" | "window">,
  ): void {
    if (this.root.hidden) return;
    const [from, to] = rowsIn(window.positions, window.domain);
    const rows = spread(from, to - 1, MOST_ROWS);
    const readings = (row: number) => model.table?.(row) ?? model.readings(row);
    const labels = readings(from).map(({ label }) => label);
    const head = ["Step", "Epoch", "Time", ...labels].map(text =>
      element("th", { text, attributes: { scope: "col" } }),
    );
    const body = rows.map(row => {
      for (const name of ["epoch", "time"] as const) series.step(name).look(row);
      const epoch = series.step("epoch").at(row);
      const texts = [
        formatCount(series.positions("step").at(row)),
        Number.isNaN(epoch) ? "–" : epoch.toFixed(2),
        formatDuration(series.step("time").at(row)),
        ...readings(row).map(reading => textOf(reading, formatExact)),
      ];
      return rowOf(texts);
    });
    const end = Math.min(model.end ?? 0, window.domain[1]);
    const ahead = spread(Math.max(series.lastStep + 1, window.domain[0]), end, MOST_AHEAD);
    for (const step of ahead) {
      const planned = model.readings(series.length - 1, step);
      const values = planned.map(reading => textOf(reading, formatExact));
      body.push(rowOf([formatCount(step), "–", "–", ...values]));
    }
    this.root.replaceChildren(
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...body),
      ),
    );
  }
}

function rowOf(texts: readonly string[]): HTMLElement {
  return element("tr", {}, ...texts.map(text => element("td", { text })));
}

function spread(first: number, last: number, most: number): number[] {
  const count = Math.min(most, Math.floor(last - first) + 1);
  if (count < 2) return count === 1 ? [first] : [];
  const rows = Array.from({ length: count }, (_, i) => first + ((last - first) * i) / (count - 1));
  return rows.map(Math.round);
}
