import { describe, expect, test } from "vitest";
import { Bins } from "../../webview/data/bins.ts";
import { Column } from "../../webview/data/column.ts";
import { Ema } from "../../webview/data/ema.ts";
import type { ScaleKind } from "../../webview/data/scale.ts";
import { Trace } from "../../webview/data/trace.ts";

type Point = readonly [step: number, value: number];

/** A series with numbers of all sizes, spikes, bursts of NaN and infinities: the same each time. */
function wild(length: number): number[] {
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  return Array.from({ length }, (_, i) => {
    if (i % 97 < 3) return Number.NaN;
    if (i % 211 === 0) return i % 2 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (i % 53 === 0) return -(10 ** (60 * random() - 30));
    return 10 ** (60 * random() - 30);
  });
}

function fill(values: readonly number[], limit: number, scale: ScaleKind = "linear", first = 1) {
  const bins = new Bins(limit, scale);
  for (const [i, value] of values.entries()) bins.add(first + i, value);
  return bins;
}

function lineOf(bins: Bins): Point[] {
  const points: Point[] = [];
  bins.line((step, value) => points.push([step, value]));
  return points;
}

function marksOf(bins: Bins): (readonly [step: number, top: boolean])[] {
  const marks: (readonly [number, boolean])[] = [];
  bins.marks((step, top) => marks.push([step, top]));
  return marks;
}

function inside(value: number, scale: ScaleKind): boolean {
  return Number.isFinite(value) && (scale === "linear" || value > 0);
}

/** The same line, bin by bin from all values at once. */
function reference(values: readonly number[], width: number, scale: ScaleKind, first: number) {
  const steps = values.map((value, i): Point => [first + i, value]);
  const groups = Map.groupBy(steps, ([step]) => Math.floor(step / width));
  const bins = [...groups.values()];
  const points = bins.flatMap((bin, i) => {
    const drawn = bin.filter(([, value]) => inside(value, scale));
    if (drawn.length === 0) return [[Number.NaN, Number.NaN] as Point];
    const least = drawn.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = drawn.reduce((a, b) => (b[1] > a[1] ? b : a));
    const kept = new Set([least, greatest]);
    if (i === 0) kept.add(drawn[0] as Point);
    if (i === bins.length - 1) kept.add(drawn.at(-1) as Point);
    return [...kept].sort((a, b) => a[0] - b[0]);
  });
  return points;
}

describe("bins", () => {
  test("are empty without values", () => {
    const bins = new Bins(8, "linear");
    expect(lineOf(bins)).toEqual([]);
    expect(marksOf(bins)).toEqual([]);
    expect(bins.extent()).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test("keep every value while there is room", () => {
    const values = [3, 1, 2, 5];
    expect(lineOf(fill(values, 8))).toEqual(values.map((value, i) => [i + 1, value]));
    expect(lineOf(fill([7], 8))).toEqual([[1, 7]]);
  });

  test.each([
    [1, 8, 1],
    [9, 8, 1],
    [1000, 80, 1],
    [5000, 80, 1],
    [5000, 80, 12345],
    [20_000, 320, 7],
  ])("of %i values in %i bins from step %3$i have the extremes of each", (length, limit, first) => {
    for (const scale of ["linear", "log"] as const) {
      const values = wild(length);
      const bins = fill(values, limit, scale, first);
      const blank = (points: Point[]) =>
        points.map(([step, value]) => (Number.isNaN(value) ? "gap" : [step, value]));
      expect(blank(lineOf(bins))).toEqual(blank(reference(values, bins.width, scale, first)));
      expect(bins.length).toBeLessThanOrEqual(limit);
      const drawn = values.filter(value => inside(value, scale));
      if (drawn.length > 0) expect(bins.extent()).toEqual([Math.min(...drawn), Math.max(...drawn)]);
    }
  });

  test("are powers of two that start at multiples of themselves and do not change", () => {
    const values = wild(4000);
    const before = fill(values.slice(0, 3000), 80);
    const after = fill(values, 80);
    expect(before.width).toBe(64);
    expect(after.width).toBe(64);
    const complete = Math.floor(3000 / 64) * 64;
    const settled = (bins: Bins) => lineOf(bins).filter(([step]) => step < complete);
    expect(settled(after)).toEqual(settled(before));
  });

  test("show one spike among a hundred thousand values", () => {
    const values = new Array<number>(100_000).fill(1);
    values[77_777] = 1e30;
    const line = lineOf(fill(values, 320));
    expect(line).toContainEqual([77_778, 1e30]);
    expect(line.length).toBeLessThanOrEqual(2 * 320 + 2);
  });

  test("mark what cannot be drawn at the edge where it left", () => {
    const values = [1, Number.NaN, 2, Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 3];
    expect(marksOf(fill(values, 8))).toEqual([
      [2, true],
      [4, false],
      [6, true],
    ]);
    expect(marksOf(fill(values, 8, "log"))).toEqual([
      [2, true],
      [4, false],
      [5, false],
      [6, true],
    ]);
  });

  test("keep a mark for a bin however many bins were joined", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i === 5000 ? Number.NaN : 1));
    expect(marksOf(fill(values, 80))).toEqual([[5001, true]]);
  });
});

describe("moving average", () => {
  /** The definition: weights βⁿ⁻ⁱ over their sum. */
  function weighted(values: readonly number[], weight: number): number {
    const weights = values.map((_, i) => weight ** (values.length - 1 - i));
    const total = weights.reduce((a, b) => a + b);
    return values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0) / total;
  }

  test.each([0.1, 0.9, 0.99])("with weight %d is the weighted mean of all values", weight => {
    const values = Array.from({ length: 300 }, (_, i) => Math.sin(i) + i / 50);
    const ema = new Ema(weight, "linear");
    for (const [i, value] of values.entries()) {
      expect(ema.next(value)).toBeCloseTo(weighted(values.slice(0, i + 1), weight), 9);
    }
  });

  test("is geometric on a logarithmic axis, from 1e-30 to 1e30", () => {
    const exponents = Array.from({ length: 200 }, (_, i) => 30 * Math.cos(i));
    const ema = new Ema(0.9, "log");
    for (const [i, exponent] of exponents.entries()) {
      const smooth = ema.next(10 ** exponent);
      expect(Math.log10(smooth)).toBeCloseTo(weighted(exponents.slice(0, i + 1), 0.9), 9);
    }
  });

  test.each(["linear", "log"] as const)("leaves a constant as it is (%s)", scale => {
    const ema = new Ema(0.99, scale);
    for (let i = 0; i < 2000; i++) expect(ema.next(0.3) / 0.3).toBeCloseTo(1, 12);
  });

  test("goes on after values that cannot be drawn", () => {
    const ema = new Ema(0.5, "linear");
    expect(ema.next(1)).toBe(1);
    expect(ema.next(Number.NaN)).toBeNaN();
    expect(ema.next(Number.POSITIVE_INFINITY)).toBeNaN();
    expect(ema.next(2)).toBeCloseTo((0.5 * 1 + 2) / 1.5, 12);
  });
});

describe("trace", () => {
  test("smooths all values before they are binned", () => {
    const column = new Column(64);
    const trace = new Trace(column, { firstStep: 1, limit: 16, scale: "linear", smoothing: 0.9 });
    const ema = new Ema(0.9, "linear");
    const smooth: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const value = Math.sin(i / 7);
      column.push(value);
      smooth.push(ema.next(value));
      if (i % 10 === 0) trace.update();
    }
    trace.update();
    const points: Point[] = [];
    trace.smooth?.lasts((step, value) => points.push([step, value]));
    expect(points.length).toBeGreaterThan(8);
    for (const [step, value] of points) expect(value).toBe(smooth[step - 1]);
    expect(points.at(-1)).toEqual([1000, smooth[999]]);
  });
});
