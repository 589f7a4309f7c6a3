/** Runs that are compared: what a host sends of them, and how the page draws them over another. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Comparison } from "../../runtime/page/comparison.ts";
import { Ema } from "../../runtime/protocol/ema.ts";
import type { ToPageMessage } from "../../runtime/protocol/page.ts";
import { type StepColumn, stepValue } from "../../runtime/protocol/steps.ts";
import { pinBaseline, readBaseline } from "../../runtime/store/baseline.ts";
import { writeNotes } from "../../runtime/store/notes.ts";
import { createRunFolder, runsFolder } from "../../runtime/store/paths.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { deleteRuns } from "../../runtime/store/trash.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { chartsOf } from "../../webview/charts/catalogue.ts";
import { LinesModel } from "../../webview/charts/linesModel.ts";
import { joinReplicates } from "../../webview/charts/overlay.ts";
import type { LayerRow, PointRow } from "../../webview/charts/pool.ts";
import { windowOf } from "../../webview/charts/window.ts";
import { describePlace } from "../../webview/data/axis.ts";
import { Column } from "../../webview/data/column.ts";
import { ComparedRuns } from "../../webview/data/comparedRuns.ts";
import { groupReplicates } from "../../webview/data/replicates.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import { BASELINE, COMPARED_SLOT } from "../../webview/slots.ts";
import { DEFAULT_STATE } from "../../webview/viewState.ts";
import { exampleBatch, exampleCurves, exampleRun, storeExampleRun } from "./run-example.ts";

describe("a host", () => {
  let project: string;
  let sent: ToPageMessage[];
  let comparison: Comparison;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "stepscope-compare-"));
    sent = [];
    comparison = new Comparison(join(runsFolder(project), "shown"), message => sent.push(message));
  });

  afterEach(() => {
    comparison.dispose();
    rmSync(project, { recursive: true });
  });

  const types = () => sent.map(message => message.type);

  test("sends a run once: its record and name, its steps without tensors, what it logged", async () => {
    const metrics = [{ name: "accuracy", value: 0.5, step: 2, time: 1 }];
    const [first, second] = [storeExampleRun(project, [], metrics), storeExampleRun(project)];
    writeNotes(first, { name: "wide" });
    comparison.show([first]);
    await vi.waitFor(() => expect(types()).toContain("comparedMetrics"));
    comparison.show([first, second]);
    await vi.waitFor(() => expect(types()).toHaveLength(5));
    expect(types()).toEqual([
      "compared",
      "comparedSteps",
      "comparedMetrics",
      "compared",
      "comparedSteps",
    ]);
    const [begin, steps, logged, other] = sent;
    expect(begin).toMatchObject({ runFolder: first, name: "wide", run: { steps: 2 } });
    expect(steps).toEqual({
      type: "comparedSteps",
      runFolder: first,
      curves: exampleCurves(1, 2),
    });
    expect(logged).toEqual({ type: "comparedMetrics", runFolder: first, metrics });
    expect(other).toMatchObject({ runFolder: second, name: "" });
  });

  test("sends what is added to a run that goes on, and its end", async () => {
    const { id, folder } = createRunFolder(join(project, "digits.ts"));
    let record = exampleRun({ id });
    const writer = new RunWriter(folder, record, "");
    const add = (first: number, count: number, change = {}) => {
      const batch = exampleBatch(first, count);
      record = { ...afterBatch(record, batch), ...change };
      writer.add({ record, batches: [batch], logs: [], metrics: [] });
    };
    add(1, 3);
    comparison.show([folder]);
    await vi.waitFor(() => expect(types()).toEqual(["compared", "comparedSteps"]));
    add(4, 2, { status: "completed", endedAt: 2 });
    writer.close();
    await vi.waitFor(() => expect(types()).toHaveLength(4), { timeout: 5000 });
    expect(sent[2]).toMatchObject({ type: "comparedRun", run: { status: "completed", steps: 5 } });
    expect(sent[3]).toMatchObject({ type: "comparedSteps", curves: { firstStep: 4, count: 2 } });
  });

  test("says that a run is gone, when it is deleted or was never there", async () => {
    const folder = storeExampleRun(project);
    const nowhere = join(project, "nowhere");
    comparison.show([folder, nowhere]);
    await vi.waitFor(() => expect(types()).toHaveLength(3));
    const reason = (at: string) => ({
      type: "comparedGone",
      runFolder: at,
      reason: `There is no run in ${at}.`,
    });
    expect(sent[2]).toEqual(reason(nowhere));
    deleteRuns([folder]);
    await vi.waitFor(() => expect(sent[3]).toEqual(reason(folder)), { timeout: 5000 });
    expect(comparison.runFolders).toEqual([]);
  });

  test("sends the baseline unasked, whoever pins it, until it is unpinned or deleted", async () => {
    const [first, second] = [storeExampleRun(project), storeExampleRun(project)];
    comparison.pin(first);
    await vi.waitFor(() => expect(types()).toEqual(["baseline", "compared", "comparedSteps"]));
    expect(sent[0]).toEqual({ type: "baseline", runFolder: first });
    // It stays when it is compared, too, and no longer.
    comparison.show([first]);
    comparison.show([]);
    pinBaseline(project, second);
    await vi.waitFor(() => expect(types()).toHaveLength(6), { timeout: 5000 });
    expect(sent.slice(3)).toMatchObject([
      { type: "baseline", runFolder: second },
      { type: "compared", runFolder: second },
      { type: "comparedSteps", runFolder: second },
    ]);
    deleteRuns([second]);
    await vi.waitFor(() => expect(sent[6]).toEqual({ type: "baseline" }), { timeout: 5000 });
    expect(readBaseline(project)).toBeUndefined();
    pinBaseline(project, undefined);
    comparison.pin(first);
    comparison.pin(undefined);
    expect(readBaseline(project)).toBeUndefined();
  });

  test("says why a baseline cannot be pinned", async () => {
    comparison.pin(join(project, "nowhere"));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({
      type: "baseline",
      problem: expect.stringMatching(/ENOENT.*baseline/),
    });
  });

  test("reads the steps of a run without its tensors from any step on", () => {
    const reader = openRun(storeExampleRun(project));
    const [curves, ...others] = [...reader.curves(["loss", "time"], { from: 2, rates: true })];
    const value = (name: StepColumn) => Float64Array.of(stepValue(exampleBatch(1, 2), 1, name));
    expect(curves).toEqual({
      firstStep: 2,
      count: 1,
      columns: { loss: value("loss"), time: value("time") },
      groups: 1,
      lr: Float64Array.of(1e-3),
    });
    expect(others).toEqual([]);
    reader.close();
  });
});

describe("the page", () => {
  const shown = new RunSeries();
  shown.append(exampleBatch(1, 4));
  shown.addMetric({ name: "val/loss", value: 3, step: 4, time: 1 });
  const compared = new ComparedRuns();
  const run = exampleRun({ startedAt: new Date(2020, 4, 5, 6, 7, 8).getTime() });
  for (const runFolder of ["/a", "/b", "/c"]) {
    compared.receive({ type: "compared", runFolder, name: runFolder === "/a" ? "wide" : "", run });
    const curves = exampleCurves(1, runFolder === "/b" ? 2 : 10);
    compared.receive({ type: "comparedSteps", runFolder, curves });
  }
  const metric = { name: "val/top1", value: 0.25, step: 9, time: 1 };
  compared.receive({ type: "comparedMetrics", runFolder: "/a", metrics: [metric] });
  const window = windowOf(shown, DEFAULT_STATE, compared.all);

  function modelOf(id: string): LinesModel {
    const charts = chartsOf(shown, exampleRun().tensors, DEFAULT_STATE, compared.all);
    const draws = charts.find(chart => chart.id === id)?.draws;
    if (!draws || !("lines" in draws)) throw new Error(`There is no chart ${id} with lines.`);
    const model = new LinesModel(draws.lines, { scale: "linear", smoothing: 0.5, bins: 320 });
    model.write(window);
    return model;
  }

  test("gives each run a name and a colour of its own", () => {
    expect(compared.all.map(({ slot }) => slot)).toEqual([0, 1, 2]);
    const [wide, second, third] = compared.all.map(({ label }) => label);
    expect(wide).toBe("wide");
    expect(second).toMatch(/^digits\.ts .*6:07:08/);
    expect(third).toBe(`${second} (2)`);
  });

  test("draws every run as it draws one, over all of their steps", () => {
    expect(window.domain).toEqual([1, 10]);
    const alone = new RunSeries();
    alone.append(exampleBatch(1, 10));
    const only = new LinesModel([{ label: "loss", samples: alone.step("loss") }], {
      scale: "linear",
      smoothing: 0.5,
      bins: 320,
    });
    only.write({ ...window, positions: alone.positions("step") });
    const { dataSets } = modelOf("loss");
    for (const name of ["raw", "smooth"]) {
      const drawn = (rows: readonly object[] = [], slot: number) =>
        (rows as PointRow[])
          .filter(row => row.slot === slot && !Number.isNaN(row.x))
          .map(({ x, y }) => [x, y]);
      const expected = drawn(only.dataSets[name], 0);
      expect(expected).toHaveLength(10);
      expect(drawn(dataSets[name], COMPARED_SLOT)).toEqual(expected);
      expect(drawn(dataSets[name], COMPARED_SLOT + 1)).toEqual(expected.slice(0, 2));
    }
  });

  test("reads all runs at a step, also after the end of the shown one", () => {
    const loss = modelOf("loss");
    const texts = (row: number, beyond?: number) =>
      loss.readings(row, beyond).map(({ value, absent }) => absent ?? value);
    expect(loss.readings(0).map(({ label }) => label)[0]).toBe("this run");
    expect(texts(0)).toEqual([1, 1, 1, 1]);
    expect(texts(3)).toEqual([1 / 4, 1 / 4, "–", 1 / 4]);
    expect(texts(3, 8.4)).toEqual(["–", 1 / 8, "–", 1 / 8]);
  });

  test("says where the crosshair is after the end of the shown run", () => {
    const kinds = ["step", "epoch", "samples", "time"] as const;
    expect(kinds.map(kind => describePlace(8.4, kind))).toEqual([
      "step 8",
      "epoch 8.40",
      "8 samples",
      "8.4\u202fs",
    ]);
  });

  test("aligns runs by time", () => {
    const state = { ...DEFAULT_STATE, x: "time" } as const;
    const loss = modelOf("loss");
    const byTime = windowOf(shown, state, compared.all);
    loss.write(byTime);
    const seconds = stepValue(exampleBatch(1, 10), 9, "time") / 1000;
    expect(byTime.domain[1]).toBe(seconds);
    expect(loss.readings(3, seconds).map(each => each.absent ?? each.value)).toEqual([
      "–",
      1 / 10,
      "–",
      1 / 10,
    ]);
  });

  test("says which run has not logged what others have, in a chart for each name", () => {
    expect(
      modelOf("metric:val%2Floss")
        .readings(3)
        .map(each => each.absent ?? each.value),
    ).toEqual([3, "not logged", "not logged", "not logged"]);
    const top1 = modelOf("metric:val%2Ftop1").readings(3, 9);
    expect(top1.map(each => each.absent ?? each.value)).toEqual([
      "not logged",
      0.25,
      "not logged",
      "not logged",
    ]);
  });

  test("draws the baseline faintly, below all others, until another is pinned", () => {
    const runs = new ComparedRuns();
    for (const runFolder of ["/a", "/b"]) {
      runs.receive({ type: "compared", runFolder, name: runFolder, run });
    }
    runs.pin("/a", ["/b"]);
    const shownAs = () => runs.all.map(({ label, slot, isBaseline }) => [label, slot, isBaseline]);
    expect(shownAs()).toEqual([
      ["/b", 1, false],
      ["/a", BASELINE, true],
    ]);
    runs.pin("/b", ["/b"]);
    expect(shownAs()).toEqual([["/b", BASELINE, true]]);
    runs.pin(undefined, ["/b"]);
    expect(shownAs()).toEqual([["/b", 1, false]]);
  });

  test("leaves the others as they are when a run is removed", () => {
    const runs = new ComparedRuns();
    for (const runFolder of ["/a", "/b"]) {
      runs.receive({ type: "compared", runFolder, name: runFolder, run });
    }
    runs.keep(["/b"]);
    runs.receive({ type: "comparedSteps", runFolder: "/a", curves: exampleCurves(1, 2) });
    expect(runs.all.map(({ label, slot }) => [label, slot])).toEqual([["/b", 1]]);
    runs.receive({ type: "compared", runFolder: "/c", name: "/c", run });
    expect(runs.all.map(({ label, slot }) => [label, slot])).toEqual([
      ["/b", 1],
      ["/c", 0],
    ]);
    runs.receive({ type: "comparedGone", runFolder: "/c", reason: "deleted" });
    expect(runs.all.map(({ label }) => label)).toEqual(["/b"]);
  });

  describe("with runs of several seeds", () => {
    const series = [4, 6, 5].map(steps => {
      const one = new RunSeries();
      one.append(exampleBatch(1, steps, 0));
      return one;
    });
    const [own, second, third] = series as [RunSeries, RunSeries, RunSeries];
    const scaled = (factor: number, count: number) => {
      const column = new Column(64);
      for (let i = 0; i < count; i++) column.push(factor * 2 ** i);
      return column;
    };
    const lines = [
      { label: "this run", samples: scaled(1, 4) },
      { label: "b", samples: scaled(2, 6), series: second, slot: 7 },
      { label: "c", samples: scaled(6, 5), series: third, slot: 8 },
    ];

    test("finds those that differ in their seed alone", () => {
      const record = exampleRun({ sourceHash: "f00d" });
      const all = [
        record,
        { ...record, seed: 1, version: "0.0.9" },
        { ...record, seed: 2, sourceHash: "beef" },
        { ...record, seed: 3 },
        { ...record, seed: 1 },
      ].map(each => ({ run: each }));
      const seeds = groupReplicates(all).map(group => group.map(each => each.run.seed));
      expect(seeds).toEqual([[0, 1, 3], [2], [1]]);
    });

    test("finds those of a sweep that have the same learning rate", () => {
      const all = [0.1, 0.2].flatMap(lr =>
        [0, 1].map(seedOffset => ({
          run: exampleRun({ seed: 5 + seedOffset, overrides: { lr, seedOffset } }),
        })),
      );
      const rates = groupReplicates(all).map(group => group.map(each => each.run.overrides?.lr));
      expect(rates).toEqual([
        [0.1, 0.1],
        [0.2, 0.2],
      ]);
    });

    test.each([0, 0.5])("draws their mean and band as far as all go, smoothing %f", smoothing => {
      const joined = joinReplicates(lines, own, [series], "range");
      expect(joined.map(({ label }) => label)).toEqual(["mean of 3 seeds"]);
      const model = new LinesModel(joined, { scale: "linear", smoothing, bins: 320 });
      const { extent } = model.write(windowOf(own, DEFAULT_STATE));
      expect(extent).toEqual([1, 48]);
      const averages = (factor: number) => {
        const ema = new Ema(smoothing, "linear");
        return [1, 2, 4, 8].map(value =>
          smoothing > 0 ? ema.next(factor * value) : factor * value,
        );
      };
      const rows = model.dataSets.spread as LayerRow[];
      const drawn = rows.filter(({ x }) => !Number.isNaN(x));
      expect(drawn.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
      expect(drawn.map(({ low }) => low)).toEqual(averages(1));
      expect(drawn.map(({ high }) => high)).toEqual(averages(6));
      expect(model.readings(2)[0]?.value).toBe(12);
    });

    test.each(["linear", "log"] as const)("draws their deviation on a %s axis", scale => {
      const joined = joinReplicates(lines, own, [series], "deviation");
      expect(joined.map(({ label }) => label)).toEqual(["mean ± deviation of 3 seeds"]);
      const model = new LinesModel(joined, { scale, smoothing: 0, bins: 320 });
      model.write(windowOf(own, DEFAULT_STATE));
      const rows = model.dataSets.spread as LayerRow[];
      const drawn = rows.filter(({ x }) => !Number.isNaN(x));
      // Of 1, 2 and 6: (2² + 1² + 3²) / 2 = 7.
      for (const [i, { x, low, high }] of drawn.entries()) {
        expect(x).toBe(i + 1);
        expect(low).toBeCloseTo((3 - Math.sqrt(7)) * 2 ** i, 12);
        expect(high).toBeCloseTo((3 + Math.sqrt(7)) * 2 ** i, 12);
      }
      expect(drawn).toHaveLength(4);
    });

    test.each([0, 0.5])(
      "a band that falls below zero has no lower edge, smoothing %f",
      smoothing => {
        const far = lines.map((line, i) => ({ ...line, samples: scaled([1, 1, 60][i] ?? 1, 4) }));
        const joined = joinReplicates(far, own, [series], "deviation");
        const model = new LinesModel(joined, { scale: "log", smoothing, bins: 320 });
        model.write(windowOf(own, DEFAULT_STATE));
        const rows = model.dataSets.spread as LayerRow[];
        const drawn = rows.filter(({ x }) => !Number.isNaN(x));
        expect(drawn.map(({ low }) => low)).toEqual([1e-300, 1e-300, 1e-300, 1e-300]);
        expect(drawn.every(({ high }) => high > 40)).toBe(true);
      },
    );

    test("keeps the lines of runs that logged at other steps, or that are of no group", () => {
      const rows = (first: number) => ({ length: 2, at: (i: number) => first + i });
      const apart = lines.map((line, i) => ({ ...line, rows: rows(i) }));
      expect(joinReplicates(apart, own, [series], "range")).toEqual(apart);
      const pair = joinReplicates(lines, own, [[second, third]], "range");
      expect(pair.map(({ label, slot }) => [label, slot])).toEqual([
        ["this run", undefined],
        ["b, mean of 2 seeds", 7],
      ]);
    });
  });
});

describe("a run of which only logged numbers are known", () => {
  const own = new RunSeries();
  own.append(exampleBatch(1, 4, 0));
  const tensors = exampleRun().tensors;
  const metrics = (name: string) =>
    [1, 3].map(step => ({ name, step, value: step / 10, time: 1000 * step }));
  const imported = (...names: string[]) => {
    const runs = new ComparedRuns();
    const run = exampleRun({ status: "completed", steps: 0 });
    runs.receive({ type: "compared", runFolder: "/tb", name: "torch", run });
    const all = names.flatMap(metrics);
    runs.receive({ type: "comparedMetrics", runFolder: "/tb", metrics: all });
    return runs.all;
  };
  const lossOf = (compared: ReturnType<typeof imported>) => {
    const loss = chartsOf(own, tensors, DEFAULT_STATE, compared).find(({ id }) => id === "loss");
    return loss?.draws && "lines" in loss.draws ? loss.draws.lines[1] : undefined;
  };

  test.each(["train/loss", "Loss/train", "loss", "training_loss", "train/loss_step"])(
    "has its %s drawn as its loss, and named",
    name => {
      const compared = imported("val/loss", "accuracy", name);
      const line = lossOf(compared);
      expect(line?.label).toBe(`torch, ${name} as logged`);
      if (!line) throw new Error("There is a line");
      const model = new LinesModel([{ label: "this run", samples: own.step("loss") }, line], {
        scale: "linear",
        smoothing: 0,
        bins: 320,
      });
      model.write(windowOf(own, DEFAULT_STATE, compared));
      expect(model.readings(2)[1]?.value).toBe(0.3);
    },
  );

  test("has the loss of training drawn where there are several, and none where none is called so", () => {
    expect(lossOf(imported("loss", "train/loss"))?.label).toBe("torch, train/loss as logged");
    const none = lossOf(imported("val/loss", "lossless"));
    expect([none?.label, none?.absent]).toEqual(["torch", "not measured"]);
  });

  test("stands beside the measured loss of others where it is shown itself", () => {
    const series = new RunSeries();
    series.addLoggedOnly([...metrics("train/loss"), ...metrics("val/loss")]);
    const runs = new ComparedRuns();
    runs.receive({ type: "compared", runFolder: "/own", name: "mine", run: exampleRun() });
    runs.receive({ type: "comparedSteps", runFolder: "/own", curves: exampleCurves(1, 4) });
    const lines = chartsOf(series, [], DEFAULT_STATE, runs.all).map(({ title, draws }) => [
      title,
      draws && "lines" in draws ? draws.lines.map(({ label, absent }) => absent ?? label) : [],
    ]);
    expect(lines).toEqual([
      ["train/loss", ["this run", "mine, loss as measured"]],
      ["val/loss", ["this run", "not logged"]],
    ]);
  });
});
