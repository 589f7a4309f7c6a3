/** Hooks, containers, summaries, dropout, and what layers refuse. */
import { describe, expect, test } from "vitest";
import {
  grad,
  manualSeed,
  nn,
  ones,
  randn,
  type Tensor,
  tensor,
  zeros,
} from "../../runtime/index.ts";
import { required } from "./fixture.ts";

const values = async (x: Tensor | null | undefined) => [...((await x?.data()) ?? [])];
const F = nn.functional;

describe("hooks", () => {
  test("see and replace inputs and outputs, in order, until they are removed", async () => {
    const layer = new nn.Identity();
    const calls: string[] = [];
    layer.registerForwardPreHook((_, [x]) => {
      calls.push("before");
      return [required(x).add(1)];
    });
    const first = layer.registerForwardHook((module, [x], y) => {
      calls.push(module === layer && x === y ? "first" : "other");
      return y.mul(10);
    });
    layer.registerForwardHook(() => {
      calls.push("second");
    });
    expect(await values(layer.forward(tensor([1, 2])))).toEqual([20, 30]);
    first.remove();
    first.remove();
    expect(await values(layer.forward(tensor([1, 2])))).toEqual([2, 3]);
    expect(calls).toEqual(["before", "first", "second", "before", "second"]);
  });

  test("reach a layer inside a model, and are no part of it", () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    const shapes: (readonly number[])[] = [];
    const handle = required(model[0]).registerForwardHook((_, __, y) => {
      shapes.push(y.shape);
    });
    model.forward(zeros(5, 2));
    handle.remove();
    model.forward(zeros(5, 2));
    expect(shapes).toEqual([[5, 3]]);
    expect(Object.keys(model.stateDict())).toEqual(["0.weight", "0.bias"]);
  });

  test("serve a forward that is a property, too", async () => {
    class Arrow extends nn.Module {
      override readonly forward = (x: Tensor) => x.mul(2);
    }
    const layer = new Arrow();
    layer.registerForwardHook((_, __, y) => y.add(1));
    expect(await layer.forward(tensor([3])).item()).toBe(7);
  });
});

describe("containers", () => {
  test("ModuleList counts, iterates and names by number", () => {
    const list = new nn.ModuleList([new nn.Linear(1, 2), new nn.Linear(2, 3)]);
    list.append(new nn.Linear(3, 4));
    expect(list.length).toBe(3);
    expect(list.at(-1).outFeatures).toBe(4);
    expect([...list].map(layer => layer.inFeatures)).toEqual([1, 2, 3]);
    expect(list.namedParameters().map(([name]) => name)[4]).toBe("2.weight");
  });

  test("ModuleDict names as it is told", () => {
    const dict = new nn.ModuleDict({ someHead: new nn.Linear(1, 2) });
    dict.set("other", new nn.Linear(1, 3, { bias: false }));
    expect(dict.has("someHead")).toBe(true);
    expect([dict.size, [...dict.keys()]]).toEqual([2, ["someHead", "other"]]);
    expect([...dict].map(([, layer]) => layer.outFeatures)).toEqual([2, 3]);
    const names = dict.namedParameters().map(([name]) => name);
    expect(names).toEqual(["someHead.weight", "someHead.bias", "other.weight"]);
  });

  test("apply reaches the inner modules first; requiresGrad_ freezes; numParameters counts", () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Sequential(new nn.ReLU()));
    const seen: string[] = [];
    model.apply(module => seen.push(module.constructor.name));
    expect(seen).toEqual(["ReLU", "Sequential", "Linear", "Sequential"]);
    model.requiresGrad_(false);
    expect(model.parameters().map(({ requiresGrad }) => requiresGrad)).toEqual([false, false]);
    expect(model.numParameters()).toBe(9);
  });
});

test("summary lists layers, shapes and parameters, and changes nothing", async () => {
  const model = new nn.Sequential(
    new nn.Linear(8, 200),
    new nn.BatchNorm1d(200),
    new nn.Dropout(),
    new nn.Linear(200, 3),
  );
  required(model[0]).requiresGrad_(false);
  model[2]?.eval();
  expect(nn.summary(model, zeros(5, 8))).toBe(
    [
      "layer            output    parameters",
      "(Sequential)     [5, 3]",
      "0 (Linear)       [5, 200]       1,800",
      "1 (BatchNorm1d)  [5, 200]         400",
      "2 (Dropout)      [5, 200]",
      "3 (Linear)       [5, 3]           603",
      "2,803 parameters, 1,003 of them learned",
    ].join("\n"),
  );
  expect([...model.namedModules()].map(([, { training }]) => training)).toEqual([
    true,
    true,
    true,
    false,
    true,
  ]);
  expect(await required(model.namedBuffers()[2])[1].item()).toBe(0);
});

describe("dropout", () => {
  test("drops a share p, scales the others, and gives the same elements a gradient", async () => {
    manualSeed(5);
    const x = ones(20_000).requiresGrad_();
    const y = F.dropout(x, { p: 0.25 });
    y.sum().backward();
    const [dropped, slopes] = [await values(y), await values(x.grad)];
    expect(slopes).toEqual(dropped);
    expect(new Set(dropped)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const share = dropped.filter(value => value === 0).length / dropped.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / 20_000));
  });

  test("repeats with the seed, and never within it", async () => {
    const masks = async (seed: number) => {
      manualSeed(seed);
      const layer = new nn.Dropout();
      return [await values(layer.forward(ones(64))), await values(layer.forward(ones(64)))];
    };
    const [first, second] = await masks(1);
    expect(await masks(1)).toEqual([first, second]);
    expect(second).not.toEqual(first);
    expect((await masks(2))[0]).not.toEqual(first);
  });

  test("the mask of a second derivative is that of the first", async () => {
    const x = randn(64).requiresGrad_();
    const y = F.dropout(x.square(), { p: 0.5 });
    const [first] = grad(y.sum(), [x], { createGraph: true });
    const [second] = grad(required(first).sum(), [x]);
    const [kept, curvature] = [await values(y), await values(second)];
    expect(curvature).toEqual(kept.map(value => (value === 0 ? 0 : 4)));
  });

  test("p = 0 keeps all, p = 1 none, eval changes nothing", async () => {
    const x = tensor([1, -2, 3], { requiresGrad: true });
    expect(F.dropout(x, { p: 0 })).toBe(x);
    const none = F.dropout(x, { p: 1 });
    none.sum().backward();
    expect((await values(none)).map(Math.abs)).toEqual([0, 0, 0]);
    expect(await values(x.grad)).toEqual([0, 0, 0]);
    expect(new nn.Dropout().eval().forward(x)).toBe(x);
  });

  test("between recurrent layers and on attention weights only while they train", async () => {
    const x = randn(3, 2, 4);
    const rnn = new nn.GRU(4, 4, { numLayers: 2, dropout: 0.5 });
    const attention = new nn.MultiheadAttention(4, 2, { dropout: 0.5 });
    const outputs = async () => [
      await values(rnn.forward(x)[0]),
      await values(attention.forward(x, x, x, { needWeights: false })[0]),
    ];
    const [gru, heads] = await outputs();
    const [again, headsAgain] = await outputs();
    expect(again).not.toEqual(gru);
    expect(headsAgain).not.toEqual(heads);
    rnn.eval();
    attention.eval();
    expect(await outputs()).toEqual(await outputs());
  });
});

describe("refused", () => {
  const x = zeros(2, 3);
  const index = (...numbers: number[]) => tensor(numbers, { dtype: "int32" });
  test.each<[string, () => unknown]>([
    ["Embedding: numEmbeddings should be a positive integer, got 0", () => new nn.Embedding(0, 3)],
    [
      "Embedding: paddingIdx 4 is out of range: there are rows 0 … 3",
      () => new nn.Embedding(4, 2, { paddingIdx: 4 }),
    ],
    [
      "embedding: index 7 is out of range: the weight [4, 2] has rows 0 … 3",
      () => new nn.Embedding(4, 2).forward(index(1, 7)),
    ],
    ["embedding: expects int32 indices, got float32", () => new nn.Embedding(4, 2).forward(x)],
    [
      "Dropout: the probability should be between 0 and 1, got 1.5",
      () => new nn.Dropout({ p: 1.5 }),
    ],
    ["dropout: the probability should be between 0 and 1, got -1", () => F.dropout(x, { p: -1 })],
    [
      "layerNorm: normalizedShape is [4], but the input is [2, 3]: its last dimensions should be the same",
      () => new nn.LayerNorm(4).forward(x),
    ],
    [
      "LayerNorm: normalizedShape should be a positive integer, got 0",
      () => new nn.LayerNorm([3, 0]),
    ],
    [
      "layerNorm: the weight is [2], and should be [3]",
      () => F.layerNorm(x, [3], { weight: zeros(2) }),
    ],
    ["GroupNorm: 6 channels can not be divided into 4 equal groups", () => new nn.GroupNorm(4, 6)],
    [
      "groupNorm: 3 channels of input [2, 3] can not be divided into 2 equal groups",
      () => F.groupNorm(x, 2),
    ],
    [
      "BatchNorm1d: expects an input of 2 or 3 dimensions with 4 channels, [N, 4, ...], got [2, 3]",
      () => new nn.BatchNorm1d(4).forward(x),
    ],
    [
      "BatchNorm2d: expects an input of 4 dimensions with 3 channels, [N, 3, ...], got [2, 3]",
      () => new nn.BatchNorm2d(3).forward(x),
    ],
    [
      "batchNorm: expected more than 1 value per channel when training, got input [1, 3]",
      () => new nn.BatchNorm1d(3).forward(zeros(1, 3)),
    ],
    [
      "bilinear: inputs [2, 3] and [2, 4] do not fit the weight [5, 3, 3]",
      () => new nn.Bilinear(3, 3, 5).forward(x, zeros(2, 4)),
    ],
    [
      "MultiheadAttention: embedDim 6 should be a multiple of numHeads 4",
      () => new nn.MultiheadAttention(6, 4),
    ],
    [
      "MultiheadAttention: query, key and value [5, 2, 4], [4, 3, 4], [4, 3, 4] should be [L, N, E], [S, N, E] twice",
      () => new nn.MultiheadAttention(4, 2).forward(zeros(5, 2, 4), zeros(4, 3, 4), zeros(4, 3, 4)),
    ],
    [
      "MultiheadAttention: query, key and value [5, 2, 4], [4, 2, 3], [4, 2, 4] should be [L, N, E], [S, N, E] twice, or without N, with E = 4, of keys 3, of values 5",
      () => {
        const attention = new nn.MultiheadAttention(4, 2, { kdim: 3, vdim: 5 });
        return attention.forward(zeros(5, 2, 4), zeros(4, 2, 3), zeros(4, 2, 4));
      },
    ],
    ["Embedding: maxNorm should be above 0, got 0", () => new nn.Embedding(4, 2, { maxNorm: 0 })],
    [
      "MultiheadAttention: attnMask should be [5, 5] or [4, 5, 5], got [4, 5]",
      () => {
        const q = zeros(5, 2, 4);
        return new nn.MultiheadAttention(4, 2).forward(q, q, q, { attnMask: zeros(4, 5) });
      },
    ],
    [
      "GRU: expects an input [T, N, inputSize] or [T, inputSize] with inputSize = 4, got [2, 3]",
      () => new nn.GRU(4, 5).forward(x),
    ],
    [
      "LSTM: expected a state of shape [1, 2, 5], got [2, 5]",
      () => new nn.LSTM(4, 5).forward(zeros(3, 2, 4), [zeros(2, 5), zeros(2, 5)]),
    ],
    [
      'RNN: nonlinearity should be "tanh" or "relu", got "sine"',
      () => new nn.RNN(1, 1, { nonlinearity: "sine" as "tanh" }),
    ],
    ["ModuleList: element 0 is not a module", () => new nn.ModuleList([x as unknown as nn.Module])],
    [
      'ModuleDict: a name should be a word without dots, got "a.b"',
      () => new nn.ModuleDict({ "a.b": new nn.ReLU() }),
    ],
    ['ModuleDict: no "b", there are a', () => new nn.ModuleDict({ a: new nn.ReLU() }).get("b")],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});

test("activations as modules are the functions, with their options", async () => {
  const x = tensor([[-2, -0.5, 0, 0.5, 30]]);
  const pairs: [nn.Module, Tensor][] = [
    [new nn.Sigmoid(), F.sigmoid(x)],
    [new nn.SiLU(), F.silu(x)],
    [new nn.Softplus({ beta: 2 }), F.softplus(x, { beta: 2 })],
    [new nn.ELU({ alpha: 0.5 }), F.elu(x, { alpha: 0.5 })],
    [new nn.LeakyReLU({ negativeSlope: 0.25 }), F.leakyRelu(x, { negativeSlope: 0.25 })],
    [new nn.Softmax({ dim: 1 }), F.softmax(x, 1)],
    [new nn.LogSoftmax({ dim: 1 }), F.logSoftmax(x, 1)],
    [new nn.Flatten(), x],
    [new nn.Flatten({ startDim: 0 }), x.reshape(5)],
  ];
  for (const [module, expected] of pairs) {
    const output = module.forward(x);
    expect(output.shape).toEqual(expected.shape);
    expect(await values(output)).toEqual(await values(expected));
  }
});
