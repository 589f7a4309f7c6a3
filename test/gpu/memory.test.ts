/** What a training step needs of the GPU's memory, beside what PyTorch needs for the same one. */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, randint } from "../../runtime/index.ts";
import { readFixture } from "./fixture.ts";
import { Gpt, type GptSizes } from "./gpt.ts";

interface Step {
  readonly batch: number;
  readonly sizes: GptSizes;
  /** In use at most, with parameters and Adam's state. */
  readonly bytes: number;
}

const torch = readFixture<{ readonly steps: readonly Step[] }>("memory").steps.map(step => {
  const { batch, sizes } = step;
  return { what: `${batch} × ${sizes.length} letters, width ${sizes.width}`, ...step };
});

test.each(torch)("a GPT takes at most 1.2 times as much as in PyTorch: $what", async step => {
  manualSeed(1);
  const { batch, sizes, bytes } = step;
  const before = counters.bytes;
  const model = new Gpt(sizes);
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const tokens = randint(sizes.vocabulary, [batch, sizes.length]).keep();
  const targets = randint(sizes.vocabulary, [batch * sizes.length]).keep();
  let most = 0;
  for (let step = 0; step < 3; step++) {
    const logits = model.forward(tokens).reshape(-1, sizes.vocabulary);
    const loss = nn.functional.crossEntropy(logits, targets);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
    await loss.item();
    // Within a step nothing is made that is gone at its end.
    most = Math.max(most, counters.bytes - before);
  }
  expect(most / bytes).toBeLessThanOrEqual(1.2);
});
