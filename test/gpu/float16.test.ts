/** float16: how numbers are rounded, which dtype a result has, and the operations, against PyTorch. */
import { describe, expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { withOwnArena } from "../../runtime/graph/arena.ts";
import {
  cat,
  full,
  grad,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../../runtime/index.ts";
import { roundToHalf } from "../../runtime/kernels/halfValues.ts";
import { binary, compareWithTorch, type Operation, unary } from "./cases.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";

type Operand = number | readonly ["float16" | "float32" | "int32" | "bool", readonly number[]];

interface Fixture {
  readonly casts: { readonly from: Encoded; readonly to: Encoded };
  readonly promotions: readonly {
    readonly a: Operand;
    readonly b: Operand;
    readonly dtype: string;
  }[];
}

const torch = readFixture<Fixture>("float16");
const { functional } = nn;

/** A step of float16, for what is calculated in float32 and rounded once. */
const ONE_ROUNDING = { relative: 2 ** -10, absolute: 2 ** -23 };
/** Products are rounded before the bias is added, or what overlaps. */
const TWO_ROUNDINGS = { relative: 2 ** -9, absolute: 2 ** -8 };

/** Methods under the names of the fixture. */
const OF_ONE = [
  "exp",
  "tanh",
  "sigmoid",
  "relu",
  "square",
  "abs",
  "erf",
  "log",
  "sqrt",
  "rsqrt",
  "reciprocal",
  "log1p",
  "sum",
  "mean",
] as const;
const OF_TWO = ["add", "sub", "mul", "div", "pow", "maximum", "matmul"] as const;

const operations: Record<string, Operation<object>> = {
  ...Object.fromEntries(OF_ONE.map(name => [name, unary(x => x[name]())])),
  ...Object.fromEntries(OF_TWO.map(name => [name, binary((a, b) => a[name](b))])),
  addNumber: unary(x => x.add(0.1)),
  mulNumber: unary(x => x.mul(1 / 3)),
  gelu: unary(x => functional.gelu(x)),
  silu: unary(x => functional.silu(x)),
  softplus: unary(x => functional.softplus(x)),
  elu: unary(x => functional.elu(x)),
  var: unary(x => x.var(1)),
  norm: unary(x => x.norm(2, 1)),
  amax: unary(x => x.amax(1)),
  logsumexp: unary(x => x.logsumexp(1)),
  softmax: unary(x => x.softmax(1)),
  logSoftmax: unary(x => x.logSoftmax(1)),
  cumsum: unary(x => x.cumsum(1)),
  linear: ([x, w, b]) => functional.linear(required(x), required(w), b),
  conv2d: ([x, w, b]) => functional.conv2d(required(x), required(w), b, { padding: 1 }),
  convTranspose2d: ([x, w]) =>
    functional.convTranspose2d(required(x), required(w), undefined, { stride: 2 }),
  avgPool2d: unary(x => functional.avgPool2d(x, 2, { stride: 1 })),
  maxPool2d: unary(x => functional.maxPool2d(x, 2)),
  layerNorm: ([x, weight, bias]) => functional.layerNorm(required(x), [6], { weight, bias }),
  groupNorm: ([x, weight, bias]) => functional.groupNorm(required(x), 2, { weight, bias }),
  batchNorm: ([x, weight, bias]) =>
    functional.batchNorm(required(x), undefined, undefined, { weight, bias, training: true }),
  crossEntropy: binary((x, classes) => functional.crossEntropy(x, classes, { reduction: "none" })),
  attention: ([q, k, v]) =>
    functional.scaledDotProductAttention(required(q), required(k), required(v), { isCausal: true }),
  indexSelect: binary((x, rows) => x.indexSelect(0, rows)),
  cat: binary((a, b) => cat([a, b])),
  where: binary((a, b) => where(a.gt(0), a, b)),
};

compareWithTorch<object>(
  "float16",
  operations,
  Object.fromEntries(
    Object.keys(operations).map(name => [
      name,
      ["linear", "conv2d", "convTranspose2d"].includes(name) ? TWO_ROUNDINGS : ONE_ROUNDING,
    ]),
  ),
);

describe(`casts, as in PyTorch ${torch.torch}`, () => {
  const { from, to } = torch.casts;
  const wanted = Float32Array.from(to.data, numeric);

  test("on the GPU, stored and read again", async () => {
    const halves = decode(from).mul(1).half();
    expect(halves.dtype).toBe("float16");
    expect(bits(await halves.keep().data())).toEqual(bits(wanted));
    expect(bits(await halves.float().data())).toEqual(bits(wanted));
  });

  test("on the GPU, within a kernel", async () => {
    const values = decode(from).half().float();
    expect(bits(await values.neg().data())).toEqual(bits(wanted.map(value => -value)));
  });

  test("on the host", async () => {
    const halves = tensor(Float32Array.from(from.data, numeric), { dtype: "float16" });
    expect(bits(await halves.data())).toEqual(bits(wanted));
    expect(bits(await halves.neg().data())).toEqual(bits(wanted.map(value => -value)));
  });
});

/** Bits that tell 0 from −0; all NaNs are one. */
function bits(values: ArrayLike<number>): number[] {
  const floats = Float32Array.from(values, value => (Number.isNaN(value) ? Number.NaN : value));
  return [...new Uint32Array(floats.buffer)];
}

test("the dtype of a result is PyTorch's", () => {
  const make = (operand: Operand): Tensor | number =>
    typeof operand === "number" ? operand : ones([...operand[1]], { dtype: operand[0] });
  for (const { a, b, dtype } of torch.promotions) {
    const result = (make(a) as Tensor).add(make(b));
    expect(result.dtype, `${JSON.stringify(a)} + ${JSON.stringify(b)}`).toBe(dtype);
  }
});

test("tensors are made of it, and say so", async () => {
  expect((await full([2], 0.1, { dtype: "float16" }).data())[0]).toBe(roundToHalf(0.1));
  expect((await zeros(3, { dtype: "float16" }).add(1).data()).every(value => value === 1)).toBe(
    true,
  );
  const drawn = randn(1000, { dtype: "float16" });
  expect(drawn.dtype).toBe("float16");
  const values = [...(await drawn.data())];
  expect(values).toEqual(values.map(roundToHalf));
  expect(new Set(values).size).toBeGreaterThan(500);
  expect(String(tensor([1, 2], { dtype: "float16" }))).toContain("float16");
  expect(tensor([1]).half().int().dtype).toBe("int32");
  expect(await tensor([3, -4]).half().int().data()).toEqual(Int32Array.of(3, -4));
  expect(await tensor([true, false]).to("float16").data()).toEqual(Float32Array.of(1, 0));
});

test("what is too large becomes infinite, and what is NaN stays it", async () => {
  const x = tensor([60_000, -60_000, 1, Number.NaN], { dtype: "float16" });
  const doubled = x.mul(2);
  expect(await doubled.data()).toEqual(
    Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, Number.NaN),
  );
  expect(await doubled.isinf().data()).toEqual(Uint8Array.of(1, 1, 0, 0));
  expect(await doubled.isnan().data()).toEqual(Uint8Array.of(0, 0, 0, 1));
  expect(await doubled.isfinite().data()).toEqual(Uint8Array.of(0, 0, 1, 0));
  // Each operation is rounded, also where a kernel computes several.
  expect((await x.mul(2).mul(0.5).data())[0]).toBe(Number.POSITIVE_INFINITY);
  expect((await tensor([2048], { dtype: "float16" }).add(1).sub(2048).data())[0]).toBe(0);
});

test("neighbours share a word and do not disturb each other", async () => {
  const x = zeros(1001, { dtype: "float16" }).add(0).keep();
  await x.item().catch(() => undefined);
  noGrad(() => {
    for (let i = 0; i < 3; i++) x.narrow(0, 1, 999).add_(1);
    x.narrow(0, 7, 1).fill_(-5);
  });
  const wanted = Array.from({ length: 1001 }, (_, i) => (i === 7 ? -5 : i > 0 && i < 1000 ? 3 : 0));
  expect([...(await x.data())]).toEqual(wanted);
});

test("a parameter that is changed in place by hand stays float16", async () => {
  const weight = new nn.Parameter(tensor([1, 2, 3], { dtype: "float16" }));
  for (let i = 0; i < 3; i++) {
    weight.grad = null;
    weight.square().sum().backward();
    expect(required(weight.grad as Tensor | null).dtype).toBe("float16");
    noGrad(() => weight.sub_(required(weight.grad as Tensor | null).mul(0.25)));
  }
  expect(await weight.data()).toEqual(Float32Array.of(0.125, 0.25, 0.375));
});

test("a gradient goes through casts in the dtype of each", async () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const scale = tensor([2 ** -20, 1, 2 ** 15]);
  const [slope] = grad(x.half().float().mul(scale).sum(), [x]);
  expect(required(slope).dtype).toBe("float32");
  expect(await required(slope).data()).toEqual(Float32Array.of(2 ** -20, 1, 2 ** 15));
  const [lost] = grad(
    x
      .half()
      .float()
      .mul(tensor([2 ** -26, 1, 2 ** 17]))
      .sum(),
    [x],
  );
  expect(await required(lost).data()).toEqual(Float32Array.of(0, 1, Number.POSITIVE_INFINITY));
});

test("what is read twice as float32 is stored as what it is", async () => {
  const elements = 1 << 18;
  const x = randn(elements, { dtype: "float16" }).keep();
  await x.sum().item();
  const bytes = await withOwnArena(async () => {
    const before = counters.bytes;
    const wide = x.exp().float();
    await Promise.all([
      wide
        .mul(wide.flip([0]))
        .sum()
        .item(),
      wide.matmul(wide).item(),
    ]);
    return counters.bytes - before;
  });
  expect(bytes).toBeLessThan(3 * elements);
});

test("products of two dtypes are refused", () => {
  const [float, half] = [ones(1, 1, 3), ones(1, 1, 3, { dtype: "float16" })];
  expect(() => half.matmul(ones(3, 1))).toThrow("of the same dtype");
  expect(() => functional.conv1d(half, float)).toThrow(
    "conv1d: expects tensors of the same dtype, got float16 and float32",
  );
  expect(() => functional.scaledDotProductAttention(half, float, float)).toThrow(
    "of the same dtype, got float16, float32 and float32",
  );
  expect(() => new optim.SGD([new nn.Parameter(half)])).toThrow(
    "Keep it float32, and use autocast",
  );
});

test("it takes half of the memory", async () => {
  const make = async (dtype: "float16" | "float32"): Promise<number> => {
    const x = randn(512, 513, { dtype }).keep();
    await x.sum().item();
    return required(x.node.storage).range.size;
  };
  expect(await make("float16")).toBe((await make("float32")) / 2);
});
