/** What a reader of the walkthrough has done, by what was measured. */
import { expect, test } from "vitest";
import {
  comparesOptimizers,
  type Milestone,
  ScriptMilestones,
} from "../../extension/walkthrough/milestones.ts";
import type { LinePicture } from "../../runtime/protocol/picture.ts";
import type { RunRecord, TensorRecord } from "../../runtime/protocol/run.ts";
import { STEP_COLUMNS, type StepBatch } from "../../runtime/protocol/steps.ts";

function follow() {
  const reached = new Set<Milestone>();
  const milestones = new ScriptMilestones(each => reached.add(each));
  milestones.begin();
  return { milestones, reached };
}

/** Steps with these losses; η is one for all, or one each. */
function batch(losses: readonly number[], rates: number | readonly number[], firstStep = 1) {
  const steps = new Float64Array(losses.length * STEP_COLUMNS.length);
  losses.forEach((loss, row) => {
    steps[row * STEP_COLUMNS.length + STEP_COLUMNS.indexOf("loss")] = loss;
  });
  const lr = Float64Array.from(losses, (_, row) =>
    typeof rates === "number" ? rates : (rates[row] ?? Number.NaN),
  );
  const tensors = new Float32Array();
  return {
    firstStep,
    count: losses.length,
    groups: 1,
    tensorCount: 0,
    steps,
    lr,
    tensors,
  } satisfies StepBatch;
}

/** Losses of gradient descent on x² from 4. */
function parabola(rate: number, count: number, from = 4): number[] {
  return Array.from({ length: count }, (_, i) => (from * (1 - 2 * rate) ** i) ** 2);
}

const record = (part: Partial<RunRecord>) => part as RunRecord;

test("a step is one that a held loop takes by itself", () => {
  const { milestones, reached } = follow();
  milestones.record(record({ steps: 3, paused: false }));
  milestones.record(record({ steps: 4, paused: true }));
  milestones.record(record({ steps: 4, paused: true }));
  milestones.record(record({ steps: 9, paused: true }));
  expect([...reached]).toEqual([]);
  milestones.record(record({ steps: 10, paused: true }));
  expect([...reached]).toEqual(["stepped"]);
});

test("a step overshoots where half of it would have ended lower", () => {
  const { milestones, reached } = follow();
  const draw = (rate: number) => {
    const to = 4 - rate * 8;
    const xs = Float64Array.of(4, 4 + 0.5 * (to - 4), to);
    const line = { xs, losses: xs.map(x => x * x), from: 4, to, toLoss: to * to } as LinePicture;
    milestones.picture({ view: "line", step: 1, done: 3, total: 3, path: [], line });
  };
  for (const rate of [0.1, 0.5]) draw(rate);
  expect([...reached]).toEqual([]);
  draw(0.9);
  expect([...reached]).toEqual(["overshot"]);
});

test("a run diverges, goes back, and is fixed by a smaller rate alone", () => {
  const { milestones, reached } = follow();
  milestones.steps(batch(parabola(0.9, 4), 0.9));
  expect([...reached]).toEqual([]);
  milestones.steps(batch(parabola(1.1, 8), 1.1, 5));
  expect([...reached]).toEqual(["diverged"]);
  milestones.record(record({ steps: 12, paused: true, rewinds: [{ step: 12, to: 4 }] }));
  milestones.steps(batch(parabola(0.9, 5, 1), 1.2, 13));
  expect([...reached]).toEqual(["diverged", "rewound"]);
  milestones.steps(batch(parabola(0.5, 5, 1), 0.5, 18));
  expect([...reached]).toEqual(["diverged", "rewound", "fixed"]);
});

test("noise is no divergence, and a loss that is no number is one", () => {
  const { milestones, reached } = follow();
  milestones.steps(batch([1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6], 0.1));
  milestones.steps(batch([1, 3, 1, 5, 2, 9], 0.1, 8));
  expect([...reached]).toEqual([]);
  milestones.steps(batch([Number.NaN], 0.1, 14));
  expect([...reached]).toEqual(["diverged"]);
  // Another run of the script, which is right.
  milestones.begin();
  milestones.steps(batch(parabola(0.01, 6), 0.01));
  expect([...reached]).toEqual(["diverged", "fixed"]);
});

test("a warm-up is the schedule's, from the first step on", () => {
  const rising = [1, 2, 3, 4, 5].map(i => i * 1e-3);
  const flat = [1, 1, 1, 1, 1];
  const byHand = follow();
  byHand.milestones.record(record({ steps: 1, changes: [{ step: 2 }] as never }));
  byHand.milestones.steps(batch(flat, rising));
  byHand.milestones.begin();
  byHand.milestones.record(record({ steps: 0 }));
  byHand.milestones.steps(batch(flat, 0.1));
  byHand.milestones.steps(batch(flat, rising, 6));
  expect([...byHand.reached]).toEqual([]);

  const scheduled = follow();
  scheduled.milestones.steps(batch([1, 1], rising));
  scheduled.milestones.steps(batch([1, 1, 1], rising.slice(2), 3));
  expect([...scheduled.reached]).toEqual(["warmedUp"]);
});

test("SGD is compared with an optimizer of Adam's family", () => {
  const made = (optimizer: TensorRecord["optimizer"]) =>
    record({ tensors: [{ optimizer } as TensorRecord] });
  expect(comparesOptimizers([made("SGD"), made("AdamW")])).toBe(true);
  expect(comparesOptimizers([made("SGD"), made("SGD")])).toBe(false);
  expect(comparesOptimizers([made("Adam"), made("Lion")])).toBe(false);
});
