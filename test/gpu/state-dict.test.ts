/** State dicts: their names, what loading changes, and what it says when a state does not fit. */
import { describe, expect, test } from "vitest";
import { nn, noGrad, ones, optim, type Tensor, tensor, zeros } from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { readFixture } from "./fixture.ts";

class Block extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly selfAttn: nn.MultiheadAttention;
  readonly feedForward: nn.Sequential;

  constructor(width: number) {
    super();
    this.norm1 = new nn.LayerNorm(width);
    this.selfAttn = new nn.MultiheadAttention(width, 2);
    this.feedForward = new nn.Sequential(
      new nn.Linear(width, 8),
      new nn.GELU(),
      new nn.Linear(8, width),
    );
  }

  forward(input: Tensor): Tensor {
    return this.feedForward.forward(this.norm1.forward(input));
  }
}

/** The same model as in test/fixtures/layers.py. */
class Model extends nn.Module {
  readonly tokenEmbedding = new nn.Embedding(5, 4);
  readonly blocks = new nn.ModuleList([new Block(4), new Block(4)]);
  readonly heads = new nn.ModuleDict<nn.Module>({
    oneHead: new nn.Linear(4, 5, { bias: false }),
    other: new nn.BatchNorm1d(4),
  });
  readonly rnn = new nn.GRU(4, 3, { numLayers: 2, bidirectional: true });
  readonly causalMask = new nn.Buffer(ones(3, 3).tril());
  readonly scratch = new nn.Buffer(zeros(2), { persistent: false });

  constructor() {
    super();
    (this.heads.get("oneHead") as nn.Linear).weight = this.tokenEmbedding.weight;
  }

  forward(input: Tensor): Tensor {
    return this.tokenEmbedding.forward(input);
  }
}

interface Names {
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly parameters: readonly string[];
  readonly buffers: readonly string[];
}

test("names and shapes are PyTorch's", () => {
  const { model: names } = readFixture<{ model: Names }>("layers");
  const model = new Model();
  const state = model.stateDict();
  const shapes = Object.fromEntries(
    Object.entries(state).map(([name, { shape }]) => [name, shape]),
  );
  expect(shapes).toEqual(names.state);
  expect(model.namedParameters().map(([name]) => name)).toEqual(names.parameters);
  expect(
    model
      .namedBuffers()
      .map(([name]) => name)
      .sort(),
  ).toEqual([...names.buffers].sort());
});

const values = async (x: Tensor | undefined) => [...((await x?.data()) ?? [])];

function small(): nn.Sequential {
  return new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Linear(3, 1));
}

/** Runs a step of training. */
async function step(model: nn.Module, optimizer: optim.SGD): Promise<void> {
  optimizer.zeroGrad();
  model
    .forward(
      tensor([
        [0.5, 1],
        [-1, 0.25],
        [2, 0.5],
      ]),
    )
    .square()
    .mean()
    .backward();
  await optimizer.step();
}

describe("loading", () => {
  test("works before an optimizer took the parameters, and behind it", async () => {
    const source = small();
    const [early, late] = [small(), small()];
    early.loadStateDict(source.stateDict());
    const make = (model: nn.Module) =>
      new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    const lateOptimizer = make(late);
    await step(late, lateOptimizer);
    late.loadStateDict(source.stateDict());
    for (const model of [early, late]) {
      for (const [name, tensor] of Object.entries(source.stateDict())) {
        expect(await values(model.stateDict()[name]), name).toEqual(await values(tensor));
      }
    }
    // A fresh optimizer on both: the same from here on, which it is not if a handle is stale.
    const [a, b] = [make(early), make(late)];
    for (let i = 0; i < 3; i++) {
      await step(early, a);
      await step(late, b);
    }
    for (const [name, tensor] of Object.entries(early.stateDict())) {
      expectClose(name, await values(late.stateDict()[name]), await values(tensor));
    }
  });

  test("a state is a copy, which later steps do not reach", async () => {
    const model = small();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
    await step(model, optimizer);
    const before = model.stateDict();
    const weight = await values(model.parameters()[0]);
    for (let i = 0; i < 2; i++) await step(model, optimizer);
    expect(await values(before["0.weight"])).toEqual(weight);
    expect(await values(model.parameters()[0])).not.toEqual(weight);
    expect(await before["1.num_batches_tracked"]?.item()).toBe(1);
    model.loadStateDict(before);
    expect(await values(model.parameters()[0])).toEqual(weight);
    expect(await model.stateDict()["1.num_batches_tracked"]?.item()).toBe(1);
  });

  test("parameters stay what they are: leaves that learn, in the same places", async () => {
    const model = new nn.Linear(1, 1);
    const { weight } = model;
    const optimizer = new optim.SGD(model.parameters(), { lr: 1 });
    model.loadStateDict({ weight: tensor([[3]]), bias: tensor([0]) });
    expect(model.weight).toBe(weight);
    expect([weight.isLeaf, weight.requiresGrad]).toEqual([true, true]);
    model
      .forward(tensor([[2]]))
      .sum()
      .backward();
    await optimizer.step();
    expect(await weight.item()).toBe(1);
  });

  test("a shared parameter has both names, and a model that contains itself an end", () => {
    const model = new Model();
    const names = Object.keys(model.stateDict());
    expect(names).toContain("token_embedding.weight");
    expect(names).toContain("heads.oneHead.weight");
    const knot = Object.assign(new nn.Linear(1, 1), { self: undefined as nn.Module | undefined });
    knot.self = knot;
    expect(Object.keys(knot.stateDict())).toEqual(["weight", "bias"]);
  });

  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
  const fitting = model.stateDict();
  const without = (name: string) =>
    Object.fromEntries(Object.entries(fitting).filter(([key]) => key !== name));

  test.each<[string, nn.StateDict, string]>([
    ["a name is missing", without("1.bias"), "missing in the state: 1.bias [1]"],
    [
      "a name is unknown",
      { ...fitting, "2.weight": zeros(1) },
      "unexpected in the state: 2.weight [1]",
    ],
    [
      "a shape differs",
      { ...fitting, "0.weight": zeros(3, 5) },
      "size mismatch for 0.weight: the state has [3, 5], the model [3, 2]",
    ],
    [
      "a name has a prefix",
      Object.fromEntries(Object.entries(fitting).map(([name, x]) => [`module.${name}`, x])),
      "missing in the state: 0.weight [3, 2]: did you mean module.0.weight, which the state has?",
    ],
    [
      "a name is misspelt",
      { ...without("1.weight"), "1.wieght": zeros(1, 3) },
      "missing in the state: 1.weight [1, 3]: did you mean 1.wieght, which the state has?",
    ],
  ])("says it when %s, and changes nothing", async (_, state, message) => {
    const before = await values(model.parameters()[0]);
    expect(() => model.loadStateDict(state)).toThrow(message);
    expect(() => model.loadStateDict(state)).toThrow(
      "Error(s) in loading stateDict for Sequential:\n  ",
    );
    expect(await values(model.parameters()[0])).toEqual(before);
  });

  test("lists everything at once", () => {
    const state = { ...without("1.bias"), "0.bias": zeros(4), extra: zeros(1) };
    expect(() => model.loadStateDict(state)).toThrow(
      [
        "Error(s) in loading stateDict for Sequential:",
        "  size mismatch for 0.bias: the state has [4], the model [3]",
        "  missing in the state: 1.bias [1]",
        "  unexpected in the state: extra [1]",
      ].join("\n"),
    );
  });

  test("not strictly accepts other names, but no other shapes", async () => {
    const target = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
    const state = { ...without("1.bias"), extra: zeros(1) };
    expect(target.loadStateDict(state, { strict: false })).toEqual({
      missingKeys: ["1.bias"],
      unexpectedKeys: ["extra"],
    });
    expect(await values(target.parameters()[0])).toEqual(await values(model.parameters()[0]));
    const other = { "0.weight": zeros(1) };
    expect(() => target.loadStateDict(other, { strict: false })).toThrow(
      "size mismatch for 0.weight",
    );
  });
});

test("a target network that follows softly", async () => {
  const [online, target] = [new nn.Linear(2, 1), new nn.Linear(2, 1)];
  target.loadStateDict(online.stateDict());
  target.requiresGrad_(false);
  const start = await values(online.weight);
  const optimizer = new optim.SGD(online.parameters(), { lr: 1 });
  online
    .forward(tensor([[1, 2]]))
    .sum()
    .backward();
  await optimizer.step();
  noGrad(() => {
    target.parameters().forEach((slow, i) => {
      slow.mul_(0.5).add_(online.parameters()[i]?.mul(0.5) ?? 0);
    });
  });
  expectClose("half way", await values(target.weight), [
    (start[0] ?? 0) - 0.5,
    (start[1] ?? 0) - 1,
  ]);
});
