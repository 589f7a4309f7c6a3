import { describe, expect, test } from "vitest";
import type { LearningRateProbe } from "../../runtime/protocol/probe.ts";
import { parseClientMessage, parseSidecarMessage } from "../../runtime/protocol/validate.ts";
import { exampleBatch, exampleFinding, exampleRun } from "./run-example.ts";

const PROBE: LearningRateProbe = {
  done: 1,
  steps: 116,
  lr: 0.1,
  last: { lr: 1e-7, loss: Number.NaN },
  range: { curve: [{ lr: 1e-7, loss: Number.NaN, smoothed: 2 }], suggestion: undefined },
  travel: { lr: 1, steps: 16, travel: 1, expected: 2, suggestion: undefined, horizon: 9 },
  trials: [{ lr: 0.01, steps: 50, loss: 2 }],
  suggestion: 0.01,
  confidence: "low",
};

const PLANNED = { group: 0, steps: [1, 5, 9], lr: [0, 0.5, 0.1], isOpen: false };

describe("messages", () => {
  test("pass when they are as declared", () => {
    const run = exampleRun();
    const batch = exampleBatch(1, 3);
    const log = { level: "info", text: "hi", time: 1, step: 0 };
    for (const message of [
      { type: "welcome", version: 1, run, logs: 0, metrics: 0 },
      { type: "run", run: { ...run, error: { message: "no", location: undefined } } },
      { type: "steps", batch },
      { type: "log", log },
      { type: "metric", metric: { name: "val/loss", value: Number.NaN, step: 3, time: 1 } },
      { type: "finding", finding: exampleFinding() },
      { type: "probe", probe: PROBE },
      { type: "end", run },
      { type: "end", run: { ...run, groups: [{ group: 0, options: { lr: "0.1" } }] } },
      { type: "run", run: { ...run, planned: [PLANNED] } },
      { type: "refused", reason: "wrong token" },
    ]) {
      expect(parseSidecarMessage(message)).toBe(message);
    }
    const hello = { type: "hello", version: 1, token: "t" };
    expect(parseClientMessage(hello)).toBe(hello);
    expect(parseClientMessage({ type: "stop" })).toEqual({ type: "stop" });
    const control = { type: "control", control: { type: "runTo", step: 3 } };
    expect(parseClientMessage(control)).toBe(control);
    expect(parseClientMessage({ type: "ease", isEased: true })).toEqual({
      type: "ease",
      isEased: true,
    });
  });

  test.each([
    [null, "message.type: expected hello | stop | control | ease, got undefined"],
    ["stop", "message.type: expected hello | stop | control | ease, got undefined"],
    [{ type: "format disk" }, "message.type: expected hello | stop | control | ease, got string"],
    [{ type: "stop", patienceMs: -1 }, "message.patienceMs: expected a count, got number"],
    [{ type: "ease" }, "message.isEased: expected boolean, got undefined"],
    [
      { type: "control", control: { type: "step", count: 0 } },
      "message.control.count: expected a positive count, got number",
    ],
    [
      { type: "control", control: { type: "set", group: 0, name: "lr", value: -1 } },
      "message.control.value: η has to be 0 or more.",
    ],
    [
      { type: "control", control: { type: "set", group: 0, name: "beta1", value: 1 } },
      "message.control.value: β₁ has to be at least 0 and below 1.",
    ],
    [
      { type: "control", control: { type: "set", group: 0, name: "eps", value: Number.NaN } },
      "message.control.value: expected a finite number, got number",
    ],
    [
      { type: "control", control: { type: "draw", view: "all" } },
      "message.control.view: expected line | plane | random, got string",
    ],
    ...(
      [
        [[], 20, "One to 7 factors of η can be tried, such as 0.25 0.5 1 2 4."],
        [[1, 0], 20, "Each factor of η has to be a number above 0, such as 0.5 or 2."],
        [[1, 2, 1], 20, "Each factor of η is tried once."],
        [[1], 1001, "A branch has 1 to 1000 steps."],
      ] as const
    ).map(([factors, steps, objection]): [object, string] => [
      { type: "control", control: { type: "branch", factors, steps } },
      `message.control: ${objection}`,
    ]),
    [
      { type: "control", control: { type: "jump" } },
      "message.control.type: expected pause | resume | step | runTo | runToFinding | locateNonFinite | rewind | draw | measure | stopDrawing | branch | stopBranching | set, got string",
    ],
    [{ type: "hello", version: 1 }, "message.token: expected string, got undefined"],
    [{ type: "hello", version: "1", token: "t" }, "message.version: expected number, got string"],
  ])("a client's %j is refused", (message, reason) => {
    expect(() => parseClientMessage(message)).toThrow(reason);
  });

  test.each([
    [{ status: "asleep" }, "message.run.status: expected running"],
    [{ steps: -1 }, "message.run.steps: expected a count"],
    [{ args: "x" }, "message.run.args: expected an array"],
    [{ args: [1] }, "message.run.args[0]: expected string, got number"],
    [{ adapter: { vendor: "google" } }, "message.run.adapter.architecture: expected string"],
    [{ error: { message: "m", location: { file: 1 } } }, "message.run.error.location.file"],
    [{ planned: [{ ...PLANNED, lr: [1, 2, Number.NaN] }] }, "lr[2]: expected a finite number"],
    [
      { planned: [{ ...PLANNED, lr: [1] }] },
      "message.run.planned[0]: expected a rate for each of steps that rise",
    ],
    [{ planned: [{ ...PLANNED, steps: [1, 5, 5] }] }, "each of steps that rise"],
  ])("a run with %j is refused", (change, reason) => {
    const message = { type: "run", run: { ...exampleRun(), ...change } };
    expect(() => parseSidecarMessage(message)).toThrow(reason);
  });

  test.each([
    [{ code: "lr.odd" }, "message.finding.code: expected lr.diverging | "],
    [{ state: "asleep" }, "message.finding.state: expected raised"],
    [{ about: { type: "tensor" } }, "message.finding.about.name: expected string"],
    [
      { evidence: exampleFinding().evidence.slice(1) },
      "message.finding.evidence: expected two numbers or more",
    ],
    [
      { evidence: [{ name: "loss", value: Number.NaN, text: "" }] },
      "message.finding.evidence[0].value: expected a finite number",
    ],
    [
      { suggestion: { target: "lr", from: 1, to: 2, range: [1] } },
      "message.finding.suggestion.range: expected two numbers",
    ],
  ])("a finding with %j is refused", (change, reason) => {
    const message = { type: "finding", finding: { ...exampleFinding(), ...change } };
    expect(() => parseSidecarMessage(message)).toThrow(reason);
  });

  test.each([
    [{ confidence: "sure" }, "message.probe.confidence: expected high | low, got string"],
    [{ range: { curve: [{ lr: 1 }] } }, "message.probe.range.curve[0].loss: expected number"],
    [{ travel: { lr: 1 } }, "message.probe.travel.steps: expected a count"],
  ])("a probe with %j is refused", (change, reason) => {
    const message = { type: "probe", probe: { ...PROBE, ...change } };
    expect(() => parseSidecarMessage(message)).toThrow(reason);
  });

  test.each([
    [{ view: "globe" }, "message.picture.view: expected line | plane | random, got string"],
    [
      {
        surface: {
          names: ["x", "y"],
          xs: new Float64Array(2),
          ys: new Float64Array(2),
          losses: [],
        },
      },
      "message.picture.surface.losses: expected a Float64Array",
    ],
    [
      {
        surface: {
          names: ["x", "y"],
          xs: new Float64Array(2),
          ys: new Float64Array(2),
          losses: new Float64Array(3),
        },
      },
      "message.picture.surface: there are not as many losses as places",
    ],
  ])("a picture with %j is refused", (change, reason) => {
    const picture = { view: "plane", step: 1, done: 0, total: 1, path: [], ...change };
    expect(() => parseSidecarMessage({ type: "picture", picture })).toThrow(reason);
  });

  test("a batch whose columns are shorter than it says is refused", () => {
    const batch = { ...exampleBatch(1, 3), count: 4 };
    expect(() => parseSidecarMessage({ type: "steps", batch })).toThrow("do not have 4 rows");
    const plain = { ...exampleBatch(1, 3), lr: [1, 2, 3] };
    expect(() => parseSidecarMessage({ type: "steps", batch: plain })).toThrow("a Float64Array");
  });
});
