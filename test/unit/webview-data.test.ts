import { describe, expect, test } from "vitest";
import { place } from "../../runtime/protocol/place.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../../runtime/protocol/steps.ts";
import { Column } from "../../webview/data/column.ts";
import {
  formatCount,
  formatDuration,
  formatExact,
  formatRate,
  formatSteps,
  formatValue,
} from "../../webview/data/format.ts";
import { RunSeries, secondsLeft, stepsPerSecond } from "../../webview/data/runSeries.ts";
import { linearTicks, logTicks, stepTicks, yDomain } from "../../webview/data/scale.ts";

/** A number that tells where it stands: step, tensor and column. */
function batch(firstStep: number, count: number, groups = 1, tensorCount = 1): StepBatch {
  const rows = Array.from({ length: count }, (_, row) => firstStep + row);
  const steps = rows.flatMap(step => STEP_COLUMNS.map((_, i) => step + i / 16));
  const lr = rows.flatMap(step => Array.from({ length: groups }, (_, g) => step * 10 + g));
  const tensors = rows.flatMap(step =>
    Array.from({ length: tensorCount }, (_, t) =>
      TENSOR_COLUMNS.map((_, i) => step * 4 + t + i / 32),
    ).flat(),
  );
  return {
    firstStep,
    count,
    groups,
    tensorCount,
    steps: Float64Array.from(steps),
    lr: Float64Array.from(lr),
    tensors: Float32Array.from(tensors),
  };
}

describe("column", () => {
  test("grows and keeps its numbers", () => {
    const column = new Column(64);
    for (let i = 0; i < 5000; i++) column.push(i / 3);
    expect(column.length).toBe(5000);
    for (let i = 0; i < 5000; i++) expect(column.at(i)).toBe(i / 3);
    expect(column.at(-1)).toBeNaN();
    expect(column.at(5000)).toBeNaN();
  });

  test("knows its least number", () => {
    const column = new Column(32);
    for (const value of [2, Number.NaN, -3, 7]) column.push(value);
    expect(column.least).toBe(-3);
  });
});

describe("series of a run", () => {
  test("have each column of the batches", () => {
    const series = new RunSeries();
    expect(series.lastStep).toBe(0);
    expect(series.append(batch(1, 700, 2, 3))).toBe(true);
    expect(series.append(batch(701, 300, 2, 3))).toBe(true);
    expect([series.positions("step").at(0), series.lastStep, series.length]).toEqual([
      1, 1000, 1000,
    ]);
    for (const step of [1, 256, 257, 700, 701, 1000]) {
      const row = step - 1;
      expect(series.step("loss").at(row)).toBe(step + STEP_COLUMNS.indexOf("loss") / 16);
      expect(series.step("time").at(row)).toBe(step + STEP_COLUMNS.indexOf("time") / 16);
      expect(series.lr(1)?.at(row)).toBe(step * 10 + 1);
      const p95 = step * 4 + 2 + TENSOR_COLUMNS.indexOf("effectiveLrP95") / 32;
      expect(series.tensor(2, "effectiveLrP95")?.at(row)).toBe(p95);
    }
    expect(series.tensor(3, "gradNorm")).toBeUndefined();
  });

  test("skip rows that they have, and refuse rows after a gap", () => {
    const series = new RunSeries();
    series.append(batch(1, 10));
    expect(series.append(batch(5, 10))).toBe(true);
    expect(series.lastStep).toBe(14);
    expect(series.step("loss").at(13)).toBe(14);
    expect(series.append(batch(2, 3))).toBe(true);
    expect(series.append(batch(16, 2))).toBe(false);
    expect([series.lastStep, series.step("loss").length]).toEqual([14, 14]);
  });

  test("give tensors and groups that appear later no value before", () => {
    const series = new RunSeries();
    series.append(batch(1, 3, 1, 1));
    series.append(batch(4, 2, 2, 2));
    expect(series.lr(1)?.at(2)).toBeNaN();
    expect(series.lr(1)?.at(3)).toBe(41);
    expect(series.tensor(1, "gradNorm")?.at(2)).toBeNaN();
    expect(series.tensor(1, "gradNorm")?.at(3)).toBe(17);
    series.append(batch(6, 1, 1, 1));
    expect(series.tensor(1, "gradNorm")?.at(5)).toBeNaN();
  });

  test("may begin after the first step", () => {
    const series = new RunSeries();
    series.append(batch(101, 5));
    expect([series.positions("step").at(0), series.lastStep]).toEqual([101, 105]);
  });

  test("of which only logged numbers are known have a row for each step with some", () => {
    const series = new RunSeries();
    const metric = (name: string, step: number, value: number) => {
      return { name, step, value, time: 5000 + step };
    };
    series.addLoggedOnly([
      metric("loss", 100, 2),
      metric("loss", 300, 1),
      metric("accuracy", 200, 0.5),
    ]);
    expect([series.isLoggedOnly, series.length, series.lastStep]).toEqual([true, 3, 300]);
    const rows = [0, 1, 2];
    expect(rows.map(row => series.positions("step").at(row))).toEqual([100, 200, 300]);
    expect(rows.map(row => series.positions("time").at(row))).toEqual([0, 0.1, 0.2]);
    expect(series.metrics.get("loss")?.rows.at(1)).toBe(2);
    expect(series.metrics.get("accuracy")?.rows.at(0)).toBe(1);
  });

  test("give the rate of the last steps", () => {
    const time = new Column(64);
    expect(stepsPerSecond(time, 2000)).toBeNaN();
    time.push(0);
    expect(stepsPerSecond(time, 2000)).toBeNaN();
    time.push(5000);
    expect(stepsPerSecond(time, 2000)).toBeCloseTo(0.2);
    for (let i = 1; i <= 1000; i++) time.push(5000 + i * 4);
    expect(stepsPerSecond(time, 2000)).toBeCloseTo(250);
    expect(stepsPerSecond(time, Number.POSITIVE_INFINITY)).toBeCloseTo(1001 / 9);
  });

  test("give the time that the rest of an epoch takes, at the rate of the last steps", () => {
    const [time, epoch] = [new Column(64), new Column(64)];
    expect(secondsLeft(epoch, time, 2000)).toBeNaN();
    for (let step = 1; step <= 100; step++) {
      // Twice as fast in the second half.
      time.push(step <= 50 ? step * 200 : 10_000 + (step - 50) * 100);
      epoch.push(2 + step / 400);
    }
    expect(secondsLeft(epoch, time, 2000)).toBeCloseTo(30);
    time.push(16_000);
    epoch.push(3);
    expect(secondsLeft(epoch, time, 2000)).toBeNaN();
  });
});

describe("scale", () => {
  test.each([
    [1, "linear", "inside"],
    [-1, "linear", "inside"],
    [-1, "log", "bottom"],
    [0, "log", "bottom"],
    [Number.NaN, "linear", "top"],
    [Number.POSITIVE_INFINITY, "log", "top"],
    [Number.NEGATIVE_INFINITY, "linear", "bottom"],
  ] as const)("%d on a %s axis is %s", (value, scale, where) => {
    expect(place(value, scale)).toBe(where);
  });

  test.each([
    [0.1, 3],
    [-4, 9],
    [0, 0],
    [5, 5],
    [-5, -5],
    [1e-30, 1e30],
    [-1.7e308, 1.7e308],
    [1e-300, 1.0000001e-300],
  ])("a linear domain of %d … %d has a width and room for it", (low, high) => {
    const [from, to] = yDomain(low, high, "linear");
    expect(to).toBeGreaterThan(from);
    expect(Number.isFinite(to - from)).toBe(true);
    if (Math.abs(high) < 1e300) expect(from <= low && to >= high).toBe(true);
    if (low >= 0 && high > low) expect(from).toBeGreaterThanOrEqual(0);
  });

  test.each([
    [0.1, 3],
    [5, 5],
    [1e-30, 1e30],
    [5e-324, 1.7e308],
  ])("a logarithmic domain of %d … %d is positive and wider", (low, high) => {
    const [from, to] = yDomain(low, high, "log");
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(low);
    expect(to).toBeGreaterThan(from);
    expect(Number.isFinite(to)).toBe(true);
  });

  test("there is a domain without values", () => {
    const none = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const;
    expect(yDomain(...none, "linear")).toEqual([0, 1]);
    expect(yDomain(...none, "log")).toEqual([0.1, 1]);
  });

  test("ticks are round and few", () => {
    expect(linearTicks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks([0.05, 0.35], 4)).toEqual([0.1, 0.2, 0.3]);
    expect(linearTicks([-1, 1], 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect(stepTicks([1, 1204], 7)).toEqual([200, 400, 600, 800, 1000, 1200]);
    expect(stepTicks([1, 2], 8)).toEqual([1, 2]);
    expect(logTicks([0.02, 4], 8)).toEqual([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]);
    expect(logTicks([1e-5, 10], 6)).toEqual([1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]);
    expect(logTicks([1e-30, 1e30], 6)).toEqual([1e-30, 1e-20, 1e-10, 1, 1e10, 1e20, 1e30]);
    expect(logTicks([2, 4], 4)).toEqual([2, 2.5, 3, 3.5, 4]);
  });
});

describe("numbers in words", () => {
  test.each([
    [0.231234, "0.2312"],
    [0, "0"],
    [1204, "1204"],
    [123456, "123456"],
    [1234567, "1.235e6"],
    [0.00001204, "1.204e−5"],
    [-2.5, "−2.5"],
    [3, "3"],
    [100, "100"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%d is %s", (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  test("exact values have the digits of a float32", () => {
    expect(formatExact(Math.fround(0.1234567))).toBe("0.1234567");
  });

  test("counts, times and rates", () => {
    expect(formatCount(1204)).toBe("1\u202f204");
    expect(formatCount(1234567)).toBe("1\u202f234\u202f567");
    expect(formatSteps(1)).toBe("1 step");
    expect(formatSteps(184320)).toBe("184\u202f320 steps");
    expect(formatDuration(12_340)).toBe("12.3\u202fs");
    expect(formatDuration(12_000)).toBe("12\u202fs");
    expect(formatDuration(192_000)).toBe("3\u202fmin 12\u202fs");
    expect(formatDuration(3_840_000)).toBe("1\u202fh 04\u202fmin");
    expect(formatRate(412.4)).toBe("412");
    expect(formatRate(8.43)).toBe("8.4");
    expect(formatRate(Number.NaN)).toBe("–");
  });
});
