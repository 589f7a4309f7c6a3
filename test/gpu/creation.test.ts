/** New tensors: ranges, constants, their dtypes, and random choices. */
import { describe, expect, test } from "vitest";
import {
  arange,
  bernoulli,
  empty,
  eye,
  full,
  fullLike,
  linspace,
  manualSeed,
  multinomial,
  normal,
  ones,
  onesLike,
  randint,
  randLike,
  randperm,
  type Tensor,
  tensor,
  zeros,
  zerosLike,
} from "../../runtime/index.ts";
import { expectClose } from "./close.ts";

const integers = arange(4).reshape(2, 2);

const CONSTANTS: readonly (readonly [string, () => Tensor, string, number[], number[]])[] = [
  ["zeros", () => zeros(2, 2), "float32", [2, 2], [0, 0, 0, 0]],
  ["zeros, int32", () => zeros(2, { dtype: "int32" }), "int32", [2], [0, 0]],
  ["ones, bool", () => ones([1, 2], { dtype: "bool" }), "bool", [1, 2], [1, 1]],
  ["empty", () => empty(0, 3), "float32", [0, 3], []],
  ["full", () => full([2], 2.5), "float32", [2], [2.5, 2.5]],
  ["full, uint32", () => full([1], 4e9, { dtype: "uint32" }), "uint32", [1], [4e9]],
  ["zerosLike", () => zerosLike(integers), "int32", [2, 2], [0, 0, 0, 0]],
  ["onesLike", () => onesLike(integers, { dtype: "float32" }), "float32", [2, 2], [1, 1, 1, 1]],
  ["fullLike", () => fullLike(integers, 7), "int32", [2, 2], [7, 7, 7, 7]],
  ["eye", () => eye(2, 3), "float32", [2, 3], [1, 0, 0, 0, 1, 0]],
  ["eye, int32", () => eye(2, 2, { dtype: "int32" }), "int32", [2, 2], [1, 0, 0, 1]],
  ["arange", () => arange(3), "int32", [3], [0, 1, 2]],
  ["arange, float32", () => arange(3, { dtype: "float32" }), "float32", [3], [0, 1, 2]],
  ["arange, backwards", () => arange(3, -2, -2), "int32", [3], [3, 1, -1]],
  ["arange, fractions", () => arange(0, 1, 0.25), "float32", [4], [0, 0.25, 0.5, 0.75]],
  ["arange, none", () => arange(0), "int32", [0], []],
  ["linspace", () => linspace(-1, 1, 5), "float32", [5], [-1, -0.5, 0, 0.5, 1]],
  ["linspace, one", () => linspace(3, 9, 1), "float32", [1], [3]],
  ["linspace, none", () => linspace(3, 9, 0), "float32", [0], []],
];

test.each(CONSTANTS)("%s", async (name, make, dtype, shape, values) => {
  const x = make();
  expect(x.dtype).toBe(dtype);
  expect(x.shape).toEqual(shape);
  expectClose(name, await x.data(), values);
});

test("linspace ends exactly at its end", async () => {
  const values = await linspace(0, 0.7, 1001).data();
  expect(values[0]).toBe(0);
  expect(values[1000]).toBe(Math.fround(0.7));
});

test("requiresGrad is an option of what makes float32", () => {
  for (const make of [zeros, ones]) expect(make(2, { requiresGrad: true }).requiresGrad).toBe(true);
  expect(linspace(0, 1, 3, { requiresGrad: true }).isLeaf).toBe(true);
});

test("sizes and dtypes by PyTorch's names", async () => {
  const x = tensor([[0, 1.75, -1.75]]);
  expect([x.size(), x.size(-1), x.size(0)]).toEqual([[1, 3], 3, 1]);
  expect(() => x.size(2)).toThrow("size: dimension 2 is out of range");
  expect([...(await x.int().data())]).toEqual([0, 1, -1]);
  expect([...(await x.bool().data())]).toEqual([0, 1, 1]);
  expect([x.long().dtype, x.bool().float().dtype]).toEqual(["int32", "float32"]);
});

describe("random choices", () => {
  const COUNT = 20_000;

  /** Shares of the values 0 … n − 1, which must be within five standard errors of the expected ones. */
  async function expectShares(drawn: Tensor, expected: readonly number[]): Promise<void> {
    const values = [...(await drawn.data())];
    for (const [value, share] of expected.entries()) {
      const seen = values.filter(x => x === value).length / values.length;
      const error = Math.sqrt((share * (1 - share)) / values.length);
      expect(Math.abs(seen - share)).toBeLessThanOrEqual(5 * error);
    }
  }

  test("randint", async () => {
    manualSeed(5);
    await expectShares(randint(5, [COUNT]), [0.2, 0.2, 0.2, 0.2, 0.2]);
    await expectShares(randint(-3, 1, [COUNT]).add(3), [0.25, 0.25, 0.25, 0.25, 0]);
    const wide = await randint(-(2 ** 31), 2 ** 31, [1000]).data();
    expect(new Set(wide).size).toBeGreaterThan(990);
    expect(wide.filter(x => x < 0).length / 1000).toBeCloseTo(0.5, 1);
    expect(randint(2, [3], { dtype: "float32" }).dtype).toBe("float32");
  });

  test("randperm", async () => {
    manualSeed(5);
    const order = [...(await randperm(100).data())];
    expect(order.toSorted((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(order).not.toEqual([...(await randperm(100).data())]);
  });

  test("bernoulli", async () => {
    manualSeed(5);
    const probabilities = tensor([0, 0.3, 1]).unsqueeze(1).expand(3, COUNT);
    const drawn = bernoulli(probabilities);
    for (const [row, p] of [0, 0.3, 1].entries())
      await expectShares(drawn.select(0, row), [1 - p, p]);
  });

  test("multinomial", async () => {
    manualSeed(5);
    const weights = tensor([1, 0, 2, 5]);
    const shares = [1 / 8, 0, 2 / 8, 5 / 8];
    await expectShares(multinomial(weights, COUNT, true), shares);
    // Rows are independent; the first of a draw without replacement has the shares of the weights.
    const rows = multinomial(weights.expand(COUNT, 4), 3);
    await expectShares(rows.select(1, 0), shares);
    const drawn = await rows.sort(1).values.slice([0, 100]).data();
    expect([...drawn]).toEqual(Array.from({ length: 100 }, () => [0, 2, 3]).flat());
  });

  test("normal", async () => {
    manualSeed(5);
    const x = normal(tensor([0, 100]).unsqueeze(1), 2, [2, COUNT]);
    const [low = 0, high = 0] = await x.mean(1).data();
    expect(Math.abs(low)).toBeLessThan(0.1);
    expect(Math.abs(high - 100)).toBeLessThan(0.1);
    expect(await x.select(0, 0).std().item()).toBeCloseTo(2, 1);
    expect(randLike(x).shape).toEqual([2, COUNT]);
  });

  test("the same seed makes the same choices", async () => {
    const draw = async () => {
      manualSeed(9);
      return [...(await multinomial(ones(50), 10).data()), ...(await randint(99, [9]).data())];
    };
    expect(await draw()).toEqual(await draw());
  });
});
