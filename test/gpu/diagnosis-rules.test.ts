/** What the rules of the diagnosis say of small models that are made wrong, and of the same made right. */
import { beforeAll, beforeEach, expect, test } from "vitest";
import {
  data,
  log,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  randn,
  type Tensor,
  tensor,
  where,
} from "../../runtime/index.ts";
import { LiveDiagnosis } from "../../runtime/insight/diagnosis/live.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain, stepCount } from "../../runtime/insight/recorder.ts";
import { type Finding, isOpen, mergeFindings } from "../../runtime/protocol/finding.ts";
import { finding } from "../../runtime/protocol/validate.ts";
import { part } from "../eval/diagnosis/scenarios/part.ts";
import { TrainingProject } from "./training-project.ts";

/** Inputs and labels of three classes that a line can tell apart. */
let inputs: Tensor;
let labels: Tensor;

beforeAll(() => {
  manualSeed(3);
  inputs = randn([96, 8]).keep();
  labels = inputs.narrow(1, 0, 3).argmax(1).keep();
});

beforeEach(() => {
  manualSeed(4);
});

interface Setup {
  readonly layers: readonly nn.Module[];
  readonly optimizer?: (parameters: Iterable<nn.Parameter>) => optim.Optimizer;
  /** As the sidecar tells them. */
  readonly options?: Readonly<Record<string, string>>;
  readonly steps?: number;
  /** Losses of a step, each of a micro-batch. */
  readonly losses?: (model: nn.Sequential) => readonly Tensor[];
  readonly each?: (step: number) => void | Promise<void>;
}

/** Trains, and returns what is open at the end; the verdict on the learning rate is left out. */
async function findingsOf(setup: Setup): Promise<readonly Finding[]> {
  const found = await allFindingsOf(setup);
  return found.filter(each => isOpen(each) && !each.code.startsWith("lr."));
}

/** Trains, and returns all that was found. */
async function allFindingsOf(setup: Setup): Promise<readonly Finding[]> {
  const { layers, options = {}, steps = 80, losses = wholeLoss, each } = setup;
  const diagnosis = new LiveDiagnosis(false);
  let found: readonly Finding[] = [];
  const add = (changes: readonly Finding[]) => {
    found = mergeFindings(found, changes);
  };
  manualSeed(5);
  const model = new nn.Sequential(...layers);
  const make = setup.optimizer ?? (parameters => new optim.Adam(parameters, { lr: 3e-3 }));
  const optimizer = make(model.parameters());
  // Other tests of this process had theirs before.
  const [count, ownGroups, firstStep] = [
    optimizer.paramGroups.flatMap(({ params }) => params).length,
    optimizer.paramGroups.length,
    stepCount(),
  ];
  observe({
    ...deafObserver,
    fault: (fault, step) => add(diagnosis.fault(fault, step - firstStep, undefined)),
    untrainedLoss: loss => diagnosis.untrainedLoss(loss),
    tensors: all => {
      const own = all.slice(-count);
      const before = Math.min(...own.map(({ group }) => group));
      diagnosis.tensors(own.map(each => ({ ...each, group: each.group - before })));
    },
    metrics: metrics =>
      diagnosis.metrics(metrics.map(each => ({ ...each, step: each.step - firstStep }))),
    steps: batch =>
      add(
        diagnosis.steps(
          part(batch, batch.tensorCount - count, batch.groups - ownGroups, firstStep),
        ),
      ),
  });
  diagnosis.groups([{ group: 0, options }]);
  for (let step = 1; step <= steps; step++) {
    optimizer.zeroGrad();
    for (const loss of losses(model)) loss.backward();
    await optimizer.step();
    await each?.(step);
  }
  await drain();
  return found;
}

const wholeLoss = (model: nn.Sequential) => [
  nn.functional.crossEntropy(model.forward(inputs) as Tensor, labels),
];

/** The loss of so many samples by chance, a fifth of whose labels are those of others, or another part. */
function noisyLoss(model: nn.Sequential, samples: number, part = 0.2): Tensor {
  const chosen = randint(0, 96, [samples]);
  const others = rand([samples]).lt(part);
  const picked = labels.gather(0, where(others, randint(0, 96, [samples]), chosen));
  return nn.functional.crossEntropy(model.forward(inputs.indexSelect(0, chosen)) as Tensor, picked);
}

/** Reads the inputs two numbers at a time. */
class RowReader extends nn.Module<[Tensor], Tensor> {
  readonly cell = new nn.GRU(2, 24, { batchFirst: true });
  readonly head = new nn.Linear(24, 3);

  forward(rows: Tensor): Tensor {
    const [, memory] = this.cell.forward(rows.reshape([-1, 4, 2]));
    return this.head.forward(memory.squeeze(0));
  }
}

const mlp = () => [new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 3)];

function filled(layer: nn.Linear, value: number): nn.Linear {
  noGrad(() => {
    nn.init.constant_(layer.weight, value);
    if (layer.bias) nn.init.constant_(layer.bias, value);
  });
  return layer;
}

test("nothing is said of models that are made right", async () => {
  expect(await findingsOf({ layers: mlp() })).toEqual([]);
  const deep = [8, 16, 16, 16].flatMap(size => [new nn.Linear(size, 16), new nn.Tanh()]);
  expect(await findingsOf({ layers: [...deep, new nn.Linear(16, 3)] })).toEqual([]);
  expect(
    await findingsOf({
      layers: mlp(),
      optimizer: parameters => new optim.AdamW(parameters, { lr: 1e-2, weightDecay: 0.1 }),
      options: { eps: "1e-8", weightDecay: "0.1" },
    }),
  ).toEqual([]);
});

test("weights that are all 0 get no gradient", async () => {
  const layers = [filled(new nn.Linear(8, 16), 0), new nn.ReLU(), filled(new nn.Linear(16, 3), 0)];
  const [found, ...others] = await findingsOf({ layers });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    code: "params.zeroGradient",
    title: "2 tensors of weights get no signal",
    about: { type: "tensor", name: expect.stringMatching(/weight$/) },
    evidence: [{ value: 2 }, { value: 2 }],
  });
  expect(found?.message).toContain("initialise them at random");
  expect(() => finding(found, "finding")).not.toThrow();
});

test("a ReLU whose units are all dead passes no gradient on", async () => {
  const dead = new nn.Linear(8, 16);
  noGrad(() => {
    if (dead.bias) nn.init.constant_(dead.bias, -1000);
  });
  const [found] = await findingsOf({ layers: [dead, new nn.ReLU(), new nn.Linear(16, 3)] });
  expect(found).toMatchObject({
    code: "params.zeroGradient",
    evidence: [{ value: 2 }, { value: 0 }],
  });
  expect(found?.message).toContain("switched off");
});

test("a layer most of whose ReLUs are dead is named by its bias", async () => {
  const withDead = (count: number) => {
    const layer = new nn.Linear(8, 16);
    noGrad(() => layer.bias?.narrow(0, 0, count).fill_(-1000));
    return [layer, new nn.ReLU(), new nn.Linear(16, 3)];
  };
  expect(await findingsOf({ layers: withDead(4) })).toEqual([]);
  // A small batch that is known already passes most units by, and without a mean over steps it is all there is.
  const byTwos = await findingsOf({
    layers: [new nn.Linear(8, 64), new nn.ReLU(), new nn.Linear(64, 3)],
    optimizer: parameters => new optim.RMSprop(parameters, { lr: 0.03 }),
    losses: model => [noisyLoss(model, 2, 0)],
    steps: 250,
  });
  expect(byTwos).toEqual([]);
  const [found, ...others] = await findingsOf({ layers: withDead(12) });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    code: "units.dead",
    about: { type: "tensor", name: expect.stringMatching(/bias$/) },
    evidence: [{ value: 0.5, expected: [0, 0.1] }, { value: 0 }],
  });
  expect(() => finding(found, "finding")).not.toThrow();
});

test("units that began alike stay alike; zeros in the last layer alone do no harm", async () => {
  const first = () => filled(new nn.Linear(8, 16), 0.1);
  const alike = [first(), new nn.Tanh(), filled(new nn.Linear(16, 3), 0.2)];
  const [found, ...others] = await findingsOf({ layers: alike });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    code: "units.symmetric",
    evidence: [{ value: 16 }, { value: expect.closeTo(1, 4) }],
  });
  expect(() => finding(found, "finding")).not.toThrow();
  // Each gate has biases of its own size, alike among themselves.
  const rows = new RowReader();
  noGrad(() => [...rows.parameters()].forEach((each, i) => void each.fill_(0.05 * (i + 1))));
  noGrad(() => void rows.cell.biasIhL0?.narrow(0, 0, 24).fill_(0.3));
  expect((await findingsOf({ layers: [rows] })).map(({ code }) => code)).toEqual([
    "units.symmetric",
  ]);
  expect(await findingsOf({ layers: [new RowReader()] })).toEqual([]);
  const lastZero = [new nn.Linear(8, 16), new nn.Tanh(), filled(new nn.Linear(16, 3), 0)];
  expect(await findingsOf({ layers: lastZero })).toEqual([]);
});

test("parameters whose group has a learning rate of 0 never change", async () => {
  const trained = (lr: number) =>
    findingsOf({
      layers: mlp(),
      optimizer(parameters) {
        const [weight, ...others] = parameters;
        const groups = [{ params: others }, { params: weight ? [weight] : [], lr }];
        return new optim.Adam(groups, { lr: 3e-3 });
      },
    });
  expect(await trained(1e-3)).toEqual([]);
  const [found, ...others] = await trained(0);
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    code: "params.frozen",
    title: "1 tensor never changes, though an optimizer has it",
    evidence: [{ value: 0 }, { value: 1 }, { value: 0 }],
    about: { type: "hyperparameter", name: "lr" },
    suggestion: { target: "lr", from: 0, to: 3e-3 },
  });
  expect(found?.message).toContain("Their learning rate is 0");
  // A bias in front of a batch normalisation has nothing to learn.
  const normalised = [
    new nn.Linear(8, 16),
    new nn.BatchNorm1d(16),
    new nn.ReLU(),
    new nn.Linear(16, 3),
  ];
  const sgd = (parameters: Iterable<nn.Parameter>) => new optim.SGD(parameters, { lr: 0.01 });
  expect(await findingsOf({ layers: normalised, optimizer: sgd })).toEqual([]);
});

test("ten layers of sigmoids let gradients vanish", async () => {
  const layers = [8, ...Array<number>(9).fill(16)].flatMap(size => [
    new nn.Linear(size, 16),
    new nn.Sigmoid(),
  ]);
  const [found, ...others] = await findingsOf({ layers: [...layers, new nn.Linear(16, 3)] });
  expect(others).toEqual([]);
  expect(found?.code).toBe("gradients.vanishing");
  expect(found?.evidence[0]?.value).toBeLessThan(1e-3);
});

test("an ε of 1 makes SGD of Adam", async () => {
  const [found, ...others] = await findingsOf({
    layers: mlp(),
    optimizer: parameters => new optim.Adam(parameters, { lr: 3e-3, eps: 1 }),
    options: { eps: "1" },
  });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    code: "adam.epsilon",
    about: { type: "hyperparameter", name: "eps" },
    suggestion: { target: "eps", from: 1, to: 1e-8 },
  });
});

test("weight decay that takes the weights away", async () => {
  const [found] = await findingsOf({
    layers: mlp(),
    optimizer: parameters => new optim.SGD(parameters, { lr: 0.1, weightDecay: 0.3 }),
    options: { weightDecay: "0.3" },
  });
  expect(found).toMatchObject({
    code: "decay.strong",
    suggestion: { target: "weightDecay", from: 0.3, to: 1e-3 },
  });
  expect(found?.evidence[0]?.value).toBeCloseTo(0.03, 6);
  // From small weights nothing shrinks, but the gradients can only hold against it.
  const small = mlp();
  for (const layer of small)
    for (const each of layer.parameters()) noGrad(() => void each.mul_(0.2));
  const [held] = await findingsOf({
    layers: small,
    optimizer: parameters => new optim.AdamW(parameters, { lr: 0.02, weightDecay: 1 }),
    options: { weightDecay: "1" },
    steps: 200,
  });
  expect(held).toMatchObject({ code: "decay.strong" });
  expect(held?.evidence[1]?.value).toBeGreaterThan(1);
  expect(held?.evidence[2]?.value).toBeGreaterThan(1);
  // Adam divides it by √v̂: it does not take η λ of each weight.
  const coupled = await findingsOf({
    layers: mlp(),
    optimizer: parameters => new optim.Adam(parameters, { lr: 0.03, weightDecay: 1 }),
    options: { weightDecay: "1" },
  });
  expect(coupled.map(({ code }) => code)).not.toContain("decay.strong");
  // A usual decay takes as much only at a rate that is too high.
  const high = await findingsOf({
    layers: mlp(),
    optimizer: parameters => new optim.AdamW(parameters, { lr: 3, weightDecay: 0.01 }),
    options: { weightDecay: "0.01" },
    steps: 200,
  });
  expect(high.map(({ code }) => code)).not.toContain("decay.strong");
});

test("a schedule that ends long before its loop", async () => {
  const scheduled = (totalSteps: number) => {
    let adam: optim.Adam | undefined;
    return findingsOf({
      layers: mlp(),
      steps: 120,
      optimizer(parameters) {
        adam = new optim.Adam(parameters, { lr: 3e-3 });
        return adam;
      },
      each(step) {
        const share = Math.min(1, step / totalSteps);
        for (const group of adam?.paramGroups ?? []) group.lr = 3e-3 * (1 - share);
      },
    });
  };
  expect(await scheduled(120)).toEqual([]);
  expect(await scheduled(40)).toMatchObject([{ code: "schedule.ended" }]);
});

test("a schedule that comes down while the loss still falls", async () => {
  const decayedAt = (last: number) => {
    let sgd: optim.SGD | undefined;
    return findingsOf({
      layers: mlp(),
      steps: 160,
      optimizer(parameters) {
        sgd = new optim.SGD(parameters, { lr: 0.05 });
        return sgd;
      },
      each(step) {
        for (const group of sgd?.paramGroups ?? []) group.lr = step >= last ? 2e-3 : 0.05;
      },
    });
  };
  expect(await decayedAt(130)).toEqual([]);
  expect(await decayedAt(30)).toEqual([]);
  expect(await decayedAt(40)).toMatchObject([{ code: "schedule.early" }]);
  const [found, ...others] = await decayedAt(60);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: "schedule.early", severity: "info" });
  expect(found?.evidence[0]?.value).toBeLessThan(-4);
  expect(found?.evidence[1]?.value).toBeLessThan(1 / 3);
});

test("a constant learning rate whose noise holds the loss up", async () => {
  const trained = (lr: number) =>
    findingsOf({
      layers: mlp(),
      steps: 600,
      optimizer: parameters => new optim.Adam(parameters, { lr }),
      losses: model => [noisyLoss(model, 16)],
    });
  expect(await trained(3e-4)).toEqual([]);
  const [found, ...others] = await trained(0.03);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: "schedule.plateau", severity: "info" });
  expect(found?.evidence.length).toBe(4);
});

test("micro-batches that say the same, and such that are mostly noise", async () => {
  const accumulated = (losses: (model: nn.Sequential) => readonly Tensor[], lr = 1e-3) =>
    findingsOf({
      layers: mlp(),
      steps: 200,
      losses,
      optimizer: parameters => new optim.SGD(parameters, { lr }),
    });
  const [same, ...others] = await accumulated(model => [...wholeLoss(model), ...wholeLoss(model)]);
  expect(others).toEqual([]);
  expect(same).toMatchObject({
    code: "batch.noise",
    severity: "info",
    evidence: [{}, { value: 2 }],
  });
  expect(same?.title).toContain("larger than its gradient needs");
  const [noisy] = await accumulated(model => [noisyLoss(model, 1), noisyLoss(model, 1)], 0.05);
  expect(noisy?.title).toContain("mostly noise");
  expect(noisy?.evidence[0]?.value).toBeGreaterThan(8);
  expect(await accumulated(model => [noisyLoss(model, 8), noisyLoss(model, 8)])).toEqual([]);
});

test("a deep model that breaks at its start has no warm-up", async () => {
  const deep = [8, ...Array<number>(6).fill(16)].flatMap(size => [
    new nn.Linear(size, 16),
    new nn.Tanh(),
  ]);
  const trained = async (layers: readonly nn.Module[], lr: number) => {
    const sgd = (parameters: Iterable<nn.Parameter>) => new optim.SGD(parameters, { lr });
    const found = await allFindingsOf({ layers, steps: 100, optimizer: sgd });
    return found.filter(({ code }) => code === "lr.diverging" || code === "schedule.warmUp");
  };
  const [rate, found] = await trained([...deep, new nn.Linear(16, 3)], 3);
  expect(rate).toMatchObject({ code: "lr.diverging", severity: "warning" });
  expect(found).toMatchObject({ severity: "info", evidence: [{ value: 1 }, { value: 8 }, {}] });
  expect(() => finding(found, "finding")).not.toThrow();
  const shallow = (await trained(mlp(), 30)).map(({ code }) => code);
  expect(new Set(shallow)).toEqual(new Set(["lr.diverging"]));
});

test("what is logged as a loss of held-out samples rises while the training loss falls", async () => {
  const logging = (valueAt: (step: number) => number) =>
    findingsOf({
      layers: mlp(),
      async each(step) {
        if (step % 10 !== 0) return;
        log({ "val/loss": valueAt(step) });
        await drain();
      },
    });
  expect(await logging(step => 1 + 1 / step)).toEqual([]);
  // The best was good by chance.
  expect(await logging(step => (step === 20 ? 1 : 1.3))).toEqual([]);
  expect(await logging(step => 1 + Math.abs(step - 20) / 100)).toMatchObject([
    { code: "data.overfitting", evidence: [{ value: expect.closeTo(1.3 / 1.1, 5) }, {}] },
  ]);
});

test("samples in the order of their labels", async () => {
  const epoch = async (shuffle: boolean) => {
    const found: Finding[] = [];
    const diagnosis = new LiveDiagnosis(false);
    observe({
      ...deafObserver,
      fault: (fault, step) => void found.push(...diagnosis.fault(fault, step, undefined)),
    });
    const model = new nn.Linear(8, 3);
    const sorted = tensor(
      Array.from({ length: 192 }, (_, i) => Math.floor(i / 64)),
      { dtype: "int32" },
    );
    const set = new data.TensorDataset(randn([192, 8]), sorted);
    for await (const [x, y] of new data.DataLoader(set, { batchSize: 16, shuffle })) {
      nn.functional.crossEntropy(model.forward(x), y);
    }
    return found;
  };
  expect(await epoch(true)).toEqual([]);
  const [found] = await epoch(false);
  expect(found?.code).toBe("data.order");
  // Of all batches of this process, the shuffled ones too.
  expect(found?.evidence[0]?.value).toBeLessThan(2.5);
});

test("units that large inputs saturate are told at their layer, and no others", async () => {
  const project = new TrainingProject();
  const script = (scale: number) =>
    `import { manualSeed, nn, optim, randn } from "stepscope";
     manualSeed(1);
     const inputs = randn([32, 8]).mul(${scale}).keep();
     const labels = inputs.narrow(1, 0, 3).argmax(1).keep();
     const first = new nn.Linear(8, 16);
     const last = new nn.Linear(16, 3);
     const optimizer = new optim.Adam([...first.parameters(), ...last.parameters()], { lr: 1e-3 });
     for (let step = 1; step <= 40; step++) {
       const hidden = first.forward(inputs).tanh();
       const loss = nn.functional.crossEntropy(last.forward(hidden), labels);
       optimizer.zeroGrad();
       loss.backward();
       await optimizer.step();
     }`;
  const findingsOf = async (name: string, scale: number) => {
    project.write(name, script(scale));
    return (await project.run(name)).record.findings.filter(isOpen);
  };
  const found = await findingsOf("large.ts", 9);
  expect(await findingsOf("right.ts", 1)).toEqual([]);
  await project.end();
  const saturated = found.find(({ code }) => code === "units.saturated");
  expect(saturated).toMatchObject({
    severity: "warning",
    title: "Most units of a tanh layer are saturated",
    location: { line: 10 },
    evidence: [{ expected: [0, 0.5] }, { value: 2 }],
  });
  expect(saturated?.evidence[0]?.value).toBeGreaterThan(0.5);
  expect(() => finding(saturated, "finding")).not.toThrow();
});

test("labels that do not go with their inputs are no better than guessed", async () => {
  const project = new TrainingProject();
  const said = async (labels: string) => {
    project.write(
      "a.ts",
      `import { data, manualSeed, nn, optim, randn } from "stepscope";
       manualSeed(1);
       const inputs = randn([640, 8]);
       const labels = inputs.narrow(1, 0, 3).argmax(1);
       const set = new data.TensorDataset(inputs, ${labels});
       const loader = new data.DataLoader(set, { batchSize: 16, shuffle: true });
       const model = new nn.Linear(8, 3);
       const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
       for (let epoch = 0; epoch < 7; epoch++) for await (const [x, y] of loader) {
         const loss = nn.functional.crossEntropy(model.forward(x), y);
         optimizer.zeroGrad();
         loss.backward();
         await optimizer.step();
       }`,
    );
    const { record } = await project.run("a.ts");
    return record.findings.filter(each => isOpen(each) && !each.code.startsWith("lr."));
  };
  expect(await said("labels")).toEqual([]);
  const [found, ...others] = await said("labels.flip([0])");
  await project.end();
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: "loss.guess", severity: "info" });
  expect(found?.evidence[0]?.value).toBeGreaterThan(0.97);
});

test("a batch that is mostly noise is told at the loader's batch size, with a larger one", async () => {
  const project = new TrainingProject();
  project.write(
    "a.ts",
    `import { data, manualSeed, nn, optim, randint, randn } from "stepscope";
     manualSeed(1);
     const set = new data.TensorDataset(randn([400, 8]), randint(0, 3, [400]));
     const loader = new data.DataLoader(set, { batchSize: 2, shuffle: true });
     const model = new nn.Linear(8, 3);
     const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 });
     let pending = 0;
     for (let epoch = 0; epoch < 3; epoch++) for await (const [x, y] of loader) {
       if (pending === 0) optimizer.zeroGrad();
       nn.functional.crossEntropy(model.forward(x), y).div(2).backward();
       pending = (pending + 1) % 2;
       if (pending === 0) await optimizer.step();
     }`,
  );
  const { record } = await project.run("a.ts");
  await project.end();
  const found = record.findings.find(({ code }) => code === "batch.noise");
  expect(found).toMatchObject({
    about: { type: "hyperparameter", name: "batchSize" },
    suggestion: { target: "batchSize", from: 2 },
  });
  expect(Math.log2(found?.suggestion?.to ?? 0) % 1).toBe(0);
  expect(found?.suggestion?.to).toBeGreaterThan(2);
});

test("a run that has come to its end is judged for its length, one that is stopped is not", async () => {
  const project = new TrainingProject();
  const script = (steps: string) => `import { manualSeed, nn, optim, randn } from "stepscope";
     manualSeed(1);
     const inputs = randn([96, 8]).keep();
     const labels = inputs.narrow(1, 0, 3).argmax(1).keep();
     const model = new nn.Sequential(new nn.Linear(8, 32), new nn.ReLU(), new nn.Linear(32, 3));
     const optimizer = new optim.Adam(model.parameters(), { lr: 3e-4 });
     for (let step = 0; step < ${steps}; step++) {
       const loss = nn.functional.crossEntropy(model.forward(inputs), labels);
       optimizer.zeroGrad();
       loss.backward();
       await optimizer.step();
     }`;
  project.write("a.ts", script("150"));
  const { record } = await project.run("a.ts");
  expect(record.findings).toMatchObject([{ code: "lr.tooSmall", since: 150, state: "raised" }]);
  expect(record.findings[0]?.message).toMatch(/^The run took 150 steps\. /);
  project.write("b.ts", script("Infinity"));
  const stopped = await project.start("b.ts");
  await stopped.until(() => stopped.steps >= 150);
  stopped.connection.stop();
  await stopped.closed;
  expect(stopped.record.findings).toEqual([]);
  await project.end();
});

test("pixels that a recurrent layer reads row by row are told, too", async () => {
  const project = new TrainingProject();
  project.write(
    "a.ts",
    `import { nn, optim, tensor } from "stepscope";
     const model = new nn.GRU(3, 4, { batchFirst: true });
     const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
     for (let step = 0; step < 3; step++) {
       const [output] = model.forward(tensor([[[0, 255, 255], [255, 0, 90]]]));
       optimizer.zeroGrad();
       output.square().mean().backward();
       await optimizer.step();
     }`,
  );
  const { record } = await project.run("a.ts");
  await project.end();
  expect(record.findings).toMatchObject([{ code: "data.scale", severity: "warning" }]);
});

test("a run hears of what its optimizer was made with, of its first loss and its metrics", async () => {
  const project = new TrainingProject();
  project.write(
    "wrong.ts",
    `import { log, manualSeed, nn, optim, randn } from "stepscope";
     manualSeed(1);
     const inputs = randn([32, 8]).mul(100).keep();
     const labels = inputs.narrow(1, 0, 3).argmax(1).keep();
     const model = new nn.Linear(8, 3);
     const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4, eps: 1e3 });
     for (let step = 1; step <= 100; step++) {
       const loss = nn.functional.crossEntropy(model.forward(inputs), labels);
       optimizer.zeroGrad();
       loss.backward();
       await optimizer.step();
       if (step % 10 === 0) log({ "val/loss": step });
     }`,
  );
  const run = await project.run("wrong.ts");
  const codes = run.record.findings.filter(isOpen).map(({ code }) => code);
  await project.end();
  expect(codes).toEqual(expect.arrayContaining(["init.loss", "adam.epsilon", "data.overfitting"]));
});
