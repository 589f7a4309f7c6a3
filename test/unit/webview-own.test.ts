/** Charts that the user writes: what is read of a specification, and which rows of a run stand for all. */
import { describe, expect, test } from "vitest";
import { rowsIn } from "../../webview/data/axis.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import {
  columnsOf,
  MOST_ROWS,
  type RunColumn,
  sampledRows,
  valueAt,
} from "../../webview/own/columns.ts";
import { MOST_TEXT } from "../../webview/own/ownChart.ts";
import { OwnRows } from "../../webview/own/rows.ts";
import { readSpec, unknownColumn, usedColumns } from "../../webview/own/spec.ts";
import { parseViewState } from "../../webview/viewState.ts";
import { pageBatch } from "../e2e/page-run.ts";

const KNOWN = new Map(
  ["step", "loss", "gradNorm", "val/loss", "a.b"].map(name => [name, undefined]),
);

const read = (spec: object) => readSpec(JSON.stringify(spec));
const problemOf = (spec: object) => unknownColumn(read(spec), KNOWN);
const line = (field: string) => ({ mark: "line", encoding: { y: { field } } });

describe("a specification", () => {
  test("draws the run, and gives its title to the card", () => {
    const { spec, title } = read({ title: { text: ["two", "lines"] }, ...line("loss") });
    expect(title).toBe("two lines");
    expect(spec).toEqual({ data: { name: "run" }, ...line("loss") });
  });

  test("uses the columns that it names, in encodings, transforms and expressions", () => {
    const spec = read({
      transform: [
        { filter: "datum.step > 3" },
        { calculate: "datum['val/loss'] / 2", as: "half" },
        { fold: ["loss", "gradNorm"] },
      ],
      mark: "line",
      encoding: { x: { field: "step" }, y: { field: "value" }, detail: { field: "half" } },
    });
    expect(usedColumns(spec, KNOWN)).toEqual(["step", "loss", "gradNorm", "val/loss"]);
    expect(unknownColumn(spec, KNOWN)).toBeUndefined();
    expect(usedColumns(read({ repeat: ["loss"], spec: line("loss") }), KNOWN)).toEqual(["loss"]);
  });

  test("that uses a column that there is not is told so", () => {
    expect(problemOf(line("los"))).toBe("This run has no column “los”.");
    expect(problemOf({ transform: [{ filter: "datum.nothing > 1" }], mark: "bar" })).toBe(
      "This run has no column “nothing”.",
    );
    expect(problemOf({ repeat: { row: ["loss", "lost"] }, spec: {} })).toBe(
      "This run has no column “lost”.",
    );
    expect(problemOf(line("a\\.b"))).toBeUndefined();
    expect(problemOf(line("a.b"))).toBe(
      'In “a.b” a dot leads into an object: the column is written "a\\\\.b".',
    );
  });

  test("may name what it makes itself, and what its own rows have", () => {
    const made = [
      { layer: [line("loss"), { data: { values: [{ limit: 1 }] }, ...line("limit") }] },
      { datasets: { mine: [{ q: 1 }] }, data: { name: "mine" }, ...line("q") },
      { transform: [{ pivot: "loss", value: "step" }], ...line("0.5") },
      { transform: [{ density: "loss" }], ...line("density") },
      { ...line("mean_val_loss") },
      {
        mark: "point",
        params: [{ name: "brush", select: { type: "interval", on: "pointerdown" } }],
      },
    ];
    for (const spec of made) expect(problemOf(spec), JSON.stringify(spec)).toBeUndefined();
  });

  test.each([
    ['{"mark": "line",}', /^This is not JSON: /],
    ["3", "A Vega-Lite specification is a JSON object: { … }."],
    [
      '{"$schema":"https://vega.github.io/schema/vega/v6.json","marks":[]}',
      "This is a specification of Vega; a chart here is one of Vega-Lite.",
    ],
    [
      '{"mark":"line","data":{"url":"a.csv"}}',
      "data.url: nothing is fetched. Without data a chart draws the run's own; others can stand in data.values.",
    ],
    [
      '{"mark":"line","transform":[{"lookup":"step","from":{"data":{"url":"a.csv"},"key":"k"}}]}',
      /^transform\[0\]\.from\.data\.url: nothing is fetched/,
    ],
    [
      '{"layer":[{"mark":"line","data":{"name":"runs"}}]}',
      "layer[0].data.name: there is no data “runs”. Those of the run are “run”.",
    ],
    ['{"mark":{"type":"lines"}}', /^mark: there is no mark “lines”\. Vega-Lite has arc, /],
  ])("that is none says why: %s", (text, message) => {
    expect(() => readSpec(text)).toThrow(message);
  });

  test("is kept with the view, as many as there is room for", () => {
    const chart = { id: "own-1", text: "{}" };
    const ownCharts = [chart, { id: "own-2", text: " ".repeat(MOST_TEXT) }, { id: 3 }, "x"];
    expect(parseViewState({ ownCharts }).ownCharts).toEqual([chart]);
    expect(parseViewState({ ownCharts: 3 }).ownCharts).toEqual([]);
  });
});

/** A run of formulas, with a spike at one step. */
function runOf(steps: number): RunSeries {
  const series = new RunSeries();
  series.append(pageBatch(1, steps, [77]));
  for (let step = 50; step <= steps; step += 50) {
    series.addMetric({ name: "val/loss", step, value: step === 5050 ? 1000 : step, time: 0 });
  }
  return series;
}

function windowOf(series: RunSeries, domain: readonly [number, number]) {
  return { kind: "step", scale: "linear", positions: series.positions("step"), domain } as const;
}

function named(columns: ReadonlyMap<string, RunColumn>, ...names: string[]): RunColumn[] {
  return names.flatMap(name => columns.get(name) ?? []);
}

describe("rows of a run", () => {
  const series = runOf(20_000);
  const columns = columnsOf(series, 1);

  test("have the values of its columns, and none where there is none", () => {
    const at = (name: string, row: number) => named(columns, name).map(each => valueAt(each, row));
    expect(at("step", 99)).toEqual([100]);
    expect(at("loss", 76)).toEqual([null]);
    expect(at("val/loss", 99)).toEqual([100]);
    expect(at("val/loss", 100)).toEqual([null]);
    expect(at("tensor/stepSizeP95", 9)).toEqual([series.tensor(1, "stepSizeP95")?.at(9)]);
    expect(at("lr", 9)).toEqual([series.lr(0)?.at(9)]);
  });

  test("are all of them where they are few, and else those with every extreme", () => {
    const used = named(columns, "step", "loss", "val/loss");
    const near = windowOf(series, [101, 1100]);
    expect(sampledRows(used, near, 2000)).toEqual(Array.from({ length: 1000 }, (_, i) => 100 + i));

    const whole = windowOf(series, [1, 20_000]);
    const rows = sampledRows(used, whole, 2000);
    expect(rows.length).toBeGreaterThan(500);
    expect(rows.length).toBeLessThanOrEqual(2000);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    const loss = series.step("loss");
    const all = Array.from({ length: 20_000 }, (_, row) => row).filter(row => row !== 76);
    const least = all.reduce((best, row) => (loss.at(row) < loss.at(best) ? row : best));
    const greatest = all.reduce((best, row) => (loss.at(row) > loss.at(best) ? row : best));
    for (const row of [0, 19_999, least, greatest, 5049]) expect(rows).toContain(row);
  });

  test("stay within a window", () => {
    const window = windowOf(series, [5000.5, 15_000.5]);
    const [from, to] = rowsIn(window.positions, window.domain);
    const rows = sampledRows(named(columns, "step", "gradNorm"), window, 200);
    expect([rows.at(0), rows.at(-1)]).toEqual([from, to - 1]);
  });

  test("are objects that are made once; those that are not in use have no step", () => {
    const own = new OwnRows(["loss"]);
    const before = [...own.rows];
    const whole = own.write(columns, windowOf(series, [1, 20_000]));
    expect(whole.of).toBe(20_000);
    expect(whole.drawn).toBeLessThanOrEqual(MOST_ROWS);
    expect(own.rows.filter(({ step }) => step !== null)).toHaveLength(whole.drawn);
    expect(own.write(columns, windowOf(series, [10, 19]))).toEqual({ drawn: 10, of: 10 });
    expect(own.rows.filter(({ step }) => step !== null).map(({ step }) => step)).toEqual(
      Array.from({ length: 10 }, (_, i) => 10 + i),
    );
    expect(own.rows.every((row, i) => row === before[i])).toBe(true);
  });

  test("of a run of which only logged numbers are known are those at which there are some", () => {
    const imported = new RunSeries();
    imported.addLoggedOnly([
      { name: "train/loss", step: 10, value: 2, time: 0 },
      { name: "train/loss", step: 30, value: 1, time: 2000 },
    ]);
    expect([...columnsOf(imported, 0).keys()]).toEqual(["step", "time", "train/loss"]);
  });
});
