import { describe, expect, test } from "vitest";
import { ChartRows } from "../../webview/charts/chartRows.ts";
import { HeatCells } from "../../webview/charts/heatCells.ts";
import type { Window } from "../../webview/charts/model.ts";
import { moduleOrder } from "../../webview/charts/moduleOrder.ts";
import { partWithRows, pixelsOf } from "../../webview/charts/pixelColumns.ts";
import { PixelTable } from "../../webview/charts/pixelTable.ts";
import { Column } from "../../webview/data/column.ts";
import type { Range } from "../../webview/data/scale.ts";

function columnOf(values: readonly number[], precision: 32 | 64 = 64): Column {
  const column = new Column(precision);
  for (const value of values) column.push(value);
  return column;
}

/** Reproducible noise over forty orders of magnitude, with gaps and zeros. */
function wild(length: number): number[] {
  return Array.from({ length }, (_, i) => {
    if (i % 97 === 5) return Number.NaN;
    if (i % 89 === 3) return 0;
    return 10 ** (20 * Math.sin(i * 1.7));
  });
}

function meanOf(values: readonly number[]): number {
  const known = values.filter(value => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Steps from 1, and the part of them that is shown. */
function windowOf(length: number, domain: readonly [number, number]): Window {
  const positions = { length, at: (row: number) => row + 1 };
  return { kind: "step", scale: "linear", domain, positions };
}

test("a column's mean is that of all its numbers, by blocks as one by one", () => {
  const values = wild(1000);
  const column = columnOf(values);
  for (const [from, to] of [
    [0, 1000],
    [63, 65],
    [64, 128],
    [1, 999],
    [130, 131],
    [900, 2000],
  ] as const) {
    const expected = meanOf(values.slice(from, to));
    expect(Math.abs(column.mean(from, to) / expected - 1)).toBeLessThan(1e-14);
  }
  expect(column.mean(5, 6)).toBeNaN();
  expect(columnOf([1, Infinity]).mean(0, 2)).toBe(Infinity);
});

describe("cells of a heat map", () => {
  const clean = columnOf(new Array(5000).fill(0));

  test("are the means of exactly the steps of a column of pixels, at any zoom", () => {
    const values = wild(5000);
    const cells = new HeatCells([{ name: "w", samples: columnOf(values), nonFinite: clean }]);
    for (const [domain, columns] of [
      [[1, 5000], 640],
      [[1, 5000], 7],
      [[1234.5, 2345.6], 320],
      [[4000, 5000], 999],
    ] as const) {
      cells.cut(windowOf(5000, domain), columns);
      const width = (domain[1] - domain[0]) / columns;
      let seen = 0;
      for (let column = 0; column < columns; column++) {
        const [low, high] = [domain[0] + column * width, domain[0] + (column + 1) * width];
        const last = column === columns - 1;
        const inside = values.filter(
          (_, i) => i + 1 >= low && (i + 1 < high || (last && i + 1 <= domain[1])),
        );
        seen += inside.length;
        const expected = meanOf(inside);
        const value = cells.values[column] ?? 0;
        if (Number.isNaN(expected)) expect(value).toBeNaN();
        else expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-12 * expected);
      }
      expect(seen).toBe(cells.steps);
    }
  });

  test("show the step nearest to them where there are fewer steps than pixels", () => {
    const cells = new HeatCells([{ name: "w", samples: columnOf([1, 2, 4]), nonFinite: clean }]);
    cells.cut(windowOf(3, [1, 3]), 8);
    expect([...cells.values]).toEqual([1, 1, 2, 2, 2, 2, 4, 4]);
  });

  test("end half a step behind the last, also where a window goes on", () => {
    const part = (length: number, domain: readonly [number, number]) =>
      partWithRows(windowOf(length, domain)).domain;
    expect(part(100, [1, 100])).toEqual([1, 100]);
    expect(part(100, [50, 300])).toEqual([50, 100.5]);
    expect(part(100, [-40, 60])).toEqual([0.5, 60]);
    expect(part(100, [200, 300])).toEqual([200, 200]);
    // Of one step nobody knows how long it is.
    expect(part(1, [1, 2])).toEqual([1, 2]);
    const [whole, shown] = [windowOf(100, [51, 151]), windowOf(100, [51, 101])];
    expect(pixelsOf(shown, whole, 300)).toBe(150);
    expect(pixelsOf(windowOf(100, [51, 51]), whole, 300)).toBe(1);
  });

  test("are not finite where one step is not, and empty where there was none", () => {
    const samples = columnOf([Number.NaN, Number.NaN, ...new Array(998).fill(1)]);
    const odd = columnOf([Number.NaN, Number.NaN, ...new Array(998).fill(0).fill(3, 500, 501)]);
    const cells = new HeatCells([{ name: "w", samples, nonFinite: odd }]);
    cells.cut(windowOf(1000, [1, 1000]), 500);
    expect(cells.values[0]).toBeNaN();
    expect([...cells.values].filter(value => value === Infinity)).toHaveLength(1);
    expect(cells.values[251]).toBe(Infinity);
    expect(cells.extremes()).not.toContain(Infinity);
  });
});

test("rows lie from the top, and give names as there is room", () => {
  const rows = new ChartRows(["a.weight", "a.bias", "blocks.10.attention.weight"], 1);
  expect([2.9, 1.5, 0.1, -3].map(y => rows.at(y))).toEqual([0, 1, 2, 2]);
  expect(rows.current).toBe(1);
  rows.move(5);
  expect(rows.current).toBe(2);
  expect(rows.ticks(rows.domain, 9, 12)).toEqual({
    values: [2.5, 1.5, 0.5],
    labels: ["a.weight", "a.bias", "…tion.weight"],
  });
  expect(rows.ticks([0, 2], 1, 12).values).toEqual([0.5]);
});

test("tensors of a module follow each other, however an optimizer has them", () => {
  const names = ["emb.weight", "h.0.w", "h.1.w", "head", "h.0.b", "h.1.b", "emb.bias", "h.0.w"];
  expect(moduleOrder(names).map(i => names[i])).toEqual([
    "emb.weight",
    "emb.bias",
    "h.0.w",
    "h.0.w",
    "h.0.b",
    "h.1.w",
    "h.1.b",
    "head",
  ]);
});

describe("pixels by the upper bits of a number", () => {
  /** Of a hundred shades that a domain is cut into. */
  const shade = (value: number, [low, high]: Range) =>
    Math.round((99 * Math.log(value / low)) / Math.log(high / low));

  test.each([
    [1e-6, 1],
    [3.7e-4, 4.1e-3],
    [1e-38, 1e30],
  ])("are those of the number or of the shade beside, from %d to %d", (low, high) => {
    const domain: Range = [low, high];
    const table = new PixelTable(domain, value => Math.min(99, Math.max(0, shade(value, domain))));
    const upper = (value: number) => new Uint32Array(Float64Array.of(value).buffer)[1] ?? 0;
    for (let i = 0; i <= 1000; i++) {
      const value = low * (high / low) ** (i / 1000);
      expect(Math.abs(table.at(upper(value)) - shade(value, domain))).toBeLessThanOrEqual(1);
    }
    expect(table.at(upper(low / 1e3))).toBe(0);
    expect(table.at(upper(high * 1e3))).toBe(99);
  });

  test("of a domain without values are none", () => {
    expect(new PixelTable([Infinity, -Infinity], () => 1).at(0)).toBe(0);
  });
});
