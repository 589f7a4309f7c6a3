/** The forms with an underscore: they change the tensor, and gradients go through them. */
import { describe, expect, test } from "vitest";
import {
  arange,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  type Tensor,
  tensor,
  zeros,
} from "../../runtime/index.ts";
import { expectClose } from "./close.ts";

const START = [0.25, 1.5, 2.25, 3];
const OTHER = [2, -1, 0.5, 3];
const other = tensor(OTHER);
const index = tensor([0, 0, 3], { dtype: "int32" });

const nth = (list: readonly number[], i: number) => list[i] ?? Number.NaN;
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** What changes a tensor, and what the new value and the derivative of an element are. */
const CHANGES: Record<
  string,
  readonly [
    (x: Tensor) => Tensor,
    (x: number, i: number) => number,
    (x: number, i: number) => number,
  ]
> = {
  add_: [x => x.add_(2), x => x + 2, () => 1],
  sub_: [x => x.sub_(other), (x, i) => x - nth(OTHER, i), () => 1],
  mul_: [x => x.mul_(other), (x, i) => x * nth(OTHER, i), (_, i) => nth(OTHER, i)],
  div_: [x => x.div_(4), x => x / 4, () => 1 / 4],
  pow_: [x => x.pow_(2), x => x * x, x => 2 * x],
  remainder_: [x => x.remainder_(2), x => x % 2, () => 1],
  lerp_: [x => x.lerp_(other, 0.25), (x, i) => 0.75 * x + 0.25 * nth(OTHER, i), () => 0.75],
  clamp_: [x => x.clamp_(1, 3), x => Math.min(Math.max(x, 1), 3), x => (x >= 1 && x <= 3 ? 1 : 0)],
  neg_: [x => x.neg_(), x => -x, () => -1],
  abs_: [x => x.abs_(), Math.abs, () => 1],
  exp_: [x => x.exp_(), Math.exp, Math.exp],
  log_: [x => x.log_(), Math.log, x => 1 / x],
  sqrt_: [x => x.sqrt_(), Math.sqrt, x => 0.5 / Math.sqrt(x)],
  rsqrt_: [x => x.rsqrt_(), x => x ** -0.5, x => -0.5 * x ** -1.5],
  reciprocal_: [x => x.reciprocal_(), x => 1 / x, x => -1 / x ** 2],
  square_: [x => x.square_(), x => x * x, x => 2 * x],
  relu_: [x => x.sub_(1).relu_(), x => Math.max(x - 1, 0), x => (x > 1 ? 1 : 0)],
  tanh_: [x => x.tanh_(), Math.tanh, x => 1 - Math.tanh(x) ** 2],
  sigmoid_: [x => x.sigmoid_(), logistic, x => logistic(x) * (1 - logistic(x))],
  floor_: [x => x.floor_(), Math.floor, () => 0],
  ceil_: [x => x.ceil_(), Math.ceil, () => 0],
  round_: [x => x.round_(), (_, i) => nth([0, 2, 2, 3], i), () => 0],
  maskedFill_: [
    x => x.maskedFill_(other.gt(1), 9),
    (x, i) => (nth(OTHER, i) > 1 ? 9 : x),
    (_, i) => (nth(OTHER, i) > 1 ? 0 : 1),
  ],
  scatter_: [
    x => x.scatter_(0, index, 7),
    (x, i) => (i % 3 === 0 ? 7 : x),
    (_, i) => (i % 3 === 0 ? 0 : 1),
  ],
  indexAdd_: [x => x.indexAdd_(0, index, ones(3)), (x, i) => x + nth([2, 0, 0, 1], i), () => 1],
  copy_: [x => x.copy_(other), (_, i) => nth(OTHER, i), () => 0],
  fill_: [x => x.fill_(3), () => 3, () => 0],
  zero_: [x => x.zero_(), () => 0, () => 0],
};

test.each(Object.entries(CHANGES))("%s", async (_, [change, value, slope]) => {
  const leaf = tensor(START, { requiresGrad: true });
  const x = leaf.clone();
  expect(change(x)).toBe(x);
  x.mul(other).sum().backward();
  expectClose("value", await x.data(), START.map(value));
  const gradient = START.map((start, i) => slope(start, i) * nth(OTHER, i));
  expectClose("gradient", await (leaf.grad ?? leaf).data(), gradient);
});

describe("dtypes in place", () => {
  test("integers stay integers", async () => {
    const x = arange(4).mul_(3).sub_(5).clamp_(-3, 3).abs_();
    expect(x.dtype).toBe("int32");
    expect([...(await x.data())]).toEqual([3, 2, 1, 3]);
  });

  test("copy_ takes any dtype, as PyTorch's does", async () => {
    const x = arange(3).copy_(tensor([1.75, -1.75, 9]));
    expect(x.dtype).toBe("int32");
    expect([...(await x.data())]).toEqual([1, -1, 9]);
  });
});

test("triangles in place", async () => {
  const x = ones(3, 3);
  x.tril_().triu_(-1);
  expect([...(await x.data())]).toEqual([1, 0, 0, 1, 1, 0, 0, 1, 1]);
});

test("random numbers in place keep shape and parameterhood", async () => {
  manualSeed(3);
  const parameter = zeros(50, 40, { requiresGrad: true });
  noGrad(() => parameter.uniform_(2, 3));
  const uniform = await parameter.data();
  expect(uniform.every(x => x >= 2 && x < 3)).toBe(true);
  noGrad(() => parameter.normal_(5, 0.5));
  expect(await parameter.mean().item()).toBeCloseTo(5, 1);
  expect(await parameter.std().item()).toBeCloseTo(0.5, 1);
  noGrad(() => parameter.bernoulli_(0.25));
  expect(await parameter.mean().item()).toBeCloseTo(0.25, 1);
  expect(parameter.requiresGrad && parameter.isLeaf).toBe(true);
  expect(parameter.shape).toEqual([50, 40]);
});

test("writes that could run early stay behind what reads the value before them", async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const [weight, other] = [new nn.Parameter(tensor([1, 1])), new nn.Parameter(tensor([5, 6]))];
  // An optimizer gives them storages of their own.
  const optimizer = new optim.SGD([weight, other], { lr: 0 });
  weight.add(other).sum().backward();
  await optimizer.step();
  const seen = noGrad(() => {
    const before = x.mul(weight).sum(1);
    const swapped = other.add(weight);
    weight.copy_(x.sum(0));
    other.copy_(weight.mul(10));
    const between = x.mul(weight).sum(1);
    weight.copy_(x.sum(1));
    return [before, swapped, between, weight.clone(), other.clone()].map(each => each.keep());
  });
  const values = await Promise.all(seen.map(async each => [...(await each.data())]));
  expect(values).toEqual([
    [3, 7],
    [6, 7],
    [16, 36],
    [3, 7],
    [40, 60],
  ]);
});
