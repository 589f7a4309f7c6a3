/** The distributions of random tensors, to five standard errors. */
import { expect, test } from "vitest";
import { manualSeed, rand, randn } from "../../runtime/index.ts";

const COUNT = 100_000;

function moments(values: readonly number[]) {
  const mean = average(values);
  const power = (n: number) => average(values.map(x => (x - mean) ** n));
  return {
    mean,
    variance: power(2),
    skewness: power(3) / power(2) ** 1.5,
    kurtosis: power(4) / power(2) ** 2,
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function expectWithin(actual: number, expected: number, deviation: number): void {
  expect(Math.abs(actual - expected)).toBeLessThan((5 * deviation) / Math.sqrt(COUNT));
}

test("rand is uniform in [0, 1)", async () => {
  manualSeed(11);
  const values = [...(await rand(COUNT).data())];
  expect(values.every(x => x >= 0 && x < 1)).toBe(true);
  const { mean, variance } = moments(values);
  expectWithin(mean, 1 / 2, Math.sqrt(1 / 12));
  expectWithin(variance, 1 / 12, Math.sqrt(1 / 180));
  for (let bin = 0; bin < 10; bin++) {
    const share = values.filter(x => Math.floor(x * 10) === bin).length / COUNT;
    expectWithin(share, 0.1, Math.sqrt(0.09));
  }
});

test("randn is standard normal", async () => {
  manualSeed(11);
  const values = [...(await randn(COUNT).data())];
  const { mean, variance, skewness, kurtosis } = moments(values);
  expectWithin(mean, 0, 1);
  expectWithin(variance, 1, Math.sqrt(2));
  expectWithin(skewness, 0, Math.sqrt(6));
  expectWithin(kurtosis, 3, Math.sqrt(24));
  // Φ(1) and Φ(2)
  for (const [limit, inside] of [
    [1, 0.682689],
    [2, 0.9545],
  ] as const) {
    const share = values.filter(x => Math.abs(x) < limit).length / COUNT;
    expectWithin(share, inside, Math.sqrt(inside * (1 - inside)));
  }
});

test("neighbours, and tensors drawn one after the other, do not correlate", async () => {
  manualSeed(11);
  const [first, second] = [[...(await randn(COUNT).data())], [...(await randn(COUNT).data())]];
  const products = (other: (i: number) => number) => average(first.map((x, i) => x * other(i)));
  for (const lag of [1, 2, 3, 4])
    expectWithin(
      products(i => first[(i + lag) % COUNT] ?? 0),
      0,
      1,
    );
  expectWithin(
    products(i => second[i] ?? 0),
    0,
    1,
  );
});
