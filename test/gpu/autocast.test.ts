/** Mixed precision: what is cast, against PyTorch; loss scaling where float16 overflows; memory. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { counters, gpu } from "../../runtime/gpu/device.ts";
import {
  autocast,
  checkpoint,
  grad,
  manualSeed,
  nn,
  noGrad,
  optim,
  randint,
  randn,
  type Tensor,
  tensor,
} from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { emulateAutocast, lowered } from "../../runtime/tensor/autocast.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";
import { Gpt } from "./gpt.ts";
import { watch } from "./watch.ts";

const { functional } = nn;
const hasFloat16 = gpu.device.features.has("shader-f16");

beforeEach(() => emulateAutocast(true));
afterEach(() => {
  emulateAutocast(false);
  observe(undefined);
});

describe("where there is nothing to cast to", () => {
  test("it says so once for each dtype, and everything is computed in float32", async () => {
    emulateAutocast(false);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const third = () => tensor([[1]]).matmul(tensor([[1 / 3]]));
    const value = Math.fround(1 / 3);
    expect(await autocast(third, { enabled: false }).item()).toBe(value);
    expect(warn).not.toHaveBeenCalled();
    for (const dtype of ["bfloat16", "float16", "bfloat16", "float16"] as const) {
      if (dtype === "float16" && hasFloat16) continue;
      const product = autocast(third, { dtype });
      expect(product.dtype).toBe("float32");
      expect(await product.item()).toBe(value);
    }
    const reasons = [
      "WebGPU has no bfloat16",
      `the adapter (${gpu.adapter.description}) has no float16 (WebGPU's shader-f16)`,
    ];
    expect(warn.mock.calls.flat()).toEqual(
      reasons
        .slice(0, hasFloat16 ? 1 : 2)
        .map(
          reason =>
            `autocast: ${reason}; everything is computed in float32, which needs no loss scaling.`,
        ),
    );
    warn.mockRestore();
  });

  test("what makes no sense is refused", () => {
    expect(() => autocast("cuda" as never)).toThrow("autocast: expects a function");
    expect(() => autocast(() => 1, { dtype: "float8" as never })).toThrow(
      'dtype should be "float16" or "bfloat16", got float8',
    );
  });
});

const x = tensor([[1, 2, 3]]);
const half = x.half();
const image = randn(1, 2, 4, 4);
const classes = tensor([2], { dtype: "int32" });

/** What gives float16 under autocast, float32, and the dtype of what it is given: PyTorch's lists. */
const POLICY: Record<"float16" | "float32" | "given", Record<string, (x: Tensor) => Tensor>> = {
  float16: {
    matmul: y => y.matmul(y.t()),
    mv: y => y.matmul(y.reshape(3)),
    linear: y => functional.linear(y, tensor([[1, 2, 3]]), tensor([1])),
    conv2d: () => functional.conv2d(image, randn(3, 2, 3, 3), randn(3)),
    convTranspose2d: () => functional.convTranspose2d(image, randn(2, 3, 3, 3)),
    attention: y => functional.scaledDotProductAttention(y, y, y),
  },
  float32: {
    exp: y => y.exp(),
    log: y => y.log(),
    pow: y => y.pow(3),
    reciprocal: y => y.reciprocal(),
    rsqrt: y => y.rsqrt(),
    sum: y => y.sum(),
    prod: y => y.prod(),
    cumsum: y => y.cumsum(1),
    norm: y => y.norm(),
    softmax: y => y.softmax(1),
    logSoftmax: y => y.logSoftmax(1),
    softplus: y => functional.softplus(y),
    layerNorm: y => functional.layerNorm(y, [3]),
    crossEntropy: y => functional.crossEntropy(y, classes),
    mseLoss: y => functional.mseLoss(y, y),
    binaryCrossEntropyWithLogits: y => functional.binaryCrossEntropyWithLogits(y, y),
    cosineSimilarity: y => functional.cosineSimilarity(y, y),
    "float16 and float32": y => y.half().add(y.float()),
  },
  given: {
    relu: y => y.relu(),
    gelu: y => functional.gelu(y),
    tanh: y => y.tanh(),
    mul: y => y.mul(2.5),
    mean: y => y.mean(),
    var: y => y.var(),
    dropout: y => functional.dropout(y),
    maxPool1d: y => functional.maxPool1d(y, 2),
    batchNorm: y =>
      functional.batchNorm(y.reshape(3, 1), tensor([0]), tensor([1]), { weight: tensor([1]) }),
  },
};

describe.each(Object.entries(POLICY))("%s:", (dtype, functions) => {
  test.each(Object.entries(functions))("%s", async (_, compute) => {
    for (const argument of [x, half]) {
      const result = autocast(() => compute(argument));
      expect(result.dtype).toBe(dtype === "given" ? argument.dtype : dtype);
      await result.data();
    }
    const outside = ["matmul", "exp", "sum", "softmax", "crossEntropy"];
    for (const name of outside.filter(each => functions[each] === compute)) {
      expect(compute(half).dtype, name).toBe("float16");
    }
  });
});

test("it ends with its function, whether that waits or throws, and may be off within", async () => {
  const dtype = () => x.matmul(x.t()).dtype;
  expect(autocast(dtype)).toBe("float16");
  expect(dtype()).toBe("float32");
  expect(autocast(() => [autocast(dtype, { enabled: false }), dtype()])).toEqual([
    "float32",
    "float16",
  ]);
  const later = autocast(async () => {
    await Promise.resolve();
    return dtype();
  });
  expect(await later).toBe("float16");
  expect(dtype()).toBe("float32");
  const fail = () => {
    throw new Error("stop");
  };
  expect(() => autocast(fail)).toThrow("stop");
  expect(dtype()).toBe("float32");
});

test("a parameter is cast once, and again when it has changed", () => {
  const weight = new nn.Parameter(tensor([1, 2]));
  autocast(() => {
    const first = lowered(weight);
    expect(lowered(weight)).toBe(first);
    noGrad(() => expect(lowered(weight)).not.toBe(first));
    noGrad(() => weight.add_(1));
    const second = lowered(weight);
    expect(second).not.toBe(first);
    // What is cast has a graph, which backward() uses up.
    for (let i = 0; i < 2; i++) lowered(weight).sum().backward();
    autocast(() => expect(lowered(weight).dtype).toBe("float16"));
  });
  expect(lowered(weight)).toBe(weight);
});

interface Network {
  readonly scale: number;
  readonly input: Encoded;
  readonly labels: Encoded;
  readonly parameters: Readonly<Record<"w1" | "b1" | "gain" | "shift" | "w2" | "b2", Encoded>>;
  readonly logits: Encoded;
  readonly loss: number;
  readonly grads: Readonly<Record<string, Encoded>>;
}

test("a network's loss and gradients are those of PyTorch's rules", async () => {
  const { network } = readFixture<{ network: Network }>("float16");
  const leaves = Object.fromEntries(
    Object.entries(network.parameters).map(([name, values]) => [name, decode(values, true)]),
  );
  const [w1, b1, gain, shift, w2, b2] = Object.values(leaves);
  const [logits, loss] = autocast(() => {
    const hidden = functional.gelu(functional.linear(decode(network.input), required(w1), b1));
    const normed = functional.layerNorm(hidden, [40], { weight: gain, bias: shift });
    const scores = functional.linear(normed, required(w2), b2);
    return [scores, functional.crossEntropy(scores, decode(network.labels))];
  });
  loss.mul(network.scale).backward();
  expect([logits.dtype, loss.dtype]).toEqual(["float16", "float32"]);
  const values = network.logits.data.map(numeric);
  expectClose("logits", await logits.data(), values, { relative: 2 ** -9, absolute: 2 ** -8 });
  expectClose("loss", [await loss.item()], [network.loss], { relative: 2e-4, absolute: 0 });
  for (const [name, expected] of Object.entries(network.grads)) {
    const gradient = required(leaves[name]?.grad);
    expect(gradient.dtype, name).toBe("float32");
    const wanted = expected.data.map(numeric);
    // What is rounded on the way are numbers of the size of the largest.
    const absolute = 2 ** -9 * Math.max(...wanted.map(Math.abs));
    expectClose(name, await gradient.data(), wanted, { relative: 2 ** -9, absolute });
  }
});

describe("layers that are made of others", () => {
  const layers: Record<string, () => (input: Tensor) => Tensor> = {
    GRU: () => {
      const layer = new nn.GRU(8, 8);
      return input => layer.forward(input)[0];
    },
    LSTM: () => {
      const layer = new nn.LSTM(8, 8);
      return input => layer.forward(input)[0];
    },
    MultiheadAttention: () => {
      const layer = new nn.MultiheadAttention(8, 2);
      return input => layer.forward(input, input, input)[0];
    },
    TransformerEncoderLayer: () => {
      const layer = new nn.TransformerEncoderLayer(8, 2, { dropout: 0 });
      return input => layer.forward(input);
    },
    Conv1d: () => {
      const layer = new nn.Sequential(
        new nn.Conv1d(3, 8, 3, { padding: 1 }),
        new nn.BatchNorm1d(8),
        new nn.ReLU(),
      );
      return input => layer.forward(input);
    },
    checkpoint: () => {
      const layer = new nn.Sequential(new nn.Linear(8, 16), new nn.GELU(), new nn.Linear(16, 8));
      return input => checkpoint(each => layer.forward(each), input);
    },
  };

  test.each(Object.entries(layers))("%s", async (_, make) => {
    manualSeed(5);
    const layer = make();
    const input = randn(5, 3, 8);
    const plain = input.clone().requiresGrad_();
    const mixed = input.clone().requiresGrad_();
    const wanted = layer(plain);
    const result = autocast(() => layer(mixed));
    expectClose("output", await result.data(), await wanted.data(), {
      relative: 2e-3,
      absolute: 5e-3,
    });
    const [wantedSlope] = grad(wanted.square().mean(), [plain]);
    const [slope] = grad(result.float().square().mean(), [mixed]);
    expect(required(slope).dtype).toBe("float32");
    expectClose("gradient", await required(slope).data(), await required(wantedSlope).data(), {
      relative: 1e-2,
      absolute: 1e-3,
    });
  });
});

describe("training", () => {
  const sizes = { vocabulary: 23, length: 12, width: 32, heads: 2, layers: 1 };

  async function train(isMixed: boolean, initScale: number, steps: number) {
    manualSeed(3);
    const model = new Gpt(sizes);
    const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 });
    const scaler = new optim.GradScaler({ initScale, growthInterval: 1000, enabled: isMixed });
    const tokens = randint(sizes.vocabulary, [4, sizes.length + 1]).keep();
    const inputs = tokens.narrow(1, 0, sizes.length);
    const targets = tokens.narrow(1, 1, sizes.length).reshape(-1);
    const losses: number[] = [];
    let submits = 0;
    for (let step = 0; step < steps; step++) {
      const before = counters.submits;
      const loss = autocast(
        () => {
          const logits = model.forward(inputs).reshape(-1, sizes.vocabulary);
          expect(logits.dtype).toBe(isMixed ? "float16" : "float32");
          return functional.crossEntropy(logits, targets);
        },
        { enabled: isMixed },
      );
      optimizer.zeroGrad();
      scaler.scale(loss).backward();
      await scaler.step(optimizer);
      scaler.update();
      submits = counters.submits - before;
      losses.push(await loss.item());
    }
    expect(model.parameters().every(parameter => parameter.dtype === "float32")).toBe(true);
    return { losses, submits, scale: await scaler.getScale().item() };
  }

  test("comes down as in float32; steps that overflow are skipped, and the loop waits for nothing", async () => {
    const plain = await train(false, 1, 20);
    const watched = watch();
    const { losses, submits, scale } = await train(true, 2 ** 24, 30);
    await drain();
    const skipped = watched.steps.map(step => step.total("skipped"));
    const skips = skipped.reduce((sum, each) => sum + each, 0);
    // The gradient of a logit is up to 1/48, of which float16 does not have the 2²⁴-fold.
    expect(skips).toBeGreaterThan(1);
    expect(skipped.slice(0, skips).every(each => each === 1)).toBe(true);
    expect(skipped.slice(skips).every(each => each === 0)).toBe(true);
    expect(scale).toBe(2 ** (24 - skips));
    expect(watched.steps.map(step => step.total("lossScale"))).toEqual(
      skipped.map((_, i) => 2 ** (24 - Math.min(i, skips))),
    );
    expect(submits).toBe(plain.submits);
    const steps = plain.losses.slice(0, losses.length - skips);
    const mixed = losses.slice(skips, skips + steps.length);
    expect(plain.losses.at(-1)).toBeLessThan(0.5 * required(plain.losses[0]));
    expectClose("losses", mixed, steps, { relative: 0.02, absolute: 0.005 });
  });
});

test("activations take half of the memory", async () => {
  const bytesOf = async (isMixed: boolean): Promise<number> => {
    manualSeed(1);
    const layers = Array.from({ length: 4 }, () => [new nn.Linear(64, 64), new nn.GELU()]).flat();
    const model = new nn.Sequential(...layers);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const input = randn(2048, 64).keep();
    await input.sum().item();
    const before = counters.bytes;
    const loss = autocast(() => model.forward(input).square().mean(), { enabled: isMixed });
    loss.backward();
    await optimizer.step();
    return counters.bytes - before;
  };
  // The arena of the second one is that of the first, grown.
  const mixed = await bytesOf(true);
  const plain = mixed + (await bytesOf(false));
  expect(mixed / plain).toBeLessThan(0.6);
});
