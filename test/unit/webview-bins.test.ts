import { describe, expect, test } from "vitest";
import { Ema } from "../../runtime/protocol/ema.ts";
import { binRows, type Positions } from "../../webview/data/axis.ts";
import { Bins } from "../../webview/data/bins.ts";
import { Column } from "../../webview/data/column.ts";
import { extents, type Range, type ScaleKind, withoutOutliers } from "../../webview/data/scale.ts";
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

function columnOf(values: readonly number[]): Column {
  const column = new Column(64);
  for (const value of values) column.push(value);
  return column;
}

/** Where steps from `first` stand. */
function stepsOf(values: readonly number[], first: number): Positions {
  return { length: values.length, at: row => first + row };
}

interface Cut {
  readonly limit: number;
  readonly scale?: ScaleKind;
  readonly first?: number;
  readonly domain?: Range;
  readonly xScale?: ScaleKind;
}

function cut(values: readonly number[], { limit, scale = "linear", first = 1, ...more }: Cut) {
  const positions = stepsOf(values, first);
  const whole: Range = [first, Math.max(first + values.length - 1, first + 1)];
  const starts = binRows(positions, more.domain ?? whole, more.xScale ?? "linear", limit);
  const bins = new Bins();
  bins.cut(columnOf(values), starts, scale);
  return { bins, starts };
}

function lineOf(bins: Bins): Point[] {
  const points: Point[] = [];
  bins.line((row, value) => points.push([row, value]));
  return points;
}

function inside(value: number, scale: ScaleKind): boolean {
  return Number.isFinite(value) && (scale === "linear" || value > 0);
}

/** The same line, bin by bin from all values at once. */
function reference(values: readonly number[], starts: readonly number[], scale: ScaleKind) {
  const rows = values.map((value, row): Point => [row, value]);
  const last = starts.length - 2;
  return starts.slice(0, -1).flatMap((start, i) => {
    const drawn = rows.slice(start, starts[i + 1]).filter(([, value]) => inside(value, scale));
    if (drawn.length === 0) return [[start, Number.NaN] as Point];
    const least = drawn.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = drawn.reduce((a, b) => (b[1] > a[1] ? b : a));
    const kept = new Set([least, greatest]);
    if (i === 0) kept.add(drawn[0] as Point);
    if (i === last) kept.add(drawn.at(-1) as Point);
    return [...kept].sort((a, b) => a[0] - b[0]);
  });
}

describe("bins", () => {
  test("are empty without values", () => {
    const { bins } = cut([], { limit: 8 });
    expect(lineOf(bins)).toEqual([]);
    expect(bins.extent()).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test("keep every value while there is room", () => {
    const values = [3, 1, 2, 5];
    expect(lineOf(cut(values, { limit: 8 }).bins)).toEqual(values.map((value, i) => [i, value]));
    expect(lineOf(cut([7], { limit: 8 }).bins)).toEqual([[0, 7]]);
  });

  test.each([
    [1, 8, 1],
    [9, 8, 1],
    [1000, 80, 1],
    [5000, 80, 12345],
    [20_000, 320, 7],
  ])("of %i values in %i bins from step %3$i have the extremes of each", (length, limit, first) => {
    const values = wild(length);
    const last = first + length - 1;
    const part: Range = [first + length / 3, Math.max(first + length / 2, first + length / 3 + 1)];
    for (const scale of ["linear", "log"] as const) {
      for (const domain of [[first, Math.max(last, first + 1)] as Range, part]) {
        for (const xScale of ["linear", "log"] as const) {
          const { bins, starts } = cut(values, { limit, scale, first, domain, xScale });
          expect(bins.length).toBeLessThanOrEqual(limit + 3);
          expect(lineOf(bins)).toEqual(reference(values, starts, scale));
        }
      }
    }
  });

  test("stay as they are while the series grows and the window moves", () => {
    const values = wild(3000);
    const borders = (length: number, domain: Range) => {
      const { starts } = cut(values.slice(0, length), { limit: 100, domain });
      return new Set(starts.slice(1, -1).filter(row => row > domain[0] && row < domain[1] - 64));
    };
    const before = borders(2000, [1000, 2000]);
    const grown = borders(3000, [1100, 2100]);
    for (const row of before) if (row > 1100) expect(grown).toContain(row);
  });

  test.each([
    ["linear", "linear"],
    ["log", "linear"],
    ["linear", "log"],
  ] as const)("of a series that grows are those of a new one (y %s, x %s)", (scale, xScale) => {
    const values = wild(6000);
    const column = new Column(64);
    const bins = new Bins();
    // All of it, then the end of it, then a part that was seen before.
    const windows = [
      (last: number) => [1, last],
      (last: number) => [last - 700, last],
      () => [300, 900],
    ];
    for (let length = 1000, turn = 0; length <= values.length; length += 37, turn++) {
      column.append(values.slice(column.length, length));
      const part = windows[Math.floor(turn / 20) % windows.length]?.(length) as unknown as Range;
      const starts = binRows(stepsOf(values.slice(0, length), 1), part, xScale, 80);
      bins.cut(column, starts, scale);
      const fresh = new Bins();
      fresh.cut(columnOf(values.slice(0, length)), starts, scale);
      expect(lineOf(bins)).toEqual(lineOf(fresh));
      for (let i = 0; i < fresh.length; i++) expect(bins.at(i)).toEqual(fresh.at(i));
    }
  });

  test("that have not changed are not looked at again", () => {
    class Watched extends Column {
      looks = 0;
      override extremes(...asked: Parameters<Column["extremes"]>) {
        this.looks += 1;
        super.extremes(...asked);
      }
    }
    const watched = new Watched(64);
    const bins = new Bins();
    let most = 0;
    for (let length = 10_300; length < 12_000; length += 50) {
      watched.append(wild(length).slice(watched.length));
      const positions = stepsOf(Array.from({ length }), 1);
      watched.looks = 0;
      bins.cut(watched, binRows(positions, [1, length], "linear", 320), "linear");
      if (length > 10_300) most = Math.max(most, watched.looks);
    }
    expect(bins.length).toBeGreaterThan(160);
    // A bin is 64 rows wide: 50 new ones are in two of them.
    expect(most).toBeLessThanOrEqual(2);
  });

  test("of what is no longer known are looked at again", () => {
    const values = wild(2000);
    const column = columnOf(values);
    const bins = new Bins();
    const starts = binRows(stepsOf(values, 1), [1, 2000], "linear", 80);
    bins.cut(column, starts, "linear");
    column.forget(1000);
    bins.cut(column, starts, "linear");
    expect(bins.at(3)?.firstRow).toBe(-1);
    expect(lineOf(bins).filter(([row, value]) => row < 960 && !Number.isNaN(value))).toEqual([]);
  });

  test("show one spike among a hundred thousand values, and its row", () => {
    const values = Array.from({ length: 100_000 }, () => 1);
    values[77_777] = 1e6;
    const { bins } = cut(values, { limit: 320 });
    expect(lineOf(bins)).toContainEqual([77_777, 1e6]);
    expect(bins.extent()).toEqual([1, 1e6]);
  });

  test("know where a value first left the plot, at its top and bottom", () => {
    const values = [1, Number.NaN, 2, 0, Number.POSITIVE_INFINITY, 3, Number.NEGATIVE_INFINITY, 1];
    const { bins } = cut(values, { limit: 2, scale: "log" });
    const odd = Array.from({ length: bins.length }, (_, i) => bins.at(i)).flatMap(bin =>
      bin ? [[bin.topRow, bin.bottomRow]] : [],
    );
    expect(odd.flat().filter(row => row >= 0)).toEqual([1, 4, 3]);
  });

  test("lead a line over both ends of the window", () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    const rows = lineOf(cut(values, { limit: 50, domain: [40.5, 60.5] }).bins).map(([row]) => row);
    expect([rows[0], rows.at(-1)]).toEqual([39, 60]);
  });
});

describe("outliers", () => {
  test("are what lies far from the middle nine tenths", () => {
    const values = Array.from({ length: 100 }, (_, i) => 1 + i / 100);
    expect(withoutOutliers([...values, 500, -40], "linear")).toEqual([1, 1.99]);
    expect(withoutOutliers(values.slice(), "linear")).toEqual([1, 1.99]);
    expect(withoutOutliers([...values, 1e-9], "log")).toEqual([1, 1.99]);
  });

  test("are nothing in a constant with a spike, nor without values", () => {
    expect(withoutOutliers([2, 2, 2, 2, 9], "linear")).toEqual([2, 9]);
    expect(withoutOutliers([], "linear")).toEqual([Infinity, -Infinity]);
  });

  test.each(["linear", "log"] as const)("are those of the definition (%s)", scale => {
    for (const length of [1, 2, 20, 333, 5000]) {
      const values = wild(length).filter(value => inside(value, scale));
      const before = values.slice();
      const found = extents(values, scale);
      expect(values).toEqual(before);
      const sorted = values.toSorted((a, b) => a - b);
      expect(found.extent).toEqual([sorted[0] ?? Infinity, sorted.at(-1) ?? -Infinity]);
      const size = scale === "log" ? Math.log : (value: number) => value;
      const at = (share: number) => size(sorted[Math.round(share * (sorted.length - 1))] ?? NaN);
      const reach = 2 * (at(0.95) - at(0.05));
      const kept = sorted.filter(
        value => size(value) >= at(0.05) - reach && size(value) <= at(0.95) + reach,
      );
      if (reach > 0) expect(found.typical).toEqual([kept[0], kept.at(-1)]);
      else expect(found.typical).toEqual(found.extent);
    }
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
    const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i / 50) + (i % 7));
    const trace = new Trace(columnOf(values), { scale: "linear", smoothing: 0.9 });
    const ema = new Ema(0.9, "linear");
    const expected = values.map(value => ema.next(value));
    const shown = (domain: Range) => {
      trace.cut(binRows(stepsOf(values, 0), domain, "linear", 80));
      const points: Point[] = [];
      trace.smoothLine((row, value) => points.push([row, value]));
      return points;
    };
    for (const points of [shown([0, 4999]), shown([4000, 4100])]) {
      expect(points.length).toBeGreaterThan(40);
      for (const [row, value] of points) expect(value).toBe(expected[row]);
    }
  });

  test.each(["linear", "log"] as const)("that grows is smoothed as one that is new (%s)", scale => {
    const values = wild(4000);
    const column = new Column(64);
    const options = { scale, smoothing: 0.9 };
    const grown = new Trace(column, options);
    const drawn = (trace: Trace, starts: readonly number[]) => {
      trace.cut(starts);
      const points: Point[] = [];
      trace.smoothLine((row, value) => points.push([row, value]));
      return points;
    };
    for (let length = 500; length <= values.length; length += 61) {
      column.append(values.slice(column.length, length));
      const whole = values.slice(0, length);
      const starts = binRows(stepsOf(whole, 1), [1, length], "linear", 80);
      const fresh = new Trace(columnOf(whole), options);
      expect(drawn(grown, starts)).toEqual(drawn(fresh, starts));
    }
  });
});
