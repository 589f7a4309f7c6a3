/** Starting values, to five standard errors. */
import { describe, expect, test } from "vitest";
import { manualSeed, nn, type Tensor, zeros } from "../../runtime/index.ts";

const { init } = nn;
const [ROWS, COLUMNS] = [60, 250];

async function moments(x: Tensor) {
  const values = Array.from(await x.data());
  const average = (list: number[]) => list.reduce((sum, v) => sum + v, 0) / list.length;
  const mean = average(values);
  const variance = average(values.map(v => (v - mean) ** 2));
  return { values, mean, std: Math.sqrt(variance), limit: Math.max(...values.map(Math.abs)) };
}

const fresh = () => new nn.Parameter(zeros(ROWS, COLUMNS));

describe("uniform", () => {
  test.each<[string, (x: Tensor) => Tensor, number]>([
    ["uniform_", x => init.uniform_(x, -0.5, 0.5), 0.5],
    [
      "xavierUniform_",
      x => init.xavierUniform_(x, { gain: 2 }),
      2 * Math.sqrt(6 / (ROWS + COLUMNS)),
    ],
    ["kaimingUniform_", x => init.kaimingUniform_(x), Math.sqrt(6 / COLUMNS)],
    [
      "kaimingUniform_ backward",
      x => init.kaimingUniform_(x, { a: 1, mode: "fanOut" }),
      Math.sqrt(3 / ROWS),
    ],
  ])("%s", async (_, fill, bound) => {
    manualSeed(2);
    const parameter = fresh();
    expect(fill(parameter)).toBe(parameter);
    const { mean, std, limit, values } = await moments(parameter);
    const error = bound / Math.sqrt(3 * values.length);
    expect(Math.abs(mean)).toBeLessThan(5 * error);
    expect(Math.abs(std / (bound / Math.sqrt(3)) - 1)).toBeLessThan(5 / Math.sqrt(values.length));
    expect(limit).toBeLessThanOrEqual(bound);
    expect(limit).toBeGreaterThan(0.99 * bound);
  });
});

describe("normal", () => {
  test.each<[string, (x: Tensor) => Tensor, number, number]>([
    ["normal_", x => init.normal_(x, 1, 0.5), 1, 0.5],
    ["xavierNormal_", x => init.xavierNormal_(x), 0, Math.sqrt(2 / (ROWS + COLUMNS))],
    [
      "kaimingNormal_",
      x => init.kaimingNormal_(x, { nonlinearity: "relu" }),
      0,
      Math.sqrt(2 / COLUMNS),
    ],
    // The standard normal distribution between ±2 has a standard deviation of 0.87963.
    ["truncNormal_", x => init.truncNormal_(x, 0, 0.5, -1, 1), 0, 0.5 * 0.87963],
  ])("%s", async (_, fill, expected, deviation) => {
    manualSeed(2);
    const { mean, std, values } = await moments(fill(fresh()));
    expect(Math.abs(mean - expected)).toBeLessThan((5 * deviation) / Math.sqrt(values.length));
    expect(Math.abs(std / deviation - 1)).toBeLessThan(5 / Math.sqrt(2 * values.length));
  });

  test("truncNormal_ stays within its range, wherever that is", async () => {
    for (const [low, high] of [
      [-1, 0.5],
      [6, 7],
    ] as const) {
      const { values } = await moments(init.truncNormal_(zeros(2000), 0, 1, low, high));
      expect(values.every(value => value >= low && value <= high)).toBe(true);
    }
  });
});

test("constants", async () => {
  const values = async (x: Tensor) => [...(await x.data())];
  expect(await values(init.constant_(zeros(2), 3))).toEqual([3, 3]);
  expect(await values(init.ones_(zeros(2)))).toEqual([1, 1]);
  expect(await values(init.zeros_(init.ones_(zeros(2))))).toEqual([0, 0]);
  expect(await values(init.eye_(zeros(2, 3)))).toEqual([1, 0, 0, 0, 1, 0]);
  expect(await values(init.eye_(zeros(3, 2)))).toEqual([1, 0, 0, 1, 0, 0]);
});

test.each([[[4, 9]], [[9, 4]], [[5, 5]], [[3, 2, 4]]])("orthogonal_ %j", async shape => {
  const x = init.orthogonal_(zeros(shape), { gain: 2 });
  const matrix = x.reshape(shape[0] ?? 1, -1);
  const [rows = 0, columns = 0] = matrix.shape;
  const product = rows < columns ? matrix.matmul(matrix.t()) : matrix.t().matmul(matrix);
  const n = Math.min(rows, columns);
  const difference = init.eye_(zeros(n, n)).mul(4).sub(product).abs().max();
  expect(await difference.item()).toBeLessThan(1e-5);
});

test("gains are PyTorch's", () => {
  const gain = init.calculateGain;
  expect([gain("linear"), gain("sigmoid"), gain("selu")]).toEqual([1, 1, 0.75]);
  expect(gain("tanh")).toBeCloseTo(5 / 3);
  expect(gain("relu")).toBeCloseTo(Math.SQRT2);
  expect(gain("leakyRelu", 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04));
});

test("layers start as PyTorch's do", async () => {
  manualSeed(4);
  const uniform: [Tensor | undefined, number][] = [
    [new nn.GRU(5, 100).weightHhL0, 0.1],
    [new nn.Bilinear(100, 5, 40).weight, 0.1],
    [new nn.MultiheadAttention(64, 4).inProjWeight, Math.sqrt(6 / 256)],
  ];
  for (const [parameter, bound] of uniform) {
    const { limit } = await moments(parameter ?? zeros(1));
    expect(limit).toBeLessThanOrEqual(bound);
    expect(limit).toBeGreaterThan(0.98 * bound);
  }
  const { mean, std } = await moments(new nn.Embedding(100, 100).weight);
  expect(Math.abs(mean)).toBeLessThan(0.05);
  expect(Math.abs(std - 1)).toBeLessThan(0.04);
  const padded = await new nn.Embedding(3, 2, { paddingIdx: -1 }).weight.data();
  expect([...padded.slice(4)]).toEqual([0, 0]);
  expect(padded.slice(0, 4)).not.toContain(0);
});

describe("refused", () => {
  test.each<[string, () => unknown]>([
    [
      "xavierUniform_: fan in and fan out can not be computed for a tensor with fewer than 2 dimensions, this one has shape [3]",
      () => init.xavierUniform_(zeros(3)),
    ],
    [
      'kaimingNormal_: mode should be "fanIn" or "fanOut", got "fan_in"',
      () => init.kaimingNormal_(zeros(3, 3), { mode: "fan_in" as "fanIn" }),
    ],
    [
      'calculateGain: unsupported nonlinearity "swish"',
      () => init.calculateGain("swish" as "relu"),
    ],
    ["eye_: expects a matrix, got shape [2, 2, 2]", () => init.eye_(zeros(2, 2, 2))],
    ["orthogonal_: needs at least two dimensions", () => init.orthogonal_(zeros(3))],
    [
      "truncNormal_: low should be below high, got 2 and 1",
      () => init.truncNormal_(zeros(3), 0, 1, 2, 1),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
