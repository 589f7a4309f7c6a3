/** Layers with a state in a training loop: nothing new in steady state, and memory stays flat. */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, randn, type Tensor } from "../../runtime/index.ts";
import { required } from "./fixture.ts";

async function train(model: nn.Module, optimizer: optim.Adam, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    const loss = model.forward(randn(16, 8)).square().mean();
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}

test("batch normalisation and dropout repeat what they compiled", async () => {
  manualSeed(3);
  const model = new nn.Sequential(
    new nn.Linear(8, 32),
    new nn.BatchNorm1d(32),
    new nn.ReLU(),
    new nn.Dropout({ p: 0.25 }),
    new nn.Linear(32, 1),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  await train(model, optimizer, 4);
  const before = { ...counters };
  await train(model, optimizer, 300);
  const { pipelines, buffers, bindGroups, bytes } = counters;
  expect({ pipelines, buffers, bindGroups, bytes }).toEqual({
    pipelines: before.pipelines,
    buffers: before.buffers,
    bindGroups: before.bindGroups,
    bytes: before.bytes,
  });
  const state = model.stateDict();
  expect(await required(state["1.num_batches_tracked"]).item()).toBe(304);
  const variance = await required(state["1.running_var"]).data();
  expect(variance.every(value => value > 0 && value < 10)).toBe(true);
});

test("a recurrent state that is carried from step to step stays flat", async () => {
  manualSeed(3);
  const cell = new nn.LSTM(4, 8);
  const optimizer = new optim.Adam(cell.parameters(), { lr: 1e-3 });
  let state: [Tensor, Tensor] | undefined;
  const step = async () => {
    const [output, next] = cell.forward(randn(3, 2, 4), state);
    optimizer.zeroGrad();
    output.square().mean().backward();
    await optimizer.step();
    state = [next[0].detach(), next[1].detach()];
  };
  for (let i = 0; i < 5; i++) await step();
  const before = { ...counters };
  for (let i = 0; i < 60; i++) await step();
  expect(counters.pipelines).toBe(before.pipelines);
  expect(counters.bindGroups).toBe(before.bindGroups);
  expect(counters.buffers - before.buffers).toBeLessThanOrEqual(2);
  expect(await required(state)[0].abs().max().item()).toBeLessThan(1);
});
