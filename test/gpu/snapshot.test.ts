/** Going back to a snapshot: what follows is the same, bit by bit. */
import { expect, test } from "vitest";
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { takeSnapshot } from "../../runtime/checkpoint/snapshot.ts";
import { counters } from "../../runtime/gpu/device.ts";
import {
  data,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  zeros,
} from "../../runtime/index.ts";
import { randomNumbers } from "../unit/random.ts";

const OPTIMIZERS = {
  SGD: (params: nn.Parameter[]) => new optim.SGD(params, { lr: 0.1 }),
  momentum: (params: nn.Parameter[]) =>
    new optim.SGD(params, { lr: 0.05, momentum: 0.9, nesterov: true }),
  Adam: (params: nn.Parameter[]) => new optim.Adam(params, { lr: 0.01, weightDecay: 0.01 }),
  AdamW: (params: nn.Parameter[]) => new optim.AdamW(params, { lr: 0.01 }),
};

/** A loop with everything that has a state: batch statistics, dropout, order, schedule, average. */
function training(makeOptimizer: (params: nn.Parameter[]) => optim.Optimizer<{ lr: number }>) {
  manualSeed(7);
  const dataset = new data.TensorDataset(randn(22, 3).keep(), randn(22, 2).keep());
  const loader = new data.DataLoader(dataset, { batchSize: 4, shuffle: true });
  const model = new nn.Sequential(
    new nn.Linear(3, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Dropout({ p: 0.3 }),
    new nn.Linear(8, 2),
  );
  const average = zeros(3, 8).keep();
  const optimizer = makeOptimizer(model.parameters());
  async function* steps(): AsyncGenerator<Tensor> {
    for (;;) {
      for await (const [inputs, targets] of loader) {
        optimizer.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(inputs), targets);
        loss.backward();
        await optimizer.step();
        const first = model.parameters()[0];
        noGrad(() =>
          average
            .mul_(0.9)
            .add_(first?.transpose(0, 1).mul(0.1) ?? 0)
            .keep(),
        );
        for (const group of optimizer.paramGroups) group.lr *= 0.98;
        yield loss;
      }
    }
  }
  const iterator = steps();
  /** Trains on; the loss of each step, and at the end the whole state as one list of numbers. */
  const run = async (count: number) => {
    const losses: number[] = [];
    for (let i = 0; i < count; i++) losses.push(await (await iterator.next()).value.item());
    return losses;
  };
  const state = async () => {
    const tensors = [...Object.values(model.stateDict()), average];
    return (await Promise.all(tensors.map(tensor => tensor.data()))).map(values => [...values]);
  };
  return { run, state, optimizer };
}

test.each(Object.entries(OPTIMIZERS))("%s goes on as it did, from any step", async (_, make) => {
  const { run, state } = training(make);
  await run(2);
  const ring = new SnapshotRing(2 ** 30);
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) {
    ring.take(step);
    losses.push(...(await run(1)));
  }
  const end = await state();
  const random = randomNumbers(3);
  for (let i = 0; i < 13; i++) {
    const step = Math.floor(random() * 20);
    expect(ring.rewind(step)).toBe(step);
    // Some go on only for a while before they are sent back again.
    const count = i % 4 === 3 ? 20 - step : Math.min(3, 20 - step);
    expect(await run(count)).toEqual(losses.slice(step, step + count));
    if (step + count === 20) expect(await state()).toEqual(end);
  }
  ring.clear();
});

test("learning rates that were changed by hand are taken back", async () => {
  const { run, optimizer } = training(OPTIMIZERS.AdamW);
  await run(3);
  const snapshot = takeSnapshot();
  const losses = await run(3);
  snapshot.restore();
  for (const group of optimizer.paramGroups) group.lr = 10;
  expect(await run(3)).not.toEqual(losses);
  snapshot.restore();
  expect(await run(3)).toEqual(losses);
  snapshot.free();
});

test("taking one computes nothing and reads nothing back", async () => {
  const { run } = training(OPTIMIZERS.Adam);
  await run(3);
  const { dispatches } = counters;
  const snapshots = [1, 2, 3].map(takeSnapshot);
  expect(counters.dispatches).toBe(dispatches);
  for (const snapshot of snapshots) snapshot.free();
});

test("a ring keeps to its budget; the further back, the fewer", async () => {
  const { run } = training(OPTIMIZERS.SGD);
  await run(2);
  const one = takeSnapshot();
  const ring = new SnapshotRing(8 * one.bytes);
  one.free();
  for (let step = 1; step <= 200; step++) ring.take(step);
  expect(ring.bytes).toBeLessThanOrEqual(8 * one.bytes);
  const { steps } = ring;
  expect(steps).toHaveLength(8);
  expect(steps[0]).toBe(1);
  expect(steps.slice(-2)).toEqual([199, 200]);
  const gaps = steps.slice(1).map((step, i) => step - (steps[i] ?? 0));
  expect(gaps.slice(1).every((gap, i) => gap <= 2 * (gaps[i] ?? 0))).toBe(true);
  expect(ring.rewind(198)).toBeLessThanOrEqual(198);
  expect(ring.rewind(0)).toBeUndefined();
  ring.clear();
  expect(ring.bytes).toBe(0);
});
