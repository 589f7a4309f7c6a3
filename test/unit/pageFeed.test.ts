import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EASED_INTERVAL, FEED_INTERVAL, PageFeed } from "../../runtime/page/pageFeed.ts";
import type { ToPageMessage } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import {
  joinBatches,
  STEP_COLUMNS,
  type StepBatch,
  TENSOR_COLUMNS,
} from "../../runtime/protocol/steps.ts";

/** A batch in which every value tells its step. */
function batch(firstStep: number, count: number, tensorCount = 2): StepBatch {
  const fill = (perStep: number): number[] =>
    Array.from({ length: count * perStep }, (_, i) => firstStep + Math.floor(i / perStep));
  return {
    firstStep,
    count,
    groups: 1,
    tensorCount,
    steps: Float64Array.from(fill(STEP_COLUMNS.length)),
    lr: Float64Array.from(fill(1)),
    tensors: Float32Array.from(fill(tensorCount * TENSOR_COLUMNS.length)),
  };
}

const run: RunRecord = {
  id: "a",
  script: "/a.ts",
  args: [],
  status: "running",
  startedAt: 0,
  pid: 1,
  seed: 0,
  version: "0.0.0",
  tensors: [],
  steps: 0,
  finalLoss: Number.NaN,
  findings: [],
};

describe("PageFeed", () => {
  const posted: ToPageMessage[] = [];
  let feed: PageFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    posted.length = 0;
    feed = new PageFeed(message => posted.push(message));
    feed.start();
  });

  afterEach(() => {
    feed.dispose();
    vi.useRealTimers();
  });

  it("sends at most 50 messages a second and every step once", () => {
    for (let ms = 0; ms < 1000; ms++) {
      feed.steps(batch(ms + 1, 1));
      feed.log({ level: "info", text: `line ${ms}`, time: ms, step: ms });
      feed.metric({ name: "accuracy", value: ms, step: ms, time: ms });
      vi.advanceTimersByTime(1);
    }
    expect(posted.length).toBeLessThanOrEqual(50);
    vi.advanceTimersByTime(10 * FEED_INTERVAL);
    const batches = posted.flatMap(message => (message.type === "steps" ? [message.batch] : []));
    expect(joinBatches(batches)).toEqual(batch(1, 1000));
    const logs = posted.flatMap(message => (message.type === "logs" ? message.logs : []));
    expect(logs.map(({ text }) => text)).toEqual(
      Array.from({ length: 1000 }, (_, i) => `line ${i}`),
    );
    const metrics = posted.flatMap(message => (message.type === "metrics" ? message.metrics : []));
    expect(metrics.map(({ value }) => value)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("sends all that waits twice a second while it is eased, and at once afterwards", () => {
    feed.ease(true);
    for (let ms = 0; ms < 1900; ms++) {
      feed.steps(batch(ms + 1, 1));
      feed.log({ level: "info", text: `line ${ms}`, time: ms, step: ms });
      vi.advanceTimersByTime(1);
    }
    expect(posted.map(({ type }) => type)).toEqual(Array(3).fill(["steps", "logs"]).flat());
    feed.ease(false);
    vi.advanceTimersByTime(2 * FEED_INTERVAL);
    expect(posted).toHaveLength(8);
    const batches = posted.flatMap(message => (message.type === "steps" ? [message.batch] : []));
    expect(joinBatches(batches)).toEqual(batch(1, 1900));
  });

  it("sends what comes last although it is eased", () => {
    feed.ease(true);
    feed.run(run);
    vi.advanceTimersByTime(EASED_INTERVAL);
    expect(posted).toEqual([{ type: "run", run }]);
  });

  it("sends the newest run before the steps that it describes", () => {
    feed.steps(batch(1, 1));
    feed.run(run);
    feed.run({ ...run, steps: 1 });
    vi.advanceTimersByTime(5 * FEED_INTERVAL);
    expect(posted.map(({ type }) => type)).toEqual(["run", "steps"]);
    expect(posted[0]).toEqual({ type: "run", run: { ...run, steps: 1 } });
  });

  it("starts a message where the tensors change", () => {
    for (const next of [batch(1, 2), batch(3, 1), batch(4, 1, 5), batch(5, 1, 5)]) feed.steps(next);
    vi.advanceTimersByTime(5 * FEED_INTERVAL);
    expect(posted).toEqual([
      { type: "steps", batch: batch(1, 3) },
      { type: "steps", batch: batch(4, 2, 5) },
    ]);
  });

  it("holds everything until it is started", () => {
    feed = new PageFeed(message => posted.push(message));
    feed.steps(batch(1, 2));
    vi.advanceTimersByTime(1000);
    expect(posted).toEqual([]);
    feed.start();
    vi.advanceTimersByTime(FEED_INTERVAL);
    expect(posted).toEqual([{ type: "steps", batch: batch(1, 2) }]);
  });

  it("is silent when nothing happens and after dispose", () => {
    vi.advanceTimersByTime(1000);
    feed.run(run);
    feed.dispose();
    vi.advanceTimersByTime(1000);
    expect(posted).toEqual([]);
  });
});
