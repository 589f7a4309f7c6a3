/** What is known of all parameters of a long run: its bins and moving averages are those of a plain reference. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  finiteCount,
  HAS_NAN,
  HAS_NEGATIVE_INFINITY,
  HAS_POSITIVE_INFINITY,
  has,
} from "../../runtime/protocol/bins.ts";
import type { CurveName, CurveRequest } from "../../runtime/protocol/curves.ts";
import { averageOf } from "../../runtime/protocol/ema.ts";
import type { ScaleKind } from "../../runtime/protocol/place.ts";
import type { StepColumn } from "../../runtime/protocol/steps.ts";
import { Averages } from "../../runtime/store/averages.ts";
import { RUN_DATABASE } from "../../runtime/store/paths.ts";
import { openRun, type RunReader } from "../../runtime/store/reader.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { batchOf, CURVE_NAMES, curveAt, cutBatches, damage, longRun, store } from "./long-run.ts";

const LAST = 31_000;

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-curves-"));
});

afterAll(() => rmSync(project, { recursive: true }));

/** What each name is to have at a step. */
const VALUES: readonly (readonly [CurveName, (step: number) => number])[] = [
  ...(["loss", ...CURVE_NAMES] satisfies StepColumn[]).map(
    name => [name, (step: number) => curveAt(name, step)] as const,
  ),
  ["stepRate", step => 1000 / curveAt("stepMs", step)],
  ["gpuMemory", step => curveAt("gpuBytes", step) / 2 ** 20],
  [
    "updateMs",
    step =>
      curveAt("stepMs", step) -
      curveAt("forwardMs", step) -
      curveAt("backwardMs", step) -
      curveAt("waitMs", step),
  ],
  ["lr/1", step => 2 + (2 * step + 1) / 1e6],
];

/** A bin in the plainest way. */
function binOf(values: readonly number[]) {
  const finite = values.filter(Number.isFinite);
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const size = finite.reduce((sum, value) => sum + Math.abs(value), 0) / finite.length;
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const has = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(kind =>
    values.includes(kind),
  );
  return { low, high, mean, size, count: finite.length, has };
}

function stepsOf(bin: number, width: number, first: number, last = LAST): readonly number[] {
  const from = Math.max(first, bin * width);
  const to = Math.min(last, (bin + 1) * width - 1);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

function compare(
  reader: RunReader,
  request: CurveRequest,
  valueAt: (step: number) => number,
  first: number,
  last = LAST,
): void {
  const bins = reader.curveBins(request);
  expect(bins.last).toBe(
    Math.min(last, (Math.floor(request.to / request.width) + 1) * request.width - 1),
  );
  for (const [i, mean] of bins.mean.entries()) {
    const steps = stepsOf(bins.first + i, request.width, first, last);
    const expected = binOf(steps.map(valueAt));
    const info = bins.info[i] ?? 0;
    expect(finiteCount(info)).toBe(expected.count);
    const kinds = [HAS_NAN, HAS_POSITIVE_INFINITY, HAS_NEGATIVE_INFINITY];
    expect(kinds.map(kind => has(info, kind))).toEqual(expected.has);
    if (expected.count === 0) {
      expect(mean).toBeNaN();
      continue;
    }
    expect([(bins.low[i] ?? 0) + 0, (bins.high[i] ?? 0) + 0]).toEqual([
      expected.low + 0,
      expected.high + 0,
    ]);
    expect(Math.abs(mean - expected.mean)).toBeLessThanOrEqual(expected.size * 2 ** -40);
  }
}

/** The debiased average of all values up to a step, in the plainest way. */
function plainAverages(
  valueAt: (step: number) => number,
  first: number,
  weight: number,
  scale: ScaleKind,
): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let [mean, seen] = [0, 0];
  for (let step = first; step <= LAST; step++) {
    const value = valueAt(step);
    if (Number.isFinite(value) && (scale === "linear" || value > 0)) {
      mean = weight * mean + (1 - weight) * (scale === "log" ? Math.log(value) : value);
      seen += 1;
    }
    const smooth = mean / (1 - weight ** seen);
    found.set(step, scale === "log" ? Math.exp(smooth) : smooth);
  }
  return found;
}

describe.each([
  ["from the first step", 1],
  ["from where a run begins that goes on from another", 5001],
])("over all parameters of a long run, %s", (_, first) => {
  let reader: RunReader;

  beforeAll(() => {
    reader = openRun(store(project, cutBatches(first, LAST)));
  });

  afterAll(() => reader.close());

  test.each(VALUES)("%s has the bins of the reference", (name, valueAt) => {
    for (const width of [2, 32, 64, 256, 1024, 4096, 65_536]) {
      const from = width < 64 ? LAST - 9000 : first;
      compare(reader, { name, width, from, to: LAST }, valueAt, first);
    }
    compare(reader, { name, width: 128, from: 9000, to: 13_000 }, valueAt, first);
  });

  test.each(VALUES)("%s has its single steps, those that are not finite, too", (name, valueAt) => {
    const request = { name, width: 1, from: LAST - 9000, to: LAST + 5 };
    const { first: from, mean, last } = reader.curveBins(request);
    expect([from, last]).toEqual([LAST - 9000, LAST]);
    const expected = Array.from({ length: 9001 }, (_, i) => valueAt(from + i));
    expect([...mean]).toEqual([...expected, ...Array(5).fill(Number.NaN)]);
  });

  test("totals are those of all steps", () => {
    const totals = new Map(reader.totals().map(total => [total.name, total]));
    for (const [name, valueAt] of VALUES) {
      const steps = stepsOf(0, LAST + 1, first);
      const values = steps.map(valueAt).filter(value => !Number.isNaN(value));
      const odd = steps.find(step => !Number.isFinite(valueAt(step)));
      expect(totals.get(name)).toEqual({
        name,
        least: values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
        greatest: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
        firstOdd: odd ?? 0,
      });
    }
  });

  test.each([
    [0.9, "log"],
    [0.9, "linear"],
    [0.99, "linear"],
    [0.3, "log"],
  ] as const)(
    "moving averages of weight %d are those of all steps, on a %s axis",
    (weight, scale) => {
      const averages = new Averages();
      for (const [name, valueAt] of VALUES) {
        const expected = plainAverages(valueAt, first, weight, scale);
        const largest = Math.max(...[...expected.values()].filter(Number.isFinite).map(Math.abs));
        for (const [width, from, to] of [
          [1024, first, LAST],
          [64, 9000, 13_000],
          [8, 12_345, 13_000],
          [1, LAST - 700, LAST],
        ] as const) {
          const request = { name, width, from, to };
          const bins = reader.curveBins(request);
          const smoothing = { weight, scale };
          const found = averages.of(reader, request, smoothing, bins.first, bins.mean.length);
          for (const [i, mean] of found.averages.entries()) {
            const step = Math.min(LAST, (bins.first + i + 1) * width - 1);
            const average = averageOf({ mean, bias: found.biases[i] ?? 0 }, scale);
            const wanted = expected.get(step) ?? Number.NaN;
            if (Number.isNaN(wanted)) expect(average).toBeNaN();
            else expect(Math.abs(average - wanted)).toBeLessThanOrEqual(largest * 1e-12);
          }
        }
      }
    },
  );
});

describe("a long run", () => {
  test("that goes on has further bins and averages", () => {
    const folder = mkdtempSync(join(project, "run-"));
    let record = longRun();
    const writer = new RunWriter(folder, record, "");
    const add = (from: number, to: number) => {
      const batch = batchOf(from, to);
      record = afterBatch(record, batch);
      writer.add({ record, batches: [batch], logs: [], metrics: [] });
    };
    const reader = openRun(folder);
    const averages = new Averages();
    const expected = plainAverages(step => curveAt("stepMs", step), 1, 0.9, "linear");
    for (const [from, to] of [
      [1, 100],
      [101, 5000],
      [5001, 5017],
    ] as const) {
      add(from, to);
      const request = { name: "stepMs", width: 64, from: 1, to } as const;
      compare(reader, request, step => curveAt("stepMs", step), 1, to);
      const count = Math.floor(to / 64) + 1;
      const found = averages.of(reader, request, { weight: 0.9, scale: "linear" }, 0, count);
      const [mean = 0, bias = 1] = [found.averages.at(-1), found.biases.at(-1)];
      expect(averageOf({ mean, bias }, "linear")).toBeCloseTo(expected.get(to) ?? 0, 12);
    }
    expect(reader.totals().find(({ name }) => name === "stepMs")?.greatest).toBe(1e30);
    reader.close();
    writer.close();
  });

  test("has what lies around a damaged chunk, and says so", () => {
    const folder = store(project, [batchOf(1, 13_000)]);
    damage(folder);
    const reader = openRun(folder);
    const { mean } = reader.curveBins({ name: "loss", width: 1, from: 4000, to: 9000 });
    expect(reader.damage).toBe("Damaged at step 4096: checksum differs");
    expect(mean[95]).toBe(1 / 4095);
    expect(mean.subarray(96, 4192).every(Number.isNaN)).toBe(true);
    expect(mean[4192]).toBe(1 / 8192);
    reader.close();
  });

  test("that was recorded before there were pyramids has the same bins", () => {
    const folder = store(project, cutBatches(1, 9000));
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const database = new DatabaseSync(join(folder, RUN_DATABASE));
    database.exec("DROP TABLE pyramid; DROP TABLE total; PRAGMA user_version = 5;");
    database.close();
    const reader = openRun(folder);
    const valueAt = (step: number) => curveAt("travel", step);
    compare(reader, { name: "travel", width: 128, from: 1, to: 9000 }, valueAt, 1, 9000);
    expect(reader.totals().find(({ name }) => name === "travel")).toEqual({
      name: "travel",
      least: Number.NEGATIVE_INFINITY,
      greatest: Number.POSITIVE_INFINITY,
      firstOdd: 700,
    });
    reader.close();
  });
});
