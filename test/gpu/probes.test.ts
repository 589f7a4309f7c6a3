/** Probes on a real loop: they see what they should, and leave no trace. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { nn, optim, tensor } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { branchProbe } from "../../runtime/insight/probes/branchProbe.ts";
import { HeldLoop } from "../../runtime/insight/probes/heldLoop.ts";
import { rangeTest } from "../../runtime/insight/probes/rangeTest.ts";
import { travelProbe } from "../../runtime/insight/probes/travelProbe.ts";
import type { StepBatch } from "../../runtime/protocol/steps.ts";
import { OPTIMIZERS, training } from "./whole-loop.ts";

/** Hears the batches of the process. */
let hear: (batch: StepBatch) => void = () => {};

beforeAll(() => {
  observe({ seed: () => {}, tensors: () => {}, steps: batch => hear(batch) });
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

test.each(Object.entries(OPTIMIZERS))(
  "%s goes on after probes as without them",
  async (_, make) => {
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
    const { branches } = await branchProbe(loop, { factors: [1, 3], steps: 7 });
    await travelProbe(loop, { lr: 0.01, steps: 3 });
    // The first step of each is on the batch that is next, from the parameters that stand.
    expect(curve[0]?.loss).toBe(losses[5]);
    expect(branches.map(branch => branch.losses[0])).toEqual([losses[5], losses[5]]);
    expect(branches[1]?.losses[1]).not.toBe(branches[0]?.losses[1]);

    // The step in which it is held ends, and seven follow.
    last = seen.length + 1 + 7;
    loop.release();
    await running;
    expect(seen.slice(-7)).toEqual(losses.slice(5));
    expect(await probed.state()).toEqual(end);
  },
);

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
