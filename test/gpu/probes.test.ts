/** Probes on a real loop: they see what they should, and leave no trace. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { nn, optim, tensor } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { HeldLoop } from "../../runtime/insight/probes/heldLoop.ts";
import { lineScan } from "../../runtime/insight/probes/lineScan.ts";
import { rangeTest } from "../../runtime/insight/probes/rangeTest.ts";
import { rateTrials } from "../../runtime/insight/probes/rateTrials.ts";
import { sharpness } from "../../runtime/insight/probes/sharpness.ts";
import type { StepWatch } from "../../runtime/insight/probes/stepWatch.ts";
import { travelProbe } from "../../runtime/insight/probes/travelProbe.ts";
import type { StepBatch } from "../../runtime/protocol/steps.ts";
import { type MakeOptimizer, OPTIMIZERS, training } from "./whole-loop.ts";

/** Snapshots have a test with every kind of state; here two will do. */
const SOME = Object.entries(OPTIMIZERS).filter(([name]) => ["momentum", "AdamW"].includes(name));

/** Hears the batches of the process. */
let hear: (batch: StepBatch) => void = () => {};

beforeAll(() => {
  observe({
    ...deafObserver,
    steps: batch => hear(batch),
  });
});

afterEach(() => {
  setGate(undefined);
  hear = () => {};
});

function hold(firstLr?: number): HeldLoop {
  const loop = new HeldLoop(firstLr);
  hear = batch => loop.steps(batch);
  return loop;
}

test.each(SOME)("%s goes on after probes as without them", async (_, make) => {
  const plain = training(make);
  const losses = await plain.run(12);
  const end = await plain.state();

  const probed = training(make);
  const seen: number[] = await probed.run(4);
  const loop = hold();
  let last = Number.POSITIVE_INFINITY;
  const running = (async () => {
    while (seen.length < last) seen.push(...(await probed.run(1)));
  })();
  await loop.held();
  expect(loop.lr).toBe(probed.optimizer.paramGroups[0]?.lr);
  const { curve } = await rangeTest(loop, { from: 1e-6, to: 1, steps: 10 });
  const tried = new Map<number, number[]>();
  const onStep = (_: unknown, lr: number, loss: number) =>
    tried.set(lr, [...(tried.get(lr) ?? []), loss]);
  await rateTrials(loop, { lr: 0.01, steps: 7, most: 3, onStep });
  const [still, first, ...others] = [...tried.values()];
  await travelProbe(loop, { lr: 0.01, steps: 3 });
  // The first step of each is on the batch that is next, from the parameters that stand.
  expect(curve[0]?.loss).toBe(losses[5]);
  expect(others).toHaveLength(2);
  for (const other of others) {
    expect([still?.[0], first?.[0], other[0]]).toEqual([losses[5], losses[5], losses[5]]);
    expect(other[1]).not.toBe(first?.[1]);
  }

  // The step in which it is held ends, and seven follow.
  last = seen.length + 1 + 7;
  loop.release();
  await running;
  expect(seen.slice(-7)).toEqual(losses.slice(5));
  expect(await probed.state()).toEqual(end);
});

/** Takes a probe behind the fourth step of twelve; it must not change them. */
async function watched<Result>(make: MakeOptimizer, watch: StepWatch<Result>) {
  const plain = training(make);
  const losses = await plain.run(12);
  const probed = training(make);
  const first = await probed.run(3);
  setGate(watch);
  expect([...first, ...(await probed.run(9))]).toEqual(losses);
  expect(await probed.state()).toEqual(await plain.state());
  return { losses, result: await watch.result };
}

test.each(SOME)("%s is scanned along its step, and does not notice", async (_, make) => {
  const { losses, result } = await watched(make, lineScan([-0.1, 0, 0.1, 1]));
  const { same, fresh } = result;
  // Step 5 began where its loss was measured, and led to where that of step 6 was.
  expect(same.losses[1]).toBeCloseTo(losses[4] ?? 0, 5);
  expect(fresh.losses[3]).toBeCloseTo(losses[5] ?? 0, 5);
  for (const {
    losses: [less = 0, , more = 0],
    slope,
  } of [same, fresh]) {
    expect(Math.abs(slope)).toBeGreaterThan(1e-4);
    expect((more - less) / 0.2 / slope).toBeCloseTo(1, 1);
  }
});

test("sharpness leaves no trace either", async () => {
  const { result } = await watched(OPTIMIZERS.AdamW, sharpness());
  expect(Math.abs(result.eigenvalue)).toBeGreaterThan(0);
  expect(result.preconditioned?.limit).toBeCloseTo(38 / (0.01 * 0.98 ** 4), 6);
});

test("sharpness is the largest eigenvalue of the Hessian, by its absolute value", async () => {
  const a = [1, -20, 3];
  const start = [1, 2, 0.5];
  /** ½ Σ aᵢ xᵢ² + Σ xᵢ⁴ / 12, whose Hessian has aᵢ + xᵢ² on its diagonal. */
  const measure = async (make: (params: nn.Parameter[]) => optim.Optimizer) => {
    const x = new nn.Parameter(tensor(start));
    const optimizer = make([x]);
    const watch = sharpness();
    setGate(watch);
    for (let step = 0; step < 2; step++) {
      optimizer.zeroGrad();
      const square = x.square();
      square.mul(tensor(a)).sum().div(2).add(square.square().sum().div(12)).backward();
      await optimizer.step();
    }
    return watch.result;
  };
  const still = await measure(params => new optim.SGD(params, { lr: 1e-9 }));
  expect(still.eigenvalue).toBeCloseTo(-16, 2);
  expect(still.limit).toBeCloseTo(2e9, 3);
  const nesterov = { lr: 1e-9, momentum: 0.9, nesterov: true };
  const { limit } = await measure(params => new optim.SGD(params, nesterov));
  expect(limit).toBeCloseTo(3.8e9 / 2.8, -3);

  const lr = 1e-6;
  const { preconditioned } = await measure(params => new optim.Adam(params, { lr }));
  // The gradient hardly changed between the two steps: √v̂ is its size.
  const eigenvalues = start.map((value, i) => {
    const gradient = (a[i] ?? 0) * value + value ** 3 / 3;
    return ((a[i] ?? 0) + value ** 2) / ((1 - 0.9 ** 2) * Math.abs(gradient));
  });
  const [largest = 0] = eigenvalues.sort((p, q) => Math.abs(q) - Math.abs(p));
  expect((preconditioned?.eigenvalue ?? 0) / largest).toBeCloseTo(1, 2);
  expect(preconditioned?.limit).toBeCloseTo(38 / lr, 0);
});

test("a step without backward() cannot be watched", async () => {
  const x = new nn.Parameter(tensor([1]));
  const optimizer = new optim.SGD([x], { lr: 0.1 });
  const watch = lineScan();
  setGate(watch);
  await optimizer.step();
  await optimizer.step();
  await expect(watch.result).rejects.toThrow("backward() was not called before optimizer.step().");
});

test("a loop that does not wait for its steps cannot be held", async () => {
  const x = new nn.Parameter(tensor([1]));
  const optimizer = new optim.SGD([x], { lr: 0.1 });
  const loop = hold(0);
  const step = () => {
    optimizer.zeroGrad();
    x.square().sum().backward();
    return optimizer.step();
  };
  const first = step();
  await loop.held();
  void step();
  await expect(loop.step(0.1)).rejects.toThrow("calls optimizer.step() without await");
  loop.release();
  await first;
});
