/** Probes of the learning rate, on loops whose answer is known. */
import { expect, test } from "vitest";
import { findLearningRate } from "../../runtime/insight/probes/findLearningRate.ts";
import type { ProbedLoop } from "../../runtime/insight/probes/loop.ts";
import { rangeTest, suggestedRate } from "../../runtime/insight/probes/rangeTest.ts";
import { bestTrial, isSummit, rateTrials } from "../../runtime/insight/probes/rateTrials.ts";
import { travelProbe } from "../../runtime/insight/probes/travelProbe.ts";
import type { LearningRateProbe } from "../../runtime/protocol/probe.ts";

/** Gradient descent on λ/2 · x², from x = 1: it diverges above 2/λ. */
class Parabola implements ProbedLoop {
  readonly lr: number;
  x = 1;
  steps = 0;
  readonly #curvature: number;
  #travel = 0;

  constructor(lr: number, curvature: number) {
    this.lr = lr;
    this.#curvature = curvature;
  }

  async step(lr: number) {
    this.steps++;
    const loss = (this.#curvature / 2) * this.x ** 2;
    this.x -= lr * this.#curvature * this.x;
    this.#travel = Math.max(this.#travel, Math.abs(this.x - 1));
    return { loss, travel: this.#travel };
  }

  rewind() {
    this.x = 1;
    this.#travel = 0;
  }
}

test("a range test ends where the loss explodes, and suggests a tenth of the best rate", async () => {
  const loop = new Parabola(0.1, 4);
  const { curve, suggestion } = await rangeTest(loop, { from: 1e-4, to: 100 });
  expect(loop.x).toBe(1);
  expect(curve.length).toBeLessThan(100);
  expect(curve.length).toBe(loop.steps);
  const rates = curve.map(({ lr }) => lr);
  expect(rates[0]).toBe(1e-4);
  expect(Math.log10((rates[1] ?? 0) / 1e-4)).toBeCloseTo(6 / 99, 10);
  // Debiased exponential mean: the second is (0.98 · 0.02 · l₁ + 0.02 · l₂) / (1 − 0.98²).
  const [a, b] = curve.map(({ loss }) => loss);
  expect(curve[1]?.smoothed).toBeCloseTo((0.98 * (a ?? 0) + (b ?? 0)) / 1.98, 12);
  // The edge is 2/λ = 0.5, and the loss is smallest near it.
  expect(suggestion).toBeGreaterThan(0.5 / 10 / 3);
  expect(suggestion).toBeLessThan((0.5 / 10) * 8);
});

test("a range test whose loss never falls suggests nothing", async () => {
  const flat: ProbedLoop = {
    lr: 1,
    step: async () => ({ loss: 2, travel: 0 }),
    rewind: () => {},
  };
  expect((await rangeTest(flat)).suggestion).toBeUndefined();
  expect(suggestedRate([], 100)).toBeUndefined();
  const found = await findLearningRate(flat, { steps: 30, plannedSteps: 0 });
  expect(found).toMatchObject({ suggestion: undefined, travel: undefined, confidence: "low" });
});

test("a travel probe scales the rate to the travel of runs that end well", async () => {
  const loop = new Parabola(0.1, 1);
  const probe = await travelProbe(loop, { lr: 1e-3, plannedSteps: 400 });
  expect(loop.x).toBe(1);
  expect(loop.steps).toBe(16);
  expect(probe.travel).toBeCloseTo(1 - 0.999 ** 16, 12);
  expect(probe.expected).toBeCloseTo(10 ** (0.2 + 0.4 * Math.log10(16 / 400)), 12);
  expect(probe.suggestion).toBeCloseTo((1e-3 * (probe.expected ?? 0)) / probe.travel, 12);
  // A run of the horizon's length would travel as far as expected by then.
  expect(10 ** (0.2 + 0.4 * Math.log10(16 / probe.horizon))).toBeCloseTo(probe.travel, 12);
  const unknown = await travelProbe(loop, { lr: 1e-3 });
  expect(unknown.suggestion).toBeUndefined();
  const exploding = await travelProbe(loop, { lr: 1e200, plannedSteps: 400 });
  expect(exploding.travel).toBeNaN();
  expect(exploding.suggestion).toBe(1e199);
});

test("trials climb to the rate whose loss falls furthest, from either side", async () => {
  // Gradient descent is there in one step at 1/λ = 1.
  for (const lr of [1e-4, 0.1, 1, 10]) {
    const loop = new Parabola(lr, 1);
    const trials = await rateTrials(loop, { lr, steps: 30, most: 8 });
    expect(loop.x).toBe(1);
    expect(trials[0]).toEqual({ lr: 0, steps: 30, loss: 0.5 });
    expect(bestTrial(trials)?.lr).toBeCloseTo(1, 10);
    expect(bestTrial(trials)?.loss).toBeLessThan(1e-12);
    expect(isSummit(trials)).toBe(true);
    const rates = trials.map(trial => trial.lr);
    expect(rates).toEqual([...rates].sort((a, b) => a - b));
    expect(loop.steps).toBe(30 * trials.length);
  }
});

test("trials take long strides where nothing falls, and come down from what explodes", async () => {
  const far = await rateTrials(new Parabola(0.1, 1), { lr: 1e-9, steps: 9, most: 3 });
  const decades = far.slice(1).map(({ lr }) => Math.round(Math.log10(lr)));
  expect(decades).toEqual([-9, -7, -5]);
  expect(bestTrial(far)).toBeUndefined();
  const steep = new Parabola(0.1, 1e40);
  const heard: number[] = [];
  const onStep = (_: unknown, lr: number) => heard.push(lr);
  const trials = await rateTrials(steep, { lr: 1e-37, steps: 60, most: 9, onStep });
  expect(trials.at(-1)?.loss).toBeNaN();
  expect(trials.at(-1)?.steps).toBeLessThan(60);
  expect(bestTrial(trials)?.lr).toBeCloseTo(1e-40, 45);
  expect(heard).toHaveLength(steep.steps);
  const lost = await rateTrials(new Parabola(0.1, 1e40), { lr: 1, steps: 30, most: 2 });
  expect(bestTrial(lost)).toBeUndefined();
  expect(isSummit(lost)).toBe(false);
});

test("a learning rate that is found is the best of those tried around the range test's", async () => {
  const told: LearningRateProbe[] = [];
  const options = { steps: 40, plannedSteps: 0 };
  const found = await findLearningRate(new Parabola(0.01, 4), options, probe => told.push(probe));
  // 1/λ is 0.25; half a decade around it nothing is better.
  expect(Math.abs(Math.log10((found.suggestion ?? 0) / 0.25))).toBeLessThan(0.25);
  expect(found).toMatchObject({ confidence: "high", done: found.steps });
  expect(found.suggestion).toBeCloseTo(bestTrial(found.trials)?.lr ?? 0, 2);
  // Whoever is stopped meanwhile has the range test's.
  const last = told.at(-1);
  expect(last?.suggestion).toBeCloseTo(found.range.suggestion ?? 0, 3);
  const done = told.map(probe => probe.done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
});
