import { describe, expect, test } from "vitest";
import { STEP_COLUMNS } from "../../runtime/protocol/steps.ts";
import { BandModel } from "../../webview/charts/bandModel.ts";
import { LinesModel } from "../../webview/charts/linesModel.ts";
import type { Window } from "../../webview/charts/model.ts";
import type { BandRow, MarkRow, PointRow } from "../../webview/charts/pool.ts";
import { StackModel } from "../../webview/charts/stackModel.ts";
import { translated, windowOf, within } from "../../webview/charts/window.ts";
import { type XKind, xTicks } from "../../webview/data/axis.ts";
import { Column } from "../../webview/data/column.ts";
import { RatePlan } from "../../webview/data/ratePlan.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import { PLANNED_SLOT } from "../../webview/slots.ts";
import { DEFAULT_STATE, type ViewState } from "../../webview/viewState.ts";

function columnOf(values: readonly number[]): Column {
  const column = new Column(64);
  for (const value of values) column.push(value);
  return column;
}

function shown<Row extends { readonly x: number }>(rows: readonly object[] | undefined): Row[] {
  return ((rows ?? []) as Row[]).filter(row => !Number.isNaN(row.x)).map(row => ({ ...row }));
}

/** All of the first `length` steps. */
function firstSteps(length: number): Window {
  const positions = { length, at: (row: number) => row + 1 };
  return { kind: "step", scale: "linear", domain: [1, Math.max(2, length)], positions };
}

describe("lines", () => {
  const options = { scale: "linear", smoothing: 0.5, bins: 320 } as const;

  test("fill the rows that they were made with", () => {
    const column = columnOf([4, 2]);
    const model = new LinesModel([{ label: "loss", samples: column }], options);
    const { raw, smooth } = model.dataSets;
    const before = [...(raw ?? [])];
    model.write(firstSteps(2));
    column.push(1);
    const drawn = model.write(firstSteps(3));
    expect(shown<PointRow>(raw).map(({ x, y }) => [x, y])).toEqual([
      [1, 4],
      [2, 2],
      [3, 1],
    ]);
    expect(shown<PointRow>(smooth).map(({ x }) => x)).toEqual([1, 2, 3]);
    expect(raw?.every((row, i) => row === before[i])).toBe(true);
    expect(drawn).toEqual({ extent: [1, 4], typical: [1, 4], points: 3, values: 3 });
    expect(model.readings(1)).toEqual([{ label: "loss", slot: 0, value: 2 }]);
  });

  test("have a dot where there is one value alone, which no line can show", () => {
    const column = columnOf([4]);
    const model = new LinesModel([{ label: "loss", samples: column }], options);
    model.write(firstSteps(1));
    expect(shown<PointRow>(model.dataSets.lone)).toEqual([{ x: 1, y: 4, slot: 0 }]);
    column.push(2);
    model.write(firstSteps(2));
    expect(shown(model.dataSets.lone)).toEqual([]);
  });

  test("hide the rows that are no longer used", () => {
    const column = columnOf(Array.from({ length: 320 }, (_, i) => i));
    const model = new LinesModel([{ label: "loss", samples: column }], options);
    model.write(firstSteps(320));
    expect(shown(model.dataSets.smooth)).toHaveLength(320);
    for (let i = 0; i < 3; i++) column.push(320 + i);
    model.write(firstSteps(323));
    const rows = shown<PointRow>(model.dataSets.smooth);
    expect(rows.length).toBeLessThan(170);
    expect(rows.at(-1)?.x).toBe(323);
  });

  test("stand where they were measured, if that was not at every step", () => {
    const rows = columnOf([0, 0, 9]);
    const model = new LinesModel([{ label: "val", samples: columnOf([3, 2, 1]), rows }], options);
    expect(model.write(firstSteps(20))).toMatchObject({ points: 3, values: 3 });
    expect(shown<PointRow>(model.dataSets.raw).map(({ x, y }) => [x, y])).toEqual([
      [1, 3],
      [1, 2],
      [10, 1],
    ]);
    expect([0, 8, 9, 19].map(row => model.readings(row)[0]?.value)).toEqual([2, 2, 1, 1]);
  });

  test("mark at the edge what the y axis leaves out", () => {
    const model = new LinesModel([{ label: "loss", samples: columnOf([1, 90, 2, -5]) }], options);
    model.write(firstSteps(4));
    model.mark(firstSteps(4), [0, 10]);
    expect(shown<MarkRow>(model.dataSets.marks)).toEqual([
      { x: 2, top: true, outlier: true },
      { x: 4, top: false, outlier: true },
    ]);
    model.mark(firstSteps(4), [-10, 100]);
    expect(shown(model.dataSets.marks)).toEqual([]);
  });

  test("never need more rows than there are", () => {
    const noisy = columnOf(Array.from({ length: 50_000 }, (_, i) => Math.sin(i * 7.7)));
    const lines = Array.from({ length: 7 }, (_, i) => ({ label: `${i}`, samples: noisy }));
    const model = new LinesModel(lines, options);
    const { points, values } = model.write(firstSteps(50_000));
    expect(values).toBe(50_000);
    expect(points).toBeLessThan(200);
    for (let slot = 0; slot < 7; slot++) {
      const rows = shown<PointRow>(model.dataSets.raw).filter(row => row.slot === slot);
      expect(rows.at(-1)?.x).toBe(50_000);
    }
  });
});

describe("a planned line", () => {
  const options = { scale: "linear", smoothing: 0, bins: 320 } as const;
  const planned = [{ group: 0, steps: [1, 11, 21], lr: [0, 1, 0], isOpen: false }];
  const plan = new RatePlan();
  plan.show({ status: "running", planned });
  const modelOf = (values: readonly number[]) => {
    const samples = columnOf(values);
    const line = { label: "η", samples, planned: { label: "planned", plan, group: 0 } };
    return { samples, model: new LinesModel([line], options) };
  };
  const ahead = (model: LinesModel) =>
    shown<PointRow>(model.dataSets.raw).filter(({ slot }) => slot === PLANNED_SLOT);
  const until = (length: number, domain: readonly [number, number] = [1, 21]): Window => {
    return { ...firstSteps(length), domain };
  };

  test("is there before the first step, and gives way to what was measured", () => {
    const { samples, model } = modelOf([]);
    expect(model.end).toBe(21);
    expect(model.write(until(0)).extent).toEqual([0, 1]);
    expect(ahead(model)[0]).toMatchObject({ x: 1, y: 0 });
    expect(ahead(model).find(({ x }) => x === 11)?.y).toBe(1);
    expect(ahead(model).at(-1)).toMatchObject({ x: 21, y: 0 });
    expect(model.readings(-1)).toMatchObject([
      { label: "η", absent: "–" },
      { label: "planned", slot: PLANNED_SLOT, value: 0 },
    ]);
    for (let step = 1; step <= 6; step++) samples.push((step - 1) / 10);
    model.write(until(6));
    // It begins where the other ends.
    expect(ahead(model)[0]).toMatchObject({ x: 6, y: 0.5 });
    expect(model.readings(5).map(({ value }) => value)).toEqual([0.5, 0.5]);
    expect(model.readings(5, 16)[1]).toMatchObject({ label: "planned", value: 0.5 });
    expect(model.readings(5, 30)[1]).toMatchObject({ absent: "–" });
  });

  test("has no points outside of what is shown, and none when all of it has come", () => {
    const { model } = modelOf(Array.from({ length: 6 }, () => 0.1));
    model.write(until(6, [3, 9]));
    const at = ahead(model).map(({ x }) => x);
    expect([at[0], at.at(-1)]).toEqual([6, 9]);
    const whole = modelOf(Array.from({ length: 21 }, () => 0.1)).model;
    whole.write(until(21));
    expect(ahead(whole)).toEqual([]);
  });

  test("bends on a logarithmic axis, where a straight line is none", () => {
    const { samples } = modelOf([0.1]);
    const line = { label: "η", samples, planned: { label: "planned", plan, group: 0 } };
    const model = new LinesModel([line], { ...options, scale: "log" });
    model.write({ ...until(1), scale: "log" });
    const points = ahead(model);
    const worst = points.map(({ x, y }) => Math.abs(y - (x <= 11 ? x - 1 : 21 - x) / 10));
    expect(Math.max(...worst)).toBeLessThan(1e-12);
    expect(points.length).toBeGreaterThan(100);
  });

  test("is in no chart of a run that is over when it would have gone on for ever", () => {
    const other = new RatePlan();
    const open = planned.map(each => ({ ...each, isOpen: true }));
    other.show({ status: "running", planned: open });
    expect(other.end).toBe(21);
    other.show({ status: "completed", planned: open });
    expect([other.end, other.has(0)]).toEqual([0, false]);
    other.show({ status: "stopped", planned });
    expect(other.end).toBe(21);
  });
});

describe("band", () => {
  const of = (p5: number[], p50: number[], p95: number[], scale: "linear" | "log") =>
    new BandModel({ p5: columnOf(p5), p50: columnOf(p50), p95: columnOf(p95) }, scale, 400);

  test("goes from p5 to p95, with the median", () => {
    const model = of([1, 2], [3, 4], [5, 6], "linear");
    const drawn = model.write(firstSteps(2));
    expect(shown<BandRow>(model.dataSets.band)).toEqual([
      { x: 1, low: 1, mid: 3, high: 5 },
      { x: 2, low: 2, mid: 4, high: 6 },
    ]);
    expect(drawn.extent).toEqual([1, 6]);
    expect(model.readings(1).map(({ label, value }) => [label, value])).toEqual([
      ["median", 4],
      ["p5", 2],
      ["p95", 6],
    ]);
  });

  test("reaches below a logarithmic axis where its lower edge is zero", () => {
    const model = of([1e-3, 1e-30, 0], [0.1, 0.1, 0.1], [1, 1, 1], "log");
    const { extent } = model.write(firstSteps(3));
    const lows = shown<BandRow>(model.dataSets.band).map(({ low }) => low);
    expect(lows[0]).toBe(1e-3);
    expect(lows[2]).toBeGreaterThan(0);
    const [low, high] = extent;
    expect(low).toBeCloseTo(1e-4, 12);
    expect(high).toBe(1);
    expect(lows[2]).toBeLessThan(low);
  });

  test("marks a median that cannot be drawn", () => {
    const model = of([1, 1, 1], [1, Number.NaN, 0], [1, 1, 1], "log");
    model.write(firstSteps(3));
    model.mark(firstSteps(3), [0.5, 2]);
    expect(shown<MarkRow>(model.dataSets.marks)).toEqual([
      { x: 2, top: true, outlier: false },
      { x: 3, top: false, outlier: false },
    ]);
  });
});

describe("stack", () => {
  const layers = [
    { label: "forward", samples: columnOf([1, 3, Number.NaN]) },
    { label: "step", samples: columnOf([2, 4, 6]) },
  ];

  test("has each part above the one before, and stops where one is not known", () => {
    const model = new StackModel(layers, 320);
    const drawn = model.write(firstSteps(3));
    const rows = model.dataSets.stack.filter(({ x }) => !Number.isNaN(x));
    expect(rows.map(({ x, low, high, slot }) => [slot, x, low, high])).toEqual([
      [0, 1, 0, 1],
      [0, 2, 0, 3],
      [0, 3, 0, Number.NaN],
      [1, 1, 1, 3],
      [1, 2, 3, 7],
      [1, 3, Number.NaN, Number.NaN],
    ]);
    expect(drawn).toEqual({ extent: [0, 7], typical: [0, 7], points: 3, values: 3 });
    expect(model.readings(1).map(({ value, slot }) => [value, slot])).toEqual([
      [3, 0],
      [4, 1],
    ]);
    model.mark(firstSteps(3), [0, 5]);
    expect(shown<MarkRow>(model.dataSets.marks)).toEqual([{ x: 2, top: true, outlier: true }]);
  });

  test("has the mean of the steps of a bin", () => {
    const samples = columnOf(Array.from({ length: 10_000 }, (_, i) => i % 10));
    const model = new StackModel([{ label: "forward", samples }], 100);
    model.write(firstSteps(10_000));
    const highs = model.dataSets.stack.filter(({ x }) => !Number.isNaN(x)).map(({ high }) => high);
    expect(highs.length).toBeLessThan(103);
    for (const high of highs.slice(1, -1)) expect(Math.abs(high - 4.5)).toBeLessThan(0.2);
  });
});

describe("window", () => {
  const series = new RunSeries();
  const row = (step: number) =>
    ({ epoch: step / 10, time: step * 500, samples: step * 32 }) as Record<string, number>;
  const steps = Array.from({ length: 100 }, (_, i) => i + 1);
  series.append({
    firstStep: 1,
    count: 100,
    groups: 0,
    tensorCount: 0,
    steps: Float64Array.from(steps.flatMap(n => STEP_COLUMNS.map(name => row(n)[name] ?? 0))),
    lr: new Float64Array(),
    tensors: new Float32Array(),
  });

  test("is all of the run, a part of it, or one that ends with it", () => {
    const of = (change: Partial<ViewState>) =>
      windowOf(series, { ...DEFAULT_STATE, ...change }).domain;
    expect(of({})).toEqual([1, 100]);
    expect(of({ x: "epoch" })).toEqual([0.1, 10]);
    expect(of({ x: "samples" })).toEqual([32, 3200]);
    expect(of({ x: "time", zoom: [2, 3] })).toEqual([2, 3]);
    expect(of({ zoom: [20, 30], follows: true })).toEqual([90, 100]);
    expect(of({ zoom: [20, 40], follows: true, xScale: "log" })).toEqual([50, 100]);
  });

  test("stays in the run, and shows the same steps on another axis", () => {
    for (const [part, moved] of [
      [
        [-10, 20],
        [1, 31],
      ],
      [
        [90, 110],
        [80, 100],
      ],
      [
        [40, 50],
        [40, 50],
      ],
    ] as const) {
      const [low, high] = within(part, [1, 100], "linear") ?? [];
      expect(low).toBeCloseTo(moved[0]);
      expect(high).toBeCloseTo(moved[1]);
    }
    expect(within([-10, 120], [1, 100], "linear")).toBeUndefined();
    expect(within([50, 200], [1, 100], "log")?.[1]).toBeCloseTo(100);
    const at = (kind: XKind) => series.positions(kind);
    expect(translated([10, 20], at("step"), at("time"))).toEqual([5, 10]);
  });

  test("has round numbers in the unit that fits", () => {
    expect(xTicks("time", [0, 50], "linear", 6)).toEqual({
      values: [0, 10, 20, 30, 40, 50],
      labels: ["0", "10", "20", "30", "40", "50"],
      title: "seconds",
    });
    expect(xTicks("time", [0, 7200 * 3], "linear", 6)).toMatchObject({ title: "hours" });
    expect(xTicks("step", [1, 5000], "log", 4).labels).toEqual(["1", "10", "100", "1\u202f000"]);
  });
});
