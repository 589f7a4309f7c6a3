import { describe, expect, test } from "vitest";
import { runChoice } from "../../runtime/page/comparison.ts";
import { parseHostMessage } from "../../webview/messages.ts";
import { DEFAULT_STATE, parseViewState } from "../../webview/viewState.ts";
import { exampleBatch, exampleCurves, exampleRun } from "./run-example.ts";

describe("messages of the host", () => {
  test("pass when they are as declared", () => {
    const run = exampleRun();
    const batch = exampleBatch(1, 3);
    const logs = [{ level: "info", text: "hi", time: 1, step: 0 }];
    const metrics = [{ name: "accuracy", value: 0.5, step: 3, time: 1 }];
    for (const message of [
      { type: "hydrate", run, runFolder: "/runs/1", batches: [batch], logs, metrics },
      { type: "empty", heading: "", reason: "No run" },
      { type: "empty", heading: "", reason: "", run },
      { type: "run", run },
      { type: "steps", batch },
      { type: "logs", logs },
      { type: "metrics", metrics },
      { type: "compare", runFolders: ["/runs/2"] },
      { type: "compared", runFolder: "/runs/2", name: "wide", run },
      { type: "comparedRun", runFolder: "/runs/2", run },
      { type: "comparedSteps", runFolder: "/runs/2", curves: exampleCurves(1, 3) },
      { type: "comparedMetrics", runFolder: "/runs/2", metrics },
      { type: "comparedGone", runFolder: "/runs/2", reason: "There is no run." },
      { type: "open", part: "branches" },
      { type: "branches", branches: { step: 3, steps: 2, count: 1, branches: [], isOver: false } },
      { type: "baseline" },
      { type: "baseline", runFolder: "/runs/2", problem: "disk full" },
      { type: "runs", runs: [runChoice("/runs/2", run, "wide")] },
    ]) {
      expect(parseHostMessage(message)).toEqual(message);
    }
  });

  test("have NaN where JSON has null", () => {
    const run = { ...exampleRun(), finalLoss: null };
    const message = parseHostMessage({ type: "run", run });
    expect(message?.type === "run" && message.run.finalLoss).toBeNaN();
    const metric = { name: "accuracy", value: null, step: 3, time: 1 };
    expect(parseHostMessage({ type: "metrics", metrics: [metric] })).toEqual({
      type: "metrics",
      metrics: [{ ...metric, value: Number.NaN }],
    });
    // Of the curve of one parameter the way has no second number; what has exploded has no loss.
    const at = { from: 4, fromLoss: 16, to: 3.2, toLoss: null, slope: 8, lr: 0.1 };
    const line = { parameter: "x", xs: Float64Array.of(4), losses: Float64Array.of(16), ...at };
    const path = [{ step: 1, x: 4, y: null }];
    const picture = { view: "line", step: 1, done: 1, total: 1, path, line };
    expect(parseHostMessage({ type: "picture", picture })).toMatchObject({
      picture: { path: [{ y: Number.NaN }], line: { toLoss: Number.NaN } },
    });
  });

  test.each([
    [undefined],
    ["vscode"],
    [{ type: "later", batch: 1 }],
    [{ type: "steps" }],
    [{ type: "steps", batch: { ...exampleBatch(1, 3), count: 4 } }],
    [{ type: "run", run: { status: "asleep" } }],
  ])("%j is ignored", message => {
    expect(parseHostMessage(message)).toBeUndefined();
  });
});

describe("state of the page", () => {
  test("comes back as it was kept", () => {
    const state = {
      runFolder: "/runs/1",
      smoothing: 0.5,
      gradientTensors: ["0.weight"],
      tensor: "2.bias",
      mapped: "effectiveLr",
      tensorFilter: "*.bias",
      collapsed: ["0"],
      scales: { loss: "linear", lr: "log" },
      x: "epoch",
      xScale: "log",
      zoom: [2, 9.5],
      follows: true,
      yZooms: { loss: [0.1, 2] },
      ignoresOutliers: false,
      logOpen: true,
      pictureView: "random",
      drawsWhilePaused: false,
      drawsEvery: 100,
      compared: ["/runs/2"],
      meansSeeds: true,
      seedBand: "deviation",
      ownCharts: [{ id: "own-1", text: '{"mark":"line"}' }],
      insightsOpen: true,
      layout: { ...DEFAULT_STATE.layout, pinned: ["lr"], heights: { loss: 300 } },
    };
    expect(parseViewState(structuredClone(state))).toEqual(state);
  });

  test.each([
    [undefined],
    ["x"],
    [{ smoothing: 7, gradientTensors: "a", scales: { loss: "cubic" }, logOpen: 1 }],
    [{ x: "age", xScale: 2, zoom: [3, 3], yZooms: { loss: [1, null] }, follows: "no" }],
    [{ drawsEvery: 3 }],
  ])("%j gives the defaults", value => {
    expect(parseViewState(value)).toEqual(DEFAULT_STATE);
  });
});
