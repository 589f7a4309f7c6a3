/** What is certainly wrong in a loop is told, once, and nothing of loops that are right. */
import { beforeEach, expect, test } from "vitest";
import { data, nn, noGrad, optim, randn, type Tensor, tensor } from "../../runtime/index.ts";
import { findingOf } from "../../runtime/insight/diagnosis/faults.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import type { LoopFault } from "../../runtime/protocol/loopFault.ts";
import { finding } from "../../runtime/protocol/validate.ts";
import { noteEnd } from "../../runtime/tensor/gradientUse.ts";

let faults: LoopFault[] = [];

beforeEach(() => {
  faults = [];
  observe({
    ...deafObserver,
    fault(fault) {
      faults.push(fault);
    },
  });
});

const inputs = randn([4, 3]).keep();
const labels = tensor([0, 1, 2, 1], { dtype: "int32" });
const newModel = () => new nn.Sequential(new nn.Linear(3, 3));
const crossEntropy = (model: nn.Module) =>
  nn.functional.crossEntropy(model.forward(inputs) as Tensor, labels);

/** Steps as they should be, but for what is asked for. */
async function train(
  options: {
    steps?: number;
    model?: nn.Module;
    optimizer?: optim.Optimizer;
    loss?: () => Tensor;
    zeroGrad?: boolean;
    backward?: boolean;
  } = {},
): Promise<LoopFault[]> {
  const { model = newModel(), steps = 4, zeroGrad = true, backward = true } = options;
  const { optimizer = new optim.SGD(model.parameters(), { lr: 0.1 }) } = options;
  const { loss = () => crossEntropy(model) } = options;
  for (let i = 0; i < steps; i++) {
    if (zeroGrad) optimizer.zeroGrad();
    if (backward) loss().backward();
    await optimizer.step();
  }
  return faults;
}

// The first, as no step must have been made before.
test("backward() to the end of the script, and no step", () => {
  const model = newModel();
  new optim.SGD(model.parameters(), { lr: 0.1 });
  for (let i = 0; i < 3; i++) crossEntropy(model).backward();
  expect(faults).toEqual([]);
  noteEnd();
  expect(faults).toEqual([{ type: "noStep", backwards: 3, tensors: 2 }]);
});

test("nothing is told of right loops", async () => {
  await train({ steps: 25 });
  const model = newModel();
  // Micro-batches; gradients zeroed in place, behind the step; by hand; uphill by design.
  const accumulating = new optim.Adam(model.parameters());
  for (let i = 0; i < 4; i++) {
    for (let micro = 0; micro < 4; micro++) crossEntropy(model).div(4).backward();
    await accumulating.step();
    noGrad(() => {
      for (const { grad } of model.parameters()) grad?.zero_();
    });
  }
  const byHand = newModel();
  for (let i = 0; i < 4; i++) {
    crossEntropy(byHand).backward();
    noGrad(() => {
      for (const parameter of byHand.parameters()) {
        if (parameter.grad) parameter.sub_(parameter.grad.mul(0.1));
        parameter.grad?.zero_();
      }
    });
  }
  const [generator, judge] = [newModel(), newModel()];
  const judging = new optim.SGD(judge.parameters(), { lr: 0.1 });
  await train({
    steps: 4,
    optimizer: new optim.SGD(generator.parameters(), { lr: 0.1 }),
    loss: () =>
      nn.functional
        .crossEntropy(judge.forward(generator.forward(inputs) as Tensor) as Tensor, labels)
        .neg(),
  });
  judging.zeroGrad();
  expect(faults).toEqual([]);
});

test("zeroGrad() is missing", async () => {
  expect(await train({ zeroGrad: false })).toEqual([
    { type: "staleGradients", tensors: 2, steps: 3 },
  ]);
});

test("backward() is missing", async () => {
  expect(await train({ zeroGrad: false, backward: false })).toEqual([
    { type: "noBackward", tensors: 2, steps: 3 },
  ]);
});

test("parameters without an optimizer, and those that the loss does not depend on", async () => {
  const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Linear(3, 3));
  const idle = newModel();
  const head = [...model.parameters()].slice(2);
  await train({
    steps: 22,
    model,
    optimizer: new optim.SGD([...head, ...idle.parameters()], { lr: 0.1 }),
  });
  expect(faults).toEqual([
    expect.objectContaining({ type: "noGradient", tensors: 2, elements: 12, steps: 20 }),
    { type: "notOptimized", names: ["0.weight", "0.bias"], tensors: 2, elements: 12, steps: 20 },
  ]);
});

test("the negative of a loss is minimised", async () => {
  const model = newModel();
  expect(await train({ model, loss: () => crossEntropy(model).mul(-1) })).toEqual([
    { type: "risingLoss", loss: "crossEntropy", factor: -1, maximize: false, steps: 3 },
  ]);
});

test("probabilities where scores are expected", async () => {
  const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Softmax({ dim: 1 }));
  expect(await train({ model, steps: 1 })).toEqual([
    {
      type: "probabilities",
      loss: "crossEntropy",
      from: "softmax",
      expected: "logits",
      classes: 3,
    },
  ]);
});

test("the arguments of a loss are swapped", () => {
  const logits = newModel().forward(inputs) as Tensor;
  nn.functional.crossEntropy(inputs.softmax(1), logits);
  expect(faults).toEqual([{ type: "swappedArguments", loss: "crossEntropy", elements: 12 }]);
});

test("pixels as they come from a file", () => {
  newModel().forward(tensor([[0, 255, 255]]));
  const [fault] = faults;
  expect(fault).toMatchObject({ type: "largeInputs", mean: 170, largest: 255 });
  expect(fault?.type === "largeInputs" && fault.deviation).toBeCloseTo(120.208, 3);
});

test("targets of a regression as they were measured", () => {
  const model = new nn.Linear(3, 1);
  const loss = (targets: readonly number[]) =>
    nn.functional.mseLoss(model.forward(inputs), tensor(targets).reshape([4, 1]));
  loss([-1, 0, 1, 2]);
  expect(faults).toEqual([]);
  loss([12, 20, 28, 31]);
  expect(faults).toMatchObject([{ type: "largeTargets", mean: 22.75, largest: 31 }]);
});

test("a sampler that hands out the same samples", async () => {
  const samples = new data.TensorDataset(randn([64, 3]));
  const sampler = { length: 32, indices: () => Int32Array.from({ length: 32 }, (_, i) => i % 4) };
  for await (const _ of new data.DataLoader(samples, { batchSize: 4, sampler }));
  expect(faults).toEqual([{ type: "sameSamples", samples: 4, of: 64, times: 8 }]);
});

test("each fault is a finding with two numbers or more, and an advice", () => {
  const examples: LoopFault[] = [
    { type: "staleGradients", tensors: 2, steps: 3 },
    { type: "noBackward", tensors: 2, steps: 3 },
    { type: "noStep", tensors: 2, backwards: 3 },
    { type: "notOptimized", names: ["0.weight"], tensors: 1, elements: 12, steps: 20 },
    { type: "noGradient", names: ["0.weight"], tensors: 1, elements: 12, steps: 20 },
    { type: "risingLoss", loss: "mseLoss", factor: 1, maximize: true, steps: 3 },
    { type: "sameSamples", samples: 4, of: 64, times: 8 },
    {
      type: "probabilities",
      loss: "crossEntropy",
      from: "softmax",
      expected: "logits",
      classes: 10,
    },
    { type: "swappedArguments", loss: "crossEntropy", elements: 12 },
    { type: "largeInputs", mean: 170, deviation: 120, largest: 255 },
    { type: "largeTargets", mean: 20, deviation: 8, largest: 31 },
    { type: "saturated", activation: "tanh", share: 0.8, units: 512, looks: 2 },
  ];
  for (const fault of examples) {
    expect(() => finding(findingOf(fault, 3, undefined), fault.type)).not.toThrow();
  }
  const softmax = examples.find(({ type }) => type === "probabilities");
  // ln(e + 9) − 1
  expect(softmax && findingOf(softmax, 3, undefined).evidence[0]?.value).toBeCloseTo(1.4612, 4);
});
