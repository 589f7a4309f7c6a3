/** Every layer against PyTorch: state dict, outputs, gradients of inputs and parameters, statistics. */
import { describe, expect, test } from "vitest";
import { nn, noGrad, type Tensor, tensor } from "../../runtime/index.ts";
import { compareCurvature } from "./cases.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";

type State = Readonly<Record<string, Encoded>>;

interface LayerCase {
  readonly layer: string;
  readonly note: string;
  readonly args: readonly unknown[];
  readonly train: boolean;
  readonly state: State;
  readonly inputs: readonly Encoded[];
  readonly outputs: readonly Encoded[];
  /** The gradients are those of sum(output · weight) over all outputs. */
  readonly weights: readonly Encoded[];
  readonly inputGrads: readonly (Encoded | null)[];
  readonly grads: State;
  /** The buffers behind the forward pass. */
  readonly after: State;
}

interface Fixture {
  readonly torch: string;
  readonly layers: readonly LayerCase[];
  readonly batchStatistics: readonly {
    readonly momentum: number | null;
    readonly batches: readonly Encoded[];
    readonly steps: readonly State[];
    readonly eval: Encoded;
  }[];
}

const { torch, layers, batchStatistics } = readFixture<Fixture>("layers");

/** How a layer of the fixture is made and called. */
type Make = (...args: never[]) => [nn.AnyModule, (inputs: Tensor[]) => unknown];

/** A layer whose inputs are tensors. */
function plain<Args extends unknown[]>(
  Layer: new (...args: Args) => nn.Module<Tensor[]> | nn.Module<[Tensor, Tensor]>,
) {
  return (...args: Args): ReturnType<Make> => {
    const layer: nn.Module<Tensor[]> = new Layer(...args) as nn.Module<Tensor[]>;
    return [layer, (inputs: Tensor[]) => layer.forward(...inputs)];
  };
}

interface AttentionArguments extends nn.AttentionCallOptions {
  readonly batchFirst?: boolean;
  readonly bias?: boolean;
  readonly kdim?: number;
  readonly vdim?: number;
  readonly addBiasKv?: boolean;
  /** Whether the second input is a padding mask. */
  readonly keyPadding?: boolean;
}

const LAYERS: Record<string, Make> = {
  Bilinear: plain(nn.Bilinear),
  Conv1d: plain(nn.Conv1d),
  Conv2d: plain(nn.Conv2d),
  Unflatten: plain(nn.Unflatten),
  Embedding: plain(nn.Embedding),
  LayerNorm: plain(nn.LayerNorm),
  RMSNorm: plain(nn.RMSNorm),
  GroupNorm: plain(nn.GroupNorm),
  BatchNorm1d: plain(nn.BatchNorm1d),
  BatchNorm2d: plain(nn.BatchNorm2d),
  MultiheadAttention: (size: number, heads: number, options: AttentionArguments) => {
    const layer = new nn.MultiheadAttention(size, heads, options);
    return [
      layer,
      ([query, key, value]) => {
        const q = required(query);
        if (value) return layer.forward(q, required(key), value, options);
        const masks = options.keyPadding ? { keyPaddingMask: key } : { attnMask: key };
        return layer.forward(q, q, q, { ...options, ...masks });
      },
    ];
  },
  TransformerEncoderLayer: plain(nn.TransformerEncoderLayer as new (...args: never[]) => nn.Module),
  TransformerEncoder: (...args: ConstructorParameters<typeof nn.TransformerEncoderLayer>) => {
    const [size] = args;
    const one = new nn.TransformerEncoderLayer(...args);
    const layer = new nn.TransformerEncoder(one, 2, { norm: new nn.LayerNorm(size) });
    return [layer, ([src, mask]) => layer.forward(required(src), { mask })];
  },
  RNN: recurrent(nn.RNN),
  GRU: recurrent(nn.GRU),
  LSTM: (...args: ConstructorParameters<typeof nn.LSTM>) => {
    const layer = new nn.LSTM(...args);
    return [layer, ([x, h, c]) => layer.forward(required(x), h && [h, required(c)])];
  },
};

function recurrent<Args extends unknown[]>(Layer: new (...args: Args) => nn.RNN | nn.GRU) {
  return (...args: Args): ReturnType<Make> => {
    const layer = new Layer(...args);
    return [layer, ([x, h]: Tensor[]) => layer.forward(required(x), h)];
  };
}

/** The tensors of nested arrays, in order. */
function tensors(result: unknown): Tensor[] {
  if (Array.isArray(result)) return result.flatMap(tensors);
  return result === undefined ? [] : [result as Tensor];
}

function decodeState(state: State): nn.StateDict {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, decode(value)]));
}

async function expectTensor(what: string, actual: Tensor | null | undefined, expected: Encoded) {
  expect(actual?.shape, `${what}: shape`).toEqual(expected.shape);
  expectClose(what, await required(actual).data(), expected.data.map(numeric));
}

async function compare(one: LayerCase): Promise<void> {
  const what = `${one.layer} ${one.note}`;
  const [module, call] = required(LAYERS[one.layer])(...(one.args as never[]));
  expect(Object.keys(module.stateDict()), `${what}: names`).toEqual(Object.keys(one.state));
  module.loadStateDict(decodeState(one.state));
  module.train(one.train);
  const inputs = one.inputs.map(input => decode(input, true));
  const outputs = tensors(call(inputs));
  expect(outputs.length, `${what}: outputs`).toBe(one.outputs.length);
  outputs
    .map((output, i) => output.mul(decode(required(one.weights[i]))).sum())
    .reduce((sum, term) => sum.add(term))
    .backward();
  for (const [i, expected] of one.outputs.entries()) {
    await expectTensor(`${what}: output ${i}`, outputs[i], expected);
  }
  for (const [i, expected] of one.inputGrads.entries()) {
    if (expected) await expectTensor(`${what}: gradient of input ${i}`, inputs[i]?.grad, expected);
  }
  for (const [name, parameter] of module.namedParameters()) {
    await expectTensor(`${what}: gradient of ${name}`, parameter.grad, required(one.grads[name]));
  }
  for (const [name, buffer] of module.namedBuffers()) {
    await expectTensor(`${what}: ${name} after`, buffer, required(one.after[name]));
  }
}

describe(`PyTorch ${torch}`, () => {
  for (const [name, cases] of Map.groupBy(layers, ({ layer }) => layer)) {
    test(name, async () => {
      for (const one of cases) await compare(one);
    });
  }

  test.each(batchStatistics)("running statistics, momentum $momentum", async run => {
    const layer = new nn.BatchNorm1d(3, { momentum: run.momentum });
    for (const [i, batch] of run.batches.entries()) {
      layer.forward(decode(batch));
      for (const [name, buffer] of layer.namedBuffers()) {
        await expectTensor(
          `${name} after step ${i}`,
          buffer,
          required(required(run.steps[i])[name]),
        );
      }
    }
    await expectTensor("eval", layer.eval().forward(decode(required(run.batches[0]))), run.eval);
  });
});

const F = nn.functional;
const labels = tensor([2, 0, 1], { dtype: "int32" });
const weight = tensor([0.5, 1, 2, 1.5]);
const sides = tensor([0, 1, 0.25, 0.75, 1, 0]);

/** A layer whose parameters are all ¼. */
function filled<Layer extends nn.AnyModule>(layer: Layer): Layer {
  for (const parameter of layer.parameters()) nn.init.constant_(parameter, 0.25);
  return layer;
}

compareCurvature("layers-second-derivatives", {
  layerNorm: x => F.layerNorm(x, [4]).pow(3).sum(),
  rmsNorm: x => F.rmsNorm(x, [4]).pow(3).sum(),
  batchNorm: x => F.batchNorm(x, undefined, undefined, { training: true }).pow(3).sum(),
  groupNorm: x => F.groupNorm(x, 2).pow(3).sum(),
  attention: (q, k) => F.scaledDotProductAttention(q, k, k).square().sum(),
  crossEntropy: x => F.crossEntropy(x, labels, { weight, labelSmoothing: 0.125 }),
  bce: x => F.binaryCrossEntropy(x, sides),
  bceWithLogits: x => F.binaryCrossEntropyWithLogits(x, sides),
  huberLoss: (x, y) => F.huberLoss(x, y, { delta: 0.5 }).mul(x.square().sum()),
  GRU: x => filled(new nn.GRU(4, 2)).forward(x.unsqueeze(1))[0].square().sum(),
  LSTM: x => filled(new nn.LSTM(4, 2)).forward(x.unsqueeze(1))[0].square().sum(),
  embedding: table =>
    F.embedding(tensor([1, 0, 1], { dtype: "int32" }), table)
      .pow(3)
      .sum(),
});

test("running statistics are right when nothing is read for many steps", async () => {
  const layer = new nn.BatchNorm1d(2);
  for (let i = 0; i < 100; i++)
    layer.forward(
      tensor([
        [0, i],
        [2, i + 4],
      ]),
    );
  // 0.9ⁿ is nearly 0 by then: the mean of the first channel is 1, its variance 2.
  const [mean, variance, batches] = layer.namedBuffers().map(([, buffer]) => buffer);
  const values = await required(mean).data();
  expectClose("mean", [values[0] ?? 0], [1 - 0.9 ** 100]);
  expectClose(
    "variance",
    await required(variance).data(),
    [2, 8].map(v => v + (1 - v) * 0.9 ** 100),
  );
  expect(await required(batches).item()).toBe(100);
  noGrad(() => layer.eval().forward(tensor([[0, 0]])));
  expect(await required(batches).item()).toBe(100);
});
