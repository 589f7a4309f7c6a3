/** The GPU's time of a step by phase, as an adapter tells it. */
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { nn, optim, randn, type Tensor, tensor } from "../../runtime/index.ts";
import { gpuTimes } from "../../runtime/insight/gpuTimes.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain, loopResumed } from "../../runtime/insight/recorder.ts";
import { type ObservedStep, watch } from "./watch.ts";

afterEach(() => observe(undefined));

const LOOK_MS = 50;
const COLUMNS = ["gpuForwardMs", "gpuBackwardMs", "gpuStepMs"] as const;

function timesOf(step: ObservedStep | undefined): number[] {
  return COLUMNS.map(column => step?.total(column) ?? Number.NaN);
}

/** A product that needs no gradient: some milliseconds of a software adapter. */
function heavy(): Tensor {
  const side = 192;
  return randn(side, side).matmul(randn(side, side)).square().mean();
}

/** A loop of SGD, whose losses are made of what a step is given. */
function loop(size: number) {
  const watched = watch();
  const weight = new nn.Parameter(randn(size));
  const optimizer = new optim.SGD([weight], { lr: 1e-3, momentum: 0.9 });
  const step = async (factor: Tensor) => {
    optimizer.zeroGrad();
    weight.square().sum().mul(factor).backward();
    await optimizer.step();
  };
  return { watched, step };
}

test("a phase has the time of its kernels, and all of them no more than the loop", async () => {
  const { watched, step } = loop(8);
  await step(tensor(1));
  await drain();
  const begun = performance.now();
  await step(heavy());
  await drain();
  const took = performance.now() - begun;
  const [first, second] = watched.steps.map(timesOf);
  expect(first).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  const [forward = 0, backward = 0, update = 0] = second ?? [];
  expect(forward).toBeGreaterThan(2 * backward);
  expect(forward).toBeGreaterThan(2 * update);
  expect(backward).toBeGreaterThan(0);
  expect(update).toBeGreaterThan(0);
  expect(forward + backward + update).toBeLessThan(took);
});

test("the update of many parameters is the step's", async () => {
  const updates: number[] = [];
  for (const size of [1000, 1_000_000]) {
    const { watched, step } = loop(size);
    for (let i = 0; i < 3; i++) {
      await step(tensor(1));
      await setTimeout(LOOK_MS + 10);
    }
    await drain();
    updates.push(watched.steps.at(-1)?.total("gpuStepMs") ?? Number.NaN);
  }
  const [small = Number.NaN, large] = updates;
  expect(large).toBeGreaterThan(3 * small);
});

test("a step is timed every 50 ms at most, and steps in between have the times of the last one", async () => {
  const { watched, step } = loop(8);
  for (let i = 0; i < 3; i++) await step(tensor(1));
  const begun = performance.now();
  for (let i = 0; i < 200; i++) await step(tensor(1));
  const took = performance.now() - begun;
  await setTimeout(LOOK_MS + 10);
  // The next one to be timed is chosen when a step ends.
  for (let i = 0; i < 2; i++) await step(heavy());
  await drain();
  const times = watched.steps.map(timesOf);
  const quick = times.slice(3, -2);
  expect(quick.every(([forward = Number.NaN]) => forward >= 0)).toBe(true);
  expect(new Set(quick.map(String)).size).toBeLessThanOrEqual(2 + took / LOOK_MS);
  expect(times.at(-1)?.[0]).toBeGreaterThan(2 * (times.at(-3)?.[0] ?? Number.NaN));
});

test("what runs while a loop is held belongs to no step", async () => {
  const { watched, step } = loop(8);
  loopResumed();
  await step(tensor(1));
  await heavy().item();
  loopResumed();
  await step(tensor(1));
  await drain();
  const before = timesOf(watched.steps[0]);
  expect(timesOf(watched.steps[1])).toEqual(before);
});

test("a step of more passes than are timed together leaves the times as they were", async () => {
  const { watched, step } = loop(8);
  loopResumed();
  await step(tensor(1));
  for (let i = 0; i < 70; i++) await tensor([i]).square().item();
  await step(tensor(1));
  await drain();
  const before = timesOf(watched.steps[0]);
  expect(timesOf(watched.steps[1])).toEqual(before);
});

test("timestamps have 64 bits, and a clock that was set back is no time", () => {
  const words = new Uint32Array(16);
  // The first pass begins at 7 · 2³² + 2³² − 256 ns and ends a millisecond later.
  words.set([0xffff_ff00, 7, 1e6 - 256, 8]);
  words.set([9, 4, 8, 4], 4);
  words.set([1, 0, 1_000_001, 0], 12);
  expect(gpuTimes(words, 0, ["forward", "backward", "backward", "step"])).toEqual({
    gpuForwardMs: 1,
    gpuBackwardMs: 0,
    gpuStepMs: 1,
  });
});
