/** What a script logs and computes about its own results. */
import { afterEach, describe, expect, test } from "vitest";
import { log, metrics, ones, tensor } from "../../runtime/index.ts";
import { metricsDelivered } from "../../runtime/insight/metrics.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";

describe("log", () => {
  const seen: MetricRecord[] = [];

  afterEach(() => {
    observe(undefined);
    seen.length = 0;
  });

  function watch() {
    observe({
      ...deafObserver,
      metrics: metrics => seen.push(...metrics),
    });
  }

  test("hands metrics over in order, however late a tensor is", async () => {
    watch();
    log({ first: ones(300, 300).matmul(ones(300, 300)).mean(), "val/b": 2 });
    log({ second: 3 });
    expect(seen).toEqual([]);
    await metricsDelivered();
    expect(seen.map(({ name, value }) => [name, value])).toEqual([
      ["first", 300],
      ["val/b", 2],
      ["second", 3],
    ]);
  });

  test("gives the value of the call, also where the tensor changes later", async () => {
    watch();
    const x = tensor([1]);
    log({ x });
    x.add_(1);
    log({ x });
    await metricsDelivered();
    expect(seen.map(({ value }) => value)).toEqual([1, 2]);
  });

  test("is silent where nobody records the run", async () => {
    log({ a: tensor([1]) });
    watch();
    await metricsDelivered();
    expect(seen).toEqual([]);
  });

  test.each([
    [{ a: tensor([1, 2]) }, "log: a is a tensor of shape [2]; a metric is one number. Use mean()"],
    [{ a: "1" }, "log: a should be a number or a tensor of one element, got string"],
    [{ a: null }, "log: a should be a number or a tensor of one element, got null"],
    [{ "": 1 }, "log: a metric needs a name"],
  ])("refuses %o", (metrics, message) => {
    expect(() => log(metrics as Parameters<typeof log>[0])).toThrow(message);
  });
});

const scores = tensor([
  [0.1, 0.7, 0.2],
  [0.9, 0, 0.1],
  [0.2, 0.5, 0.3],
  [0, 0.1, 0.9],
]);
const targets = tensor([1, 0, 2, 2], { dtype: "int32" });

test("accuracy is the share of right predictions, of scores and of class numbers", async () => {
  expect(await metrics.accuracy(scores, targets).item()).toBe(0.75);
  const predicted = tensor([1, 1, 2, 1], { dtype: "int32" });
  expect(await metrics.accuracy(predicted, targets).item()).toBe(0.5);
  expect(() => metrics.accuracy(scores, targets.narrow(0, 0, 3))).toThrow(
    "accuracy: expects predictions [N, classes] or [N] and targets [N], got [4, 3] and [3]",
  );
});

test("confusionMatrix counts which class was taken for which", async () => {
  const matrix = metrics.confusionMatrix(scores, targets, 3);
  expect([...(await matrix.data())]).toEqual([1, 0, 0, 0, 1, 0, 0, 1, 1]);
});

describe("EarlyStopping", () => {
  test("stops when the value has not improved for longer than it is waited", () => {
    const stopping = new metrics.EarlyStopping({ patience: 2, minDelta: 0.1 });
    const values = [Number.NaN, 1, 0.95, 0.8, 0.75, 0.9, Number.NaN];
    expect(values.map(value => stopping.step(value))).toEqual([
      ...Array.from({ length: 6 }, () => false),
      true,
    ]);
    expect(stopping.best).toBe(0.8);
  });

  test("takes great values for good ones where asked to, and goes on from a state", () => {
    const first = new metrics.EarlyStopping({ patience: 1, mode: "max" });
    expect([0.5, 0.6, 0.6].map(value => first.step(value))).toEqual([false, false, false]);
    const second = new metrics.EarlyStopping({ patience: 1, mode: "max" });
    second.loadStateDict(first.stateDict());
    expect(second.step(0.55)).toBe(true);
    expect(second.step(0.7)).toBe(false);
  });

  test.each([
    [{ patience: -1 }, "EarlyStopping: patience should be a number of values, got -1"],
    [{ minDelta: -1 }, "EarlyStopping: minDelta should be at least 0, got -1"],
  ])("refuses %o", (options, message) => {
    expect(() => new metrics.EarlyStopping(options)).toThrow(message);
  });
});
