/** A long run in the page: columns that are sent, bins that are asked for, and what is drawn of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { RunBins } from "../../runtime/page/bins.ts";
import { readHistory } from "../../runtime/page/history.ts";
import { parsePageMessage } from "../../runtime/page/pageMessages.ts";
import type { StepBatch } from "../../runtime/protocol/steps.ts";
import { messageFromText, messageToText } from "../../runtime/protocol/text.ts";
import { HeatCells } from "../../webview/charts/heatCells.ts";
import { binRows } from "../../webview/data/axis.ts";
import type { Asked } from "../../webview/data/binRequests.ts";
import { Bins } from "../../webview/data/bins.ts";
import { Column, noExtremes, type Samples } from "../../webview/data/column.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import type { ScaleKind } from "../../webview/data/scale.ts";
import { Trace } from "../../webview/data/trace.ts";
import { parseHostMessage } from "../../webview/messages.ts";
import {
  columnsOf,
  MOST_ROWS,
  sampledRows,
  valueAt as valueOfRow,
} from "../../webview/own/columns.ts";
import { batchOf, COLUMN, curveAt, cutBatches, damage, NAMES, store, valueAt } from "./long-run.ts";

const LAST = 34_000;

let project: string;
let folder: string;
let series: RunSeries;
let asked: Asked[];
let host: RunBins;
let said: string[];

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-long-"));
  folder = store(project, cutBatches(1, LAST));
});

afterAll(() => rmSync(project, { recursive: true }));

/** A message as a page in a browser gets it. */
function sent(message: object) {
  const text = messageToText(message, bytes => Buffer.from(bytes).toString("base64"));
  return parseHostMessage(messageFromText(text));
}

/** A page's run, as far as its host sends it unasked. */
function open(from: string): RunSeries {
  const run = new RunSeries(more => asked.push(more));
  for (const message of readHistory(from)) {
    const taken = sent(message);
    if (taken?.type === "hydrate") {
      if (taken.stored) run.begin(taken.stored, taken.run.tensors.length);
      for (const batch of taken.batches) expect(run.append(batch)).toBe(true);
    } else if (taken?.type === "steps") expect(run.append(taken.batch)).toBe(true);
    else expect.unreachable();
  }
  return run;
}

beforeEach(() => {
  asked = [];
  said = [];
  host = new RunBins(logs => said.push(...logs.map(({ text }) => text)));
  series = open(folder);
});

afterEach(() => host.dispose());

/** Has the host answer all that was asked. */
async function answer(from = folder, run = series): Promise<void> {
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0));
  for (const question of asked.splice(0)) {
    const message = parsePageMessage({ type: "bins", ...question });
    if (message?.type !== "bins") return expect.unreachable();
    const answered = sent((await host.answer(from, message)) ?? {});
    if (answered?.type !== "bins") return expect.unreachable();
    for (const bins of answered.bins) run.receiveBins(bins);
    for (const bins of answered.curves) run.receiveCurve(bins);
  }
}

/** All values of a tensor, as a short run has them. */
function exactly(tensor: number, to = LAST): Column {
  const column = new Column(32);
  for (let step = 1; step <= to; step++) column.push(valueAt(tensor, step));
  return column;
}

function tensor(index: number) {
  const found = series.tensor(index, COLUMN);
  if (!found) throw new Error(`There is no tensor ${index}.`);
  return found;
}

describe("a long run", () => {
  test("has the last steps exactly, and reads others as they are looked at", async () => {
    expect([series.length, series.lastStep]).toEqual([LAST, LAST]);
    const losses = series.step("loss");
    const rows = [0, 4095, 4096, LAST - 513, LAST - 512, LAST - 1];
    for (const row of rows.slice(-2)) expect(losses.at(row)).toBe(1 / (row + 1));
    expect(asked).toEqual([]);
    for (const row of rows) {
      losses.look(row);
      series.lr(1)?.look(row);
    }
    await answer();
    for (const row of rows) {
      expect(losses.at(row)).toBe(1 / (row + 1));
      expect(series.lr(1)?.at(row)).toBe(batchOf(row + 1, row + 1, 1).lr[1]);
      losses.look(row);
    }
    expect(tensor(0).at(LAST - 1)).toBe(valueAt(0, LAST));
    expect(tensor(0).at(5000)).toBeNaN();
    expect(asked).toEqual([]);
  });

  test("knows what all of its steps have together", () => {
    const values = Array.from({ length: LAST }, (_, i) => curveAt("stepToWeight", i + 1));
    expect(series.step("stepToWeight").least).toBe(values.reduce((a, b) => Math.min(a, b)));
    expect(series.step("stepToWeight").greatest).toBe(values.reduce((a, b) => Math.max(a, b)));
    expect(series.step("loss").firstNonFinite).toBe(-1);
    expect(series.isCounted("epoch")).toBe(true);
    expect(series.groups).toBe(2);
  });

  test.each([
    ["linear", 0.9],
    ["log", 0.97],
  ] as const)(
    "draws the extremes and the moving average of all steps, on a %s axis",
    async (scale, smoothing) => {
      for (const [from, to] of [
        [1, LAST],
        [9000, 12_000],
        [LAST - 900, LAST],
      ] as const) {
        const starts = binRows(series.positions("step"), [from, to], "linear", 360);
        for (const name of ["stepToWeight", "stepMs", "loss"] as const) {
          const samples = series.step(name);
          const trace = new Trace(samples, { scale, smoothing });
          trace.cut(starts);
          if (!samples.isCurrent) await answer();
          trace.cut(starts);
          expect(samples.isCurrent).toBe(true);
          const column = new Column(64);
          for (let step = 1; step <= LAST; step++) column.push(curveAt(name, step));
          const expected = new Trace(column, { scale, smoothing });
          expected.cut(starts);
          // The rows around the window only lead the line there: they are drawn by the bins that they are in.
          const [lead, end] = [from > 1 ? 1 : 0, expected.bins.length - (to < LAST ? 2 : 0)];
          for (let bin = lead; bin < end; bin++) {
            const [start = 0, next = 0] = [starts[bin], starts[bin + 1]];
            compare(trace.bins.at(bin), expected.bins.at(bin), start, next, scale);
          }
          const lines = [trace, expected].map(each => {
            const values: number[] = [];
            each.smoothLine((_, value) => values.push(value));
            return values;
          });
          const [found = [], wanted = []] = lines;
          expect(found).toHaveLength(wanted.length);
          const size = Math.max(...wanted.filter(Number.isFinite).map(Math.abs));
          for (const [i, value] of wanted.entries()) {
            if (i < lead || i >= end) continue;
            if (Number.isNaN(value)) expect(found[i]).toBeNaN();
            else
              expect(Math.abs((found[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(size * 1e-9);
          }
        }
      }
    },
  );

  test("goes on with the moving average of its stored steps", async () => {
    const trace = new Trace(series.step("stepMs"), { scale: "linear", smoothing: 0.99 });
    const cut = () =>
      trace.cut(binRows(series.positions("step"), [1, series.length], "linear", 360));
    cut();
    await answer();
    for (let next = LAST + 1; next < LAST + 3000; next += 500) {
      series.append(batchOf(next, next + 499));
    }
    cut();
    const column = new Column(64);
    for (let step = 1; step <= series.length; step++) column.push(curveAt("stepMs", step));
    const expected = new Trace(column, { scale: "linear", smoothing: 0.99 });
    expected.cut([0, series.length]);
    for (const row of [LAST - 1, LAST + 10, LAST + 2999]) {
      const wanted = expected.lineAt(row);
      expect(Math.abs(trace.lineAt(row) - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 1e-9);
    }
  });

  test("has no other places on an axis than those of its steps", async () => {
    const before = series.positions("time");
    expect([before.isApproximate, before.length]).toEqual([true, LAST]);
    await answer();
    const after = series.positions("time");
    expect([after.isApproximate ?? false, after.length]).toEqual([false, LAST]);
    for (const row of [0, 5000, LAST - 513, LAST - 1]) {
      expect(after.at(row)).toBe(curveAt("time", row + 1) / 1000);
    }
    expect(asked).toEqual([]);
  });

  test("gives a chart of the user's own each of its steps", async () => {
    const column = columnsOf(series, 0).get("stepMs");
    if (!column) return expect.unreachable();
    const positions = series.positions("step");
    const window = { kind: "step", scale: "linear", domain: [1, LAST], positions } as const;
    sampledRows([column], window, MOST_ROWS);
    await answer();
    const rows = sampledRows([column], window, MOST_ROWS);
    // The one spike is at step 5003.
    expect(valueOfRow(column, 5002)).toBe(1e30);
    expect(rows).toContain(5002);
  });

  test.each(["linear", "log"] as const)(
    "draws the extremes of all steps of tensors, on a %s axis",
    async scale => {
      const starts = binRows(series.positions("step"), [1, LAST], "linear", 360);
      const drawn = NAMES.map((_, i) => {
        const bins = new Bins();
        bins.cut(tensor(i), starts, scale);
        return bins;
      });
      expect(tensor(0).isCurrent).toBe(false);
      await answer();
      for (const [i, bins] of drawn.entries()) {
        bins.cut(tensor(i), starts, scale);
        expect(tensor(i).isCurrent).toBe(true);
        const expected = new Bins();
        expected.cut(exactly(i), starts, scale);
        for (let bin = 0; bin < bins.length; bin++) {
          compare(bins.at(bin), expected.at(bin), starts[bin] ?? 0, starts[bin + 1] ?? 0, scale);
        }
      }
      expect(asked).toEqual([]);
    },
  );

  /** What is drawn of a bin: extremes are those of its steps, and marks are where there is something to mark. */
  function compare(
    found = noExtremes(),
    expected = noExtremes(),
    from: number,
    to: number,
    scale: ScaleKind,
  ): void {
    expect(found.topRow >= 0).toBe(expected.topRow >= 0);
    expect(found.bottomRow >= 0).toBe(expected.bottomRow >= 0);
    expect(found.firstRow >= 0).toBe(expected.firstRow >= 0);
    expect(found.max).toEqual(expected.max);
    // Of a bin that has also what a logarithm cannot show, what it shows is not known below the greatest.
    if (scale === "linear" || expected.bottomRow < 0)
      expect(found.min + 0).toEqual(expected.min + 0);
    for (const row of [found.minRow, found.maxRow, found.firstRow, found.lastRow]) {
      if (row >= 0) expect(row >= from && row < to).toBe(true);
    }
  }

  test("is drawn as it was until more is known, then to the single step", async () => {
    const bins = new Bins();
    const cut = (low: number, high: number) => {
      bins.cut(tensor(0), binRows(series.positions("step"), [low, high], "linear", 360), "linear");
    };
    cut(1, LAST);
    await answer();
    const from = LAST - 2000;
    cut(from, from + 300);
    expect(Number.isFinite(bins.at(10)?.min)).toBe(true);
    await answer();
    cut(from, from + 300);
    const read: number[] = [];
    bins.line((_, value) => read.push(value));
    expect(read).toEqual(Array.from({ length: 303 }, (_, i) => valueAt(0, from - 1 + i)));
    // The one before is still there.
    cut(1, LAST);
    expect(tensor(0).isCurrent).toBe(true);
    expect(asked).toEqual([]);
  });

  test("asks ahead for what a zoom will draw, of each chart that has it", async () => {
    const [lines, map] = [360, 560];
    const [from, to] = [4000, 20_000];
    const aim = (low: number, high: number) => {
      tensor(0).aim(low, high, lines);
      const isDrawn = tensor(0).isCurrent;
      tensor(0).aim(low, high, map, undefined, "mean");
      return isDrawn && tensor(0).isCurrent;
    };
    expect(aim(from, to)).toBe(false);
    await answer();
    // What was drawn in passing is not asked for.
    tensor(0).aim(from, to, 60);
    tensor(0).aim(from, to, 30, undefined, "mean");
    await answer();
    expect(aim(from, to)).toBe(true);
    expect(asked).toEqual([]);
    series.askAhead();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const requests = asked[0]?.requests.map(({ width, only = "all" }) => `${width} ${only}`);
    expect(requests?.sort()).toEqual(["16 all", "4 mean", "8 all", "8 mean"].sort());
    await answer();
    // What is drawn is as it was.
    expect(aim(from, to)).toBe(true);
    const width = (to - from) / 2.7;
    for (const start of [from + 100, from + 5000, to - width]) {
      expect(aim(start, start + width)).toBe(true);
    }
    expect(asked).toEqual([]);
  });

  test("has the map of the reference: means of the finite values of each column", async () => {
    const positions = series.positions("step");
    const window = { kind: "step", scale: "linear", domain: [1, LAST], positions } as const;
    const rows = NAMES.flatMap((name, i) => {
      const [samples, nonFinite] = [series.tensor(i, COLUMN), series.tensor(i, "nonFinite")];
      return samples && nonFinite ? [{ name, samples, nonFinite }] : [];
    });
    const cells = new HeatCells(rows);
    cells.cut(window, 100);
    await answer();
    cells.cut(window, 100);
    for (const i of [0, 1, 3]) {
      const exact = exactly(i);
      const mean = (from: number, to: number) => exact.mean(from, to);
      for (let column = 1; column < 97; column++) {
        // Columns of 340 steps, whose borders are rounded to bins of 256.
        const value = tensor(i).mean(column * 340, column * 340 + 340);
        const [from, to] = [
          Math.ceil((column * 340 + 1) / 256),
          Math.ceil((column * 340 + 341) / 256),
        ];
        const expected = mean(from * 256 - 1, to * 256 - 1);
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-5 + 1e-7);
      }
    }
    expect([...cells.values].every(value => value === Number.POSITIVE_INFINITY)).toBe(true);
  });

  test("has a moving average of means", async () => {
    const trace = new Trace(tensor(1), { scale: "log", smoothing: 0.9 });
    const starts = binRows(series.positions("step"), [1, LAST], "linear", 360);
    trace.cut(starts);
    await answer();
    trace.cut(starts);
    const values: number[] = [];
    trace.smoothLine((_, value) => values.push(value));
    expect(values).toHaveLength(starts.length - 1);
    for (const value of values) expect(value).toBeCloseTo(0.1, 6);
  });

  test("gives a chart of the user's own what it draws of a tensor", async () => {
    const column = columnsOf(series, 2).get(`tensor/${COLUMN}`);
    if (!column) return expect.unreachable();
    const positions = series.positions("step");
    const window = { kind: "step", scale: "linear", domain: [1, LAST], positions } as const;
    sampledRows([column], window, MOST_ROWS);
    await answer();
    const rows = sampledRows([column], window, MOST_ROWS);
    // The one spike is in the bin of step 5003.
    expect(rows.some(row => (valueOfRow(column, row) ?? 0) > 1e25)).toBe(true);
  });

  test("grows, and leaves to the store what it has of many steps", async () => {
    let next = LAST + 1;
    const grow = (count: number) => {
      for (const end = next + count; next < end; next += 500)
        series.append(batchOf(next, next + 499));
    };
    grow(10_000);
    expect(tensor(0).at(LAST)).toBe(valueAt(0, LAST + 1));
    grow(130_000);
    expect(tensor(0).at(next - 2)).toBe(valueAt(0, next - 1));
    expect(tensor(0).at(LAST)).toBeNaN();
    const found = noExtremes();
    tensor(0).extremes(next - 5001, next - 1, "linear", found);
    const expected = noExtremes();
    exactly(0, next - 1).extremes(next - 5001, next - 1, "linear", expected);
    expect(found).toEqual(expected);
  });

  test("that grew while it was watched is drawn whole, whatever the page has left to the store", async () => {
    const scale = "log";
    const last = 200_000;
    const batches: StepBatch[] = [];
    for (let step = 1; step <= last; step += 500) batches.push(batchOf(step, step + 499, 1));
    const grown = store(project, batches);
    const run = new RunSeries(more => asked.push(more));
    const samples = run.step("stepToWeight");
    const trace = new Trace(samples, { scale, smoothing: 0.97 });
    const reference = new Column(64);
    let timesAsked = 0;
    for (const batch of batches) {
      expect(run.append(batch)).toBe(true);
      for (let i = 0; i < batch.count; i++) {
        reference.push(curveAt("stepToWeight", batch.firstStep + i));
      }
      if (run.length % 8000 !== 0) continue;
      const starts = binRows(run.positions("step"), [1, run.length], "linear", 200);
      trace.cut(starts);
      // Nothing that is drawn waits for the store.
      expect(samples.isCurrent).toBe(true);
      const expected = new Trace(reference, { scale, smoothing: 0.97 });
      expected.cut(starts);
      for (let bin = 0; bin < expected.bins.length; bin++) {
        const [from = 0, to = 0] = [starts[bin], starts[bin + 1]];
        compare(trace.bins.at(bin), expected.bins.at(bin), from, to, scale);
        const row = expected.bins.at(bin)?.lastRow ?? 0;
        const wanted = row < 0 ? Number.NaN : expected.lineAt(row);
        const difference = Math.abs(trace.lineAt(row) - wanted);
        if (!Number.isNaN(wanted)) expect(difference).toBeLessThanOrEqual(wanted * 1e-9);
      }
      await Promise.resolve();
      if (asked.length === 0) continue;
      timesAsked += 1;
      await answer(grown, run);
    }
    expect(timesAsked).toBeGreaterThan(1);
    // What was left is read out of the store.
    const losses = run.step("loss");
    expect(losses.at(1000)).toBeNaN();
    losses.look(1000);
    await answer(grown, run);
    expect(losses.at(1000)).toBe(1 / 1001);
    expect([losses.least, losses.greatest, losses.firstNonFinite]).toEqual([1 / last, 1, -1]);
    expect(losses.at(last - 60_000)).toBe(1 / (last - 59_999));
  });
});

test("a long run whose last steps were kept in two pieces has no gap between them", async () => {
  // A chunk ends with step 32,767.
  const last = 32_968;
  const two = store(project, cutBatches(1, last));
  const run = open(two);
  const samples: Samples = run.tensor(0, COLUMN) ?? new Column(32);
  const bins = new Bins();
  const starts = binRows(run.positions("step"), [last - 300, last], "linear", 360);
  bins.cut(samples, starts, "linear");
  // All that is drawn has come unasked, or is asked for.
  if (samples.isCurrent === false) await answer(two, run);
  bins.cut(samples, starts, "linear");
  const read: number[] = [];
  bins.line((_, value) => read.push(value));
  expect(read).toEqual(Array.from({ length: 302 }, (_, i) => valueAt(0, last - 301 + i)));
});

test("of a long run that is damaged comes what there is, and what there is not", async () => {
  const damaged = store(project, cutBatches(1, LAST));
  damage(damaged);
  const run = open(damaged);
  expect(run.length).toBe(LAST);
  for (const row of [4094, 4095, 8191]) run.step("loss").look(row);
  await answer(damaged, run);
  expect(run.step("loss").at(4094)).toBe(1 / 4095);
  expect(run.step("loss").at(4095)).toBeNaN();
  expect(run.step("loss").at(8191)).toBe(1 / 8192);
  expect(said).toEqual(["Damaged at step 4096: checksum differs"]);
});

test("a short run asks for nothing", () => {
  const run = new RunSeries(() => expect.unreachable());
  run.append(batchOf(1, 300));
  new Bins().cut(run.tensor(0, COLUMN) ?? new Column(32), [0, 100, 300], "linear");
  expect(run.tensor(0, COLUMN)?.isCurrent).toBe(true);
});
