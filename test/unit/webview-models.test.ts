import { describe, expect, test } from "vitest";
import { BandModel } from "../../webview/charts/bandModel.ts";
import { LinesModel } from "../../webview/charts/linesModel.ts";
import type { BandRow, MarkRow, PointRow } from "../../webview/charts/pool.ts";
import { Column } from "../../webview/data/column.ts";

function columnOf(values: readonly number[]): Column {
  const column = new Column(64);
  for (const value of values) column.push(value);
  return column;
}

function shown<Row extends { readonly x: number }>(rows: readonly object[] | undefined): Row[] {
  return ((rows ?? []) as Row[]).filter(row => !Number.isNaN(row.x)).map(row => ({ ...row }));
}

describe("lines", () => {
  const options = { firstStep: 1, scale: "linear", smoothing: 0.5 } as const;

  test("fill the rows that they were made with", () => {
    const column = columnOf([4, 2]);
    const model = new LinesModel([{ label: "loss", column }], options);
    const { raw, smooth } = model.dataSets;
    const before = [...(raw ?? [])];
    model.write();
    column.push(1);
    model.write();
    expect(shown<PointRow>(raw).map(({ x, y }) => [x, y])).toEqual([
      [1, 4],
      [2, 2],
      [3, 1],
    ]);
    expect(shown<PointRow>(smooth).map(({ x }) => x)).toEqual([1, 2, 3]);
    expect(raw?.every((row, i) => row === before[i])).toBe(true);
    expect(model.extent()).toEqual([1, 4]);
    expect(model.readings(1)).toEqual([{ label: "loss", slot: 0, value: 2 }]);
  });

  test("hide the rows that are no longer used", () => {
    const column = columnOf(Array.from({ length: 320 }, (_, i) => i));
    const model = new LinesModel([{ label: "loss", column }], options);
    model.write();
    expect(shown(model.dataSets.smooth)).toHaveLength(320);
    for (let i = 0; i < 3; i++) column.push(320 + i);
    model.write();
    const rows = shown<PointRow>(model.dataSets.smooth);
    expect(rows.length).toBeLessThan(170);
    expect(rows.at(-1)?.x).toBe(323);
  });

  test("never need more rows than there are", () => {
    const noisy = columnOf(Array.from({ length: 50_000 }, (_, i) => Math.sin(i * 7.7)));
    const lines = Array.from({ length: 7 }, (_, i) => ({ label: `${i}`, column: noisy }));
    const model = new LinesModel(lines, options);
    model.write();
    for (let slot = 0; slot < 7; slot++) {
      const rows = shown<PointRow>(model.dataSets.raw).filter(row => row.slot === slot);
      expect(rows.at(-1)?.x).toBe(50_000);
    }
  });
});

describe("band", () => {
  const of = (p5: number[], p50: number[], p95: number[], scale: "linear" | "log") =>
    new BandModel({ p5: columnOf(p5), p50: columnOf(p50), p95: columnOf(p95) }, 1, scale);

  test("goes from p5 to p95, with the median", () => {
    const model = of([1, 2], [3, 4], [5, 6], "linear");
    model.write();
    expect(shown<BandRow>(model.dataSets.band)).toEqual([
      { x: 1, low: 1, mid: 3, high: 5 },
      { x: 2, low: 2, mid: 4, high: 6 },
    ]);
    expect(model.extent()).toEqual([1, 6]);
    expect(model.readings(1).map(({ label, value }) => [label, value])).toEqual([
      ["median", 4],
      ["p5", 2],
      ["p95", 6],
    ]);
  });

  test("reaches below a logarithmic axis where its lower edge is zero", () => {
    const model = of([1e-3, 1e-30, 0], [0.1, 0.1, 0.1], [1, 1, 1], "log");
    model.write();
    const lows = shown<BandRow>(model.dataSets.band).map(({ low }) => low);
    expect(lows[0]).toBe(1e-3);
    expect(lows[2]).toBeGreaterThan(0);
    const [low, high] = model.extent();
    expect(low).toBeCloseTo(1e-4, 12);
    expect(high).toBe(1);
    expect(lows[2]).toBeLessThan(low);
  });

  test("marks a median that cannot be drawn", () => {
    const model = of([1, 1, 1], [1, Number.NaN, 0], [1, 1, 1], "log");
    model.write();
    expect(shown<MarkRow>(model.dataSets.marks)).toEqual([
      { x: 2, top: true },
      { x: 3, top: false },
    ]);
  });
});
