/** What a training step costs in WebGPU calls: counted, so that no change makes it dearer unseen. */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { nn, optim, type Tensor, tensor } from "../../runtime/index.ts";
import { Gpt } from "./gpt.ts";

/** Calls in the fourth of four equal steps. */
async function callsOfStep(model: nn.Module, loss: () => Tensor) {
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  let before = { ...counters };
  for (let step = 0; step < 4; step++) {
    before = { ...counters };
    const value = loss();
    optimizer.zeroGrad();
    value.backward();
    await optimizer.step();
  }
  const { bindGroups, buffers, dispatches, pipelines, submits } = counters;
  return {
    dispatches: dispatches - before.dispatches,
    submits: submits - before.submits,
    made: [bindGroups - before.bindGroups, buffers - before.buffers, pipelines - before.pipelines],
  };
}

test("an MLP 784-256-128-10 takes at most 14 dispatches a step", async () => {
  const model = new nn.Sequential(
    new nn.Linear(784, 256),
    new nn.ReLU(),
    new nn.Linear(256, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  );
  const images = new Float32Array(128 * 784).fill(0.1);
  const labels = Int32Array.from({ length: 128 }, (_, i) => i % 10);
  const calls = await callsOfStep(model, () =>
    nn.functional.crossEntropy(
      model.forward(tensor(images, { shape: [128, 784] })),
      tensor(labels),
    ),
  );
  expect(calls.dispatches).toBeLessThanOrEqual(14);
  expect(calls).toMatchObject({ submits: 1, made: [0, 0, 0] });
});

test("a GPT of two layers takes at most 75 dispatches a step", async () => {
  const model = new Gpt({ vocabulary: 65, length: 64, width: 128, heads: 4, layers: 2 });
  const letters = Int32Array.from({ length: 2 * 64 }, (_, i) => (i * 7) % 65);
  const calls = await callsOfStep(model, () => {
    const tokens = tensor(letters, { shape: [2, 64] });
    const logits = model.forward(tokens).reshape(-1, 65);
    return nn.functional.crossEntropy(logits, tokens.reshape(-1));
  });
  expect(calls.dispatches).toBeLessThanOrEqual(75);
  expect(calls).toMatchObject({ submits: 1, made: [0, 0, 0] });
});
