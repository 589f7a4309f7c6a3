/** Loops that do what one should not: memory stays flat, or an error says what to do. */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, randn, type Tensor } from "../../runtime/index.ts";

/** Its hidden values [64, 512] are larger than what the engine keeps of itself. */
function network(): nn.Sequential {
  manualSeed(7);
  return new nn.Sequential(new nn.Linear(8, 512), new nn.Tanh(), new nn.Linear(512, 4));
}

/** Bytes on the GPU after 20 and after 120 calls. */
async function growth(step: (i: number) => Promise<void>): Promise<number> {
  for (let i = 0; i < 20; i++) await step(i);
  const before = counters.bytes;
  for (let i = 20; i < 120; i++) await step(i);
  return counters.bytes - before;
}

test("a loop that throws in the middle of every second step stays flat", async () => {
  const model = network();
  const optimizer = new optim.Adam(model.parameters());
  const grown = await growth(async i => {
    try {
      const loss = model.forward(randn(64, 8)).square().mean();
      if (i % 2 === 0) throw new Error("not this one");
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
    } catch (error) {
      expect(String(error)).toBe("Error: not this one");
    }
  });
  expect(grown).toBe(0);
});

test("a graph that is abandoned without backward() stays flat", async () => {
  const model = network();
  const grown = await growth(async () => {
    await model.forward(randn(64, 8)).square().mean().item();
  });
  expect(grown).toBe(0);
});

test("hidden values that are kept over steps cost nothing until they are asked for", async () => {
  const model = network();
  const optimizer = new optim.Adam(model.parameters());
  const kept: Tensor[] = [];
  const grown = await growth(async () => {
    const hidden = model[0]?.forward(randn(64, 8)) ?? randn(64, 512);
    kept.push(hidden);
    const loss = (model[2]?.forward(hidden.tanh()) ?? hidden).square().mean();
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  });
  expect(grown).toBe(0);
  await expect(kept[5]?.data()).rejects.toThrow(
    "depends on a value that was changed in place since (by optimizer.step() or a method ending in " +
      "_), and was not computed before. Read it (await item(), await data()) or hold it with keep()",
  );
});
