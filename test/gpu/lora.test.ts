/** Fine-tuning: adapters of low rank, and parameters chosen by name. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  safetensors,
  type Tensor,
} from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";

class Block extends nn.Module {
  readonly attention = new nn.Linear(6, 12);
  readonly projection = new nn.Linear(12, 6);

  forward(x: Tensor): Tensor {
    return x.add(this.projection.forward(this.attention.forward(x).tanh()));
  }
}

class Model extends nn.Module {
  readonly blocks = new nn.Sequential(new Block(), new Block());
  readonly head = new nn.Linear(6, 3);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.forward(x));
  }
}

const ADAPTED = ["blocks.0.attention", "blocks.1.attention"];
const NAMES = ADAPTED.flatMap(layer => [`${layer}.lora_A`, `${layer}.lora_B`]);

const values = async (x: Tensor | undefined) => [...(await required(x).data())];
const stateOf = async (model: nn.Module) => {
  const entries = Object.entries(model.stateDict()).map(async ([name, tensor]) => {
    return [name, await values(tensor)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
};
const output = (model: Model, x: Tensor) => values(noGrad(() => model.forward(x)));

/** A model with adapters that has learned, and what it was before. */
async function adapted(options: nn.lora.LoraOptions = {}) {
  manualSeed(4);
  const model = new Model();
  const before = await stateOf(model);
  const [x, y] = [randn(8, 6).keep(), randn(8, 3).keep()];
  const plain = await output(model, x);
  const layers = nn.lora.apply(model, { rank: 2, alpha: 6, target: "attention", ...options });
  const fresh = await output(model, x);
  const optimizer = new optim.AdamW(nn.lora.parameters(model), { lr: 0.05, weightDecay: 0.1 });
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    const loss = nn.functional.mseLoss(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
    losses.push(await loss.item());
  }
  return { model, before, x, plain, fresh, layers, losses };
}

test("only adapters change, from where they change nothing", async () => {
  const { model, before, plain, fresh, layers, losses } = await adapted();
  expect(layers).toEqual(ADAPTED);
  expect(fresh).toEqual(plain);
  expect(losses[9]).toBeLessThan(losses[0] ?? 0);
  const after = await stateOf(model);
  for (const [name, value] of Object.entries(before)) expect(after[name], name).toEqual(value);
  expect(Object.keys(after).filter(name => !(name in before))).toEqual(NAMES);
  for (const name of NAMES)
    expect(
      after[name]?.some(value => value !== 0),
      name,
    ).toBe(true);
  expect(nn.lora.parameters(model).map(({ label }) => label)).toEqual(NAMES);
});

test("merged, it computes the same and has the names of a plain model; unmerged, the old weights", async () => {
  const { model, before, x, plain } = await adapted();
  const unmerged = await output(model, x);
  expect(unmerged).not.toEqual(plain);
  nn.lora.merge(model);
  nn.lora.merge(model);
  expectClose("merged", await output(model, x), unmerged, { relative: 1e-5, absolute: 1e-5 });
  expect(Object.keys(model.stateDict())).toEqual(Object.keys(before));
  const deployed = new Model();
  deployed.loadStateDict(model.stateDict());
  expect(await output(deployed, x)).toEqual(await output(model, x));
  nn.lora.unmerge(model);
  expect(await output(model, x)).toEqual(unmerged);
  expect(await stateOf(model)).toMatchObject(before);
});

test("only the adapters are saved: (inFeatures + outFeatures) · rank floats a layer", async () => {
  const { model, x } = await adapted();
  const folder = mkdtempSync(join(tmpdir(), "stepscope-lora-"));
  try {
    const path = join(folder, "adapters.safetensors");
    await safetensors.saveFile(nn.lora.stateDict(model), path);
    const file = readFileSync(path);
    expect(file.length - 8 - Number(file.readBigUInt64LE())).toBe(2 * (6 + 12) * 2 * 4);
    manualSeed(4);
    const other = new Model();
    nn.lora.apply(other, { rank: 2, alpha: 6, target: "attention" });
    const state = await safetensors.loadFile(path);
    nn.lora.loadStateDict(other, state);
    expect(await output(other, x)).toEqual(await output(model, x));
    const [first = "", ...rest] = Object.entries(state).map(([name]) => name);
    const lacking = Object.fromEntries(
      rest.flatMap(name => (state[name] ? [[name, state[name]]] : [])),
    );
    expect(() => nn.lora.loadStateDict(other, lacking)).toThrow(
      `Error(s) in loading stateDict for the adapters of Model:\n  missing in the state: ${first}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("dropout acts on the adapters while the layer trains", async () => {
  const { model, x } = await adapted({ dropout: 0.5 });
  expect(await output(model, x)).not.toEqual(await output(model, x));
  model.eval();
  expect(await output(model, x)).toEqual(await output(model, x));
});

test("says what cannot be adapted", () => {
  const model = new Model();
  expect(() => nn.lora.apply(model, { target: "query" })).toThrow(
    "lora: no linear layer has a name like query; there are blocks.0.attention, blocks.0.projection",
  );
  expect(() => nn.lora.apply(model, { rank: 0 })).toThrow("rank");
  expect(() => nn.lora.apply(model, { dropout: 2 })).toThrow("probability");
  nn.lora.apply(model, { target: /head$/ });
  expect(() => nn.lora.apply(model)).toThrow("lora: the layer head has an adapter already");
});

test("parameters are frozen, and given learning rates of their own, by name", async () => {
  const model = new Model();
  model.requiresGrad_(false, ["blocks.0", /bias$/]);
  const learned = model.namedParameters().filter(([, { requiresGrad }]) => requiresGrad);
  expect(learned.map(([name]) => name)).toEqual([
    "blocks.1.attention.weight",
    "blocks.1.projection.weight",
    "head.weight",
  ]);
  const before = await stateOf(model);
  const optimizer = new optim.SGD([
    { params: model.parameters("blocks"), lr: 0.1 },
    { params: model.parameters("head"), lr: 0.2 },
  ]);
  model.forward(randn(4, 6)).square().sum().backward();
  const grads = new Map(model.namedParameters().map(([name, { grad }]) => [name, grad]));
  const gradient = await values(grads.get("head.weight") ?? undefined);
  await optimizer.step();
  const after = await stateOf(model);
  const changed = Object.keys(after).filter(name => `${after[name]}` !== `${before[name]}`);
  expect(changed).toEqual(learned.map(([name]) => name));
  const expected = before["head.weight"]?.map((weight, i) => weight - 0.2 * (gradient[i] ?? 0));
  expectClose("head.weight", after["head.weight"] ?? [], expected ?? []);
  expect(() => model.parameters("heads")).toThrow("Model: no parameter has a name like heads");
});
