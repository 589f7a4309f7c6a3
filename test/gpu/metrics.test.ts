/** What a script logs and computes about its own results. */
import { afterEach, describe, expect, test } from "vitest";
import { log, ones, tensor } from "../../runtime/index.ts";
import { metricsDelivered } from "../../runtime/insight/metrics.ts";
import { observe } from "../../runtime/insight/observer.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";

describe("log", () => {
  const seen: MetricRecord[] = [];

  afterEach(() => {
    observe(undefined);
    seen.length = 0;
  });

  function watch() {
    observe({
      seed: () => {},
      tensors: () => {},
      steps: () => {},
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
