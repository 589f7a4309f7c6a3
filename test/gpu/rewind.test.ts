/** A loop that was changed and went back is, bit by bit, one that was never changed. */
import { afterEach, expect, test } from "vitest";
import { takeSnapshot } from "../../runtime/checkpoint/snapshot.ts";
import { data, manualSeed, nn, optim, randn } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { randomNumbers } from "../unit/random.ts";
import { hand } from "./hand.ts";
import { OPTIMIZERS, training } from "./whole-loop.ts";

afterEach(() => setGate(undefined));

test.each(Object.entries(OPTIMIZERS))("%s, ten times, from any step", async (_, make) => {
  const never = training(make);
  // Four passes of six batches, and more.
  const losses = await never.run(26);
  const end = await never.state();
  const pick = randomNumbers(5);
  for (let round = 0; round < 10; round++) {
    const { run, state } = training(make);
    const { ask, rewinds } = hand();
    const at = 2 + Math.floor(pick() * 12);
    await run(at - 1);
    ask({ type: "set", group: 0, name: "lr", value: 0.3 });
    // The change is made behind this step.
    expect(await run(1)).toEqual(losses.slice(at - 1, at));
    const changed = await run(1 + Math.floor(pick() * 8));
    expect(changed.at(-1) === losses[at + changed.length - 1]).toBe(changed.length === 1);
    ask({ type: "rewind", step: at });
    const [last] = await run(1);
    expect(last).not.toBe(losses[at + changed.length]);
    expect(rewinds()).toEqual([{ step: at + changed.length + 1, to: at }]);
    expect(await run(26 - at)).toEqual(losses.slice(at));
    expect(await state()).toEqual(end);
    setGate(undefined);
  }
});

test("two optimizers in turn go back together, behind a step of the second", async () => {
  const losses = async (count: number, at?: (step: number) => void) => {
    manualSeed(3);
    const inputs = new data.TensorDataset(randn(8, 3).keep());
    const loader = new data.DataLoader(inputs, { batchSize: 2, shuffle: true });
    const [first, second] = [new nn.Linear(3, 2), new nn.Linear(2, 1)];
    const optimizers = [
      new optim.Adam(first.parameters(), { lr: 0.05 }),
      new optim.SGD(second.parameters(), { lr: 0.05, momentum: 0.9 }),
    ];
    const all: number[] = [];
    while (all.length < count) {
      for await (const [batch] of loader) {
        for (const optimizer of optimizers) {
          const loss = second.forward(first.forward(batch).tanh()).square().mean();
          for (const each of optimizers) each.zeroGrad();
          loss.backward();
          at?.(all.length + 1);
          await optimizer.step();
          all.push(await loss.item());
        }
      }
    }
    return all.slice(0, count);
  };
  const never = await losses(16);
  const { ask, rewinds } = hand();
  const once = await losses(24, step => {
    if (step === 2) ask({ type: "set", group: 0, name: "lr", value: 0.5 });
    // It is done where both have taken their steps.
    if (step === 7) ask({ type: "rewind", step: 2 });
  });
  expect(rewinds()).toEqual([{ step: 8, to: 2 }]);
  expect(once.slice(8, 22)).toEqual(never.slice(2));
});

test("an optimizer that has taken no step yet goes back to its first parameters and moments", async () => {
  manualSeed(3);
  const [first, second] = [new nn.Linear(2, 2), new nn.Linear(2, 1)];
  const inputs = randn(4, 2).keep();
  const optimizers = [
    new optim.Adam(first.parameters(), { lr: 0.1 }),
    new optim.Adam(second.parameters(), { lr: 0.1 }),
  ] as const;
  const step = async (optimizer: optim.Adam) => {
    const loss = second.forward(first.forward(inputs)).square().mean();
    for (const each of optimizers) each.zeroGrad();
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  await step(optimizers[0]);
  const snapshot = takeSnapshot();
  const on = async () => [
    await step(optimizers[1]),
    await step(optimizers[0]),
    await step(optimizers[1]),
  ];
  const losses = await on();
  snapshot.restore();
  expect(await on()).toEqual(losses);
  snapshot.free();
});
