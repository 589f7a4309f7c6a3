/** Long runs in the store: what it keeps of them, and that its bins are those of a straightforward reference. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BinsRequest,
  finiteCount,
  HAS_NAN,
  HAS_NEGATIVE_INFINITY,
  HAS_POSITIVE_INFINITY,
  has,
  type TensorBins,
} from "../../runtime/protocol/bins.ts";
import { curveNames } from "../../runtime/protocol/curves.ts";
import {
  joinBatches,
  STEP_COLUMNS,
  type StepBatch,
  sliceBatch,
  stepValue,
  TENSOR_COLUMNS,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import { chunkSteps, EXACT_STEPS } from "../../runtime/store/chunk.ts";
import { RUN_DATABASE } from "../../runtime/store/paths.ts";
import { openRun, type RunReader } from "../../runtime/store/reader.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { batchOf, COLUMN, cutBatches, damage, longRun, NAMES, store, valueAt } from "./long-run.ts";

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-long-"));
});

afterAll(() => rmSync(project, { recursive: true }));

/** Bins of one tensor, computed in the plainest way in float64. */
function reference(
  values: ReadonlyMap<number, number>,
  width: number,
  first: number,
  count: number,
) {
  return Array.from({ length: count }, (_, i) => {
    const inside: number[] = [];
    for (let step = (first + i) * width; step < (first + i + 1) * width; step++) {
      const value = values.get(step);
      if (value !== undefined) inside.push(value);
    }
    const finite = inside.filter(Number.isFinite);
    const size = finite.reduce((sum, value) => sum + Math.abs(value), 0) / finite.length;
    return {
      low: finite.length > 0 ? Math.min(...finite) : Number.NaN,
      high: finite.length > 0 ? Math.max(...finite) : Number.NaN,
      mean: finite.reduce((sum, value) => sum + value, 0) / finite.length,
      /** The mean distance from zero, on which the rounding of a mean depends. */
      size,
      finite: finite.length,
      nan: inside.some(Number.isNaN),
      top: inside.includes(Number.POSITIVE_INFINITY),
      bottom: inside.includes(Number.NEGATIVE_INFINITY),
    };
  });
}

/** One comparison of all bins: of each alone it would take a minute. */
function compare(bins: TensorBins, i: number, expected: ReturnType<typeof reference>): void {
  const [found, wanted]: [unknown[], unknown[]] = [[], []];
  let tooFar = 0;
  for (const [bin, { low, high, mean, size, finite, nan, top, bottom }] of expected.entries()) {
    const at = i * bins.count + bin;
    const info = bins.info[at] ?? 0;
    const kinds = [HAS_NAN, HAS_POSITIVE_INFINITY, HAS_NEGATIVE_INFINITY];
    // Nobody asks whether a zero is negative.
    found.push((bins.low[at] ?? 0) + 0, (bins.high[at] ?? 0) + 0, finiteCount(info));
    wanted.push(low + 0, high + 0, finite);
    found.push(...kinds.map(kind => has(info, kind)), Number.isNaN(bins.mean[at]));
    wanted.push(nan, top, bottom, finite === 0);
    // Means of bins that are kept are rounded to float32, and so is what is made of them.
    const isFar = !(Math.abs((bins.mean[at] ?? 0) - mean) <= size * 2 ** -22 + 1e-45);
    if (finite > 0 && isFar) tooFar += 1;
  }
  expect(found).toEqual(wanted);
  expect(tooFar).toBe(0);
}

const LAST = 31_000;
const all = NAMES.map((_, i) => i);

/** What each tensor has of the steps from `first` on. */
function known(first: number, last = LAST): ReadonlyMap<number, number>[] {
  return all.map(
    tensor =>
      new Map(
        Array.from({ length: last - first + 1 }, (_, row) => [
          first + row,
          valueAt(tensor, first + row),
        ]),
      ),
  );
}

describe.each([
  ["from the first step", 1],
  ["from where a run begins that goes on from another", 5001],
])("a run of more steps than are kept one by one, %s", (_, first) => {
  let reader: RunReader;
  let values: ReadonlyMap<number, number>[];

  beforeAll(() => {
    reader = openRun(store(project, cutBatches(first, LAST)));
    values = known(first);
  });

  afterAll(() => reader.close());

  test.each([64, 128, 512, 1024, 4096, 16_384, 65_536])(
    "has the bins of the reference, %d steps wide",
    width => {
      const bins = reader.bins({ column: COLUMN, tensors: all, width, from: first, to: LAST });
      expect([bins.first, bins.last]).toEqual([Math.floor(first / width), LAST]);
      for (const [i, series] of values.entries()) {
        compare(bins, i, reference(series, width, bins.first, bins.count));
      }
    },
  );

  test.each([1, 2, 8, 32])("has also narrow bins of the last steps, %d wide", width => {
    const from = LAST - EXACT_STEPS + 1;
    const bins = reader.bins({ column: COLUMN, tensors: all, width, from, to: LAST });
    for (const [i, series] of values.entries()) {
      compare(bins, i, reference(series, width, bins.first, bins.count));
    }
  });

  test("gives any part, and tensors in any order", () => {
    const tensors = [4, 0, 3];
    for (const [from, to] of [
      [first + 100, first + 4200],
      [LAST - 5000, LAST + 9000],
      [20_000, 20_000],
    ] as const) {
      const bins = reader.bins({ column: COLUMN, tensors, width: 64, from, to });
      expect(bins.count).toBe(Math.floor(to / 64) - Math.floor(from / 64) + 1);
      for (const [i, tensor] of tensors.entries()) {
        compare(bins, i, reference(values[tensor] ?? new Map(), 64, bins.first, bins.count));
      }
    }
  });

  test("has every number of every step over all parameters, and tensors of the last 20,000", () => {
    const read = [...reader.steps()];
    expect(reader.damage).toBeUndefined();
    const written = joinBatches(cutBatches(first, LAST));
    let next = first;
    for (const batch of read) {
      const row = batch.firstStep - first;
      const expected = sliceBatch(written, row, row + batch.count);
      expect(batch.firstStep).toBe(next);
      expect(batch.steps).toEqual(expected.steps);
      expect(batch.lr).toEqual(expected.lr);
      if (batch.tensorCount > 0) expect(batch.tensors).toEqual(expected.tensors);
      else expect(batch.firstStep + batch.count - 1).toBeLessThanOrEqual(LAST - EXACT_STEPS);
      next += batch.count;
    }
    expect(next).toBe(LAST + 1);
    expect(read[0]?.tensorCount).toBe(0);
  });

  test("is read by columns from any step on", () => {
    const from = LAST - 9000;
    const read = [...reader.curves(["loss", "time"], { from, to: LAST - 10, rates: true })];
    const losses = read.flatMap(({ columns }) => [...(columns.loss ?? [])]);
    expect(losses).toEqual(Array.from({ length: 8991 }, (_, i) => 1 / (from + i)));
    const rates = read.flatMap(({ lr }) => [...lr]);
    const expected = joinBatches(cutBatches(first, LAST)).lr;
    expect(rates).toEqual([...expected.subarray(2 * (from - first), 2 * (LAST - 9 - first))]);
  });
});

describe("a long run", () => {
  test("is read while steps move from where they came to where they are kept", () => {
    const folder = mkdtempSync(join(project, "run-"));
    let record = longRun();
    const writer = new RunWriter(folder, record, "");
    const add = (batch: StepBatch) => {
      record = afterBatch(record, batch);
      writer.add({ record, batches: [batch], logs: [], metrics: [] });
    };
    add(batchOf(1, 4000));
    const reader = openRun(folder);
    const reading = reader.steps();
    const first = reading.next().value;
    add(batchOf(4001, 9000));
    const rest = [...reading];
    expect(first?.firstStep).toBe(1);
    // As the run was when the reading began.
    expect(rest.reduce((sum, batch) => sum + batch.count, first?.count ?? 0)).toBe(4000);
    expect([...reader.steps()].reduce((sum, batch) => sum + batch.count, 0)).toBe(9000);
    reader.close();
    writer.close();
  });

  test("keeps nothing of a transaction that fails, and goes on", () => {
    const folder = mkdtempSync(join(project, "run-"));
    const writer = new RunWriter(folder, longRun(), "");
    const add = (...batches: StepBatch[]) =>
      writer.add({ record: longRun(), batches, logs: [], metrics: [] });
    add(batchOf(1, 4000));
    // The steps of one that has come overlap with those of the one before it.
    expect(() => add(batchOf(4001, 4500), batchOf(4400, 4600))).toThrow(
      "step 4400 came where step 4501 was expected",
    );
    expect(() => add(batchOf(4002, 4100))).toThrow("step 4002 came where step 4001 was expected");
    add(batchOf(4001, 4200));
    const reader = openRun(folder);
    const bins = reader.bins({ column: COLUMN, tensors: [0], width: 64, from: 1, to: 4200 });
    compare(bins, 0, reference(known(1, 4200)[0] ?? new Map(), 64, bins.first, bins.count));
    reader.close();
    writer.close();
  });

  test("in which tensors appear has no value of them before", () => {
    const folder = store(project, [
      batchOf(1, 1000, 2),
      batchOf(1001, 5000, 3),
      batchOf(5001, 5100, 3),
    ]);
    const reader = openRun(folder);
    const request: BinsRequest = { column: COLUMN, tensors: [0, 2], width: 8, from: 1, to: 5100 };
    const bins = reader.bins(request);
    const [noise, , spike] = known(1, 5100);
    const later = new Map([...(spike ?? [])].filter(([step]) => step > 1000));
    compare(bins, 0, reference(noise ?? new Map(), 8, bins.first, bins.count));
    compare(bins, 1, reference(later, 8, bins.first, bins.count));
    expect([...new Set([...reader.steps()].map(batch => batch.tensorCount))]).toEqual([2, 3]);
    reader.close();
  });

  test("has what comes before the first damaged chunk", () => {
    const folder = store(project, [batchOf(1, 9000)]);
    damage(folder);
    const reader = openRun(folder);
    const losses = [...reader.steps()].flatMap(batch =>
      Array.from({ length: batch.count }, (_, row) => stepValue(batch, row, "loss")),
    );
    expect(losses).toHaveLength(4095);
    expect(reader.damage).toBe("Damaged at step 4096: checksum differs");
    expect([...reader.curves(["gradNorm"])].reduce((sum, { count }) => sum + count, 0)).toBe(9000);
    reader.close();
  });

  test("does not grow by what it has of tensors at single steps", () => {
    const size = (last: number) =>
      statSync(join(store(project, cutBatches(1, last)), RUN_DATABASE)).size;
    const tensorCount = NAMES.length;
    const grown = size(52_000) - size(36_000);
    const exact = 16_000 * tensorCount * TENSOR_COLUMNS.length * 4;
    // Those of each step, and bins of 28 bytes for each 64 of them and an eighth of that again.
    const curves = 16_000 * (8 * (STEP_COLUMNS.length + 2) + 0.5 * curveNames(2).length);
    // Bins of four numbers for each 64 steps, and an eighth of these again, in pages that are not full.
    expect(grown - curves).toBeLessThan((exact / 16) * 2);
  });

  test("of many tensors is kept in smaller pieces", () => {
    expect([1, 64, 65, 1000, 100_000].map(chunkSteps)).toEqual([4096, 4096, 2048, 256, 64]);
  });

  test("that was recorded before there were bins is read as it is", () => {
    const folder = store(project, [batchOf(1, 3000)]);
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const database = new DatabaseSync(join(folder, RUN_DATABASE));
    database.exec(
      "DROP TABLE chunk; DROP TABLE curve; DROP TABLE tensor; PRAGMA user_version = 4;",
    );
    database.close();
    const reader = openRun(folder);
    const bins = reader.bins({ column: COLUMN, tensors: all, width: 64, from: 1, to: 3000 });
    for (const [i, series] of known(1, 3000).entries()) {
      compare(bins, i, reference(series, 64, bins.first, bins.count));
    }
    const [first] = [...reader.steps()];
    expect(first && tensorValue(first, 99, 1, COLUMN)).toBe(Math.fround(0.1));
    reader.close();
  });

  test("of a later version says so", () => {
    const folder = store(project, [batchOf(1, 3)]);
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const database = new DatabaseSync(join(folder, RUN_DATABASE));
    database.exec("PRAGMA user_version = 7;");
    database.close();
    expect(() => openRun(folder)).toThrow("its format is version 7, this program reads 6");
  });
});
