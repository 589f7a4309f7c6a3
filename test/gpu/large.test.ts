/** Sizes at which an operation is done in parts: the results are those of loops. */
import { describe, expect, test } from "vitest";
import { arange, cat, grad, ones, randint, stack, tensor, zeros } from "../../runtime/index.ts";
import { randomNumbers } from "../unit/random.ts";
import { expectClose } from "./close.ts";

test("the gradient of a selection among many slices", async () => {
  const [words, size, count] = [6000, 8, 1000];
  const table = ones(words, size, { requiresGrad: true });
  const index = randint(words, [count]);
  const weight = arange(count * size)
    .reshape(count, size)
    .remainder(17)
    .float();
  table.indexSelect(0, index).mul(weight).sum().backward();
  const expected = new Float64Array(words * size);
  const [places, weights] = [await index.data(), await weight.data()];
  places.forEach((place, i) => {
    for (let d = 0; d < size; d++) {
      const at = place * size + d;
      expected[at] = (expected[at] ?? 0) + (weights[i * size + d] ?? 0);
    }
  });
  expectClose("gradient", await (table.grad ?? table).data(), expected);
});

test("more products of matrices in a batch than a kernel has workgroups", async () => {
  const count = 65_537;
  const rows = arange(count).float().reshape(count, 1, 1);
  const y = rows.matmul(tensor([[[1, -1]]]).expand(count, 1, 2));
  expect(y.shape).toEqual([count, 1, 2]);
  expect([...(await y.slice([65_534], 0).data())]).toEqual(
    [65_534, 65_535, 65_536].flatMap(i => [i, -i]),
  );
});

test("running sums of a long row", async () => {
  const next = randomNumbers(3);
  const values = Float32Array.from({ length: 40_000 }, () => next() - 0.25);
  let total = 0;
  const expected = Array.from(values, value => {
    total += value;
    return total;
  });
  expectClose("cumsum", await tensor(values).cumsum(0).data(), expected);
});

test("more tensors joined than a kernel can read", async () => {
  const parts = Array.from({ length: 100 }, (_, i) => arange(3).add(3 * i));
  expect([...(await cat(parts).data())]).toEqual([...Array(300).keys()]);
});

test.each([16, 40])("%i results of the same tensors read by one kernel", async count => {
  const x = arange(600).remainder(7).float().keep();
  const shift = arange(600).remainder(3).float().keep();
  await Promise.all([x.data(), shift.data()]);
  // What they are computed from is little, what they are is much.
  const sums = Array.from({ length: count }, (_, i) => x.mul(i).add(shift).sum());
  const all = cat([stack(sums.slice(0, count / 2)), stack(sums.slice(count / 2))]);
  const [xs, shifts] = [await x.sum().item(), await shift.sum().item()];
  const expected = sums.map((_, i) => i * xs + shifts);
  const mean = expected.reduce((a, b) => a + b) / count;
  expectClose("sums and mean", await cat([all, all.mean().reshape(1)]).data(), [...expected, mean]);
  // The epilogue of a reduction reads many, too.
  const last = x.square().sum();
  const total = sums.reduce((y, each) => y.add(each), last);
  const squares = [...(await x.data())].reduce((sum, value) => sum + value * value, 0);
  expectClose("total", await total.reshape(1).data(), [squares + mean * count]);
});

describe("sums into many places", () => {
  const next = randomNumbers(11);

  test.each([
    { count: 700, size: 600, columns: 2, what: "about one for each place" },
    { count: 5000, size: 100, columns: 3, what: "many for each place" },
    { count: 40_000, size: 8, columns: 1, what: "very many for each place" },
    { count: 90, size: 5000, columns: 2, what: "places that nothing is for" },
  ])("scatterAdd: $what", async ({ count, size, columns }) => {
    const places = Int32Array.from({ length: count * columns }, () => Math.floor(next() * size));
    const values = Float32Array.from({ length: count * columns }, () => next() - 0.3);
    const index = tensor(places, { shape: [count, columns] });
    const source = tensor(values, { shape: [count, columns], requiresGrad: true });
    const y = ones(size, columns).scatterAdd(0, index, source);
    const expected = new Float64Array(size * columns).fill(1);
    places.forEach((place, i) => {
      const at = place * columns + (i % columns);
      expected[at] = (expected[at] ?? 0) + (values[i] ?? 0);
    });
    expectClose("sums", await y.data(), expected);
    // As often as it is computed, bit by bit.
    const again = await ones(size, columns).scatterAdd(0, index, source).data();
    expect([...again]).toEqual([...(await y.data())]);
    y.square().sum().backward();
    const slopes = Float64Array.from(places, (place, i) => {
      return 2 * (expected[place * columns + (i % columns)] ?? 0);
    });
    expectClose("gradient", await (source.grad ?? source).data(), slopes);
  });

  test("scatter: the last of many for a place stays", async () => {
    const [count, size] = [900, 700];
    // Half of the places are named, some many times.
    const places = Int32Array.from({ length: 2 * count }, () => 2 * Math.floor(next() * 350));
    const values = Float32Array.from({ length: 2 * count }, (_, i) => i + 1);
    const source = tensor(values, { shape: [2, count], requiresGrad: true });
    const y = zeros(2, size).scatter(1, tensor(places, { shape: [2, count] }), source);
    const last = new Map<number, number>();
    places.forEach((place, i) => {
      last.set(size * Math.floor(i / count) + place, i);
    });
    const at = (i: number): number => (last.get(i) ?? -1) + 1;
    expect([...(await y.data())]).toEqual(Array.from({ length: 2 * size }, (_, i) => at(i)));
    y.sum().backward();
    const stays = new Set(last.values());
    const slopes = Array.from(places, (_, i) => (stays.has(i) ? 1 : 0));
    expect([...(await (source.grad ?? source).data())]).toEqual(slopes);
  });

  test("along a last dimension whose source is shorter than the tensor elsewhere", async () => {
    const places = Int32Array.from({ length: 800 }, () => Math.floor(next() * 900));
    const index = tensor(places, { shape: [1, 800] });
    const y = zeros(2, 900, { dtype: "int32" }).scatterAdd(
      1,
      index,
      ones(1, 800, { dtype: "int32" }),
    );
    const expected = new Array<number>(1800).fill(0);
    for (const place of places) expected[place] = (expected[place] ?? 0) + 1;
    expect([...(await y.data())]).toEqual(expected);
  });

  test("the gradient of few columns selected by many indices, and its own", async () => {
    const [count, size, columns] = [900, 700, 3];
    const places = Int32Array.from({ length: count }, () => Math.floor(next() * size));
    const x = tensor(
      Float32Array.from({ length: size * columns }, () => next()),
      { shape: [size, columns], requiresGrad: true },
    );
    const y = x.indexSelect(0, tensor(places));
    const [slope = x] = grad(y.pow(3).sum(), [x], { createGraph: true });
    slope.sum().backward();
    const values = await x.data();
    const times = new Float64Array(size);
    for (const place of places) times[place] = (times[place] ?? 0) + 1;
    const at = (i: number): number => times[Math.floor(i / columns)] ?? 0;
    expectClose(
      "first",
      await slope.data(),
      Float64Array.from(values, (v, i) => 3 * v * v * at(i)),
    );
    expectClose(
      "second",
      await (x.grad ?? x).data(),
      Float64Array.from(values, (v, i) => 6 * v * at(i)),
    );
  });
});

test("the order of long rows, and the gradient of what was sorted", async () => {
  const next = randomNumbers(5);
  const size = 1000;
  // Few different values: equal ones keep their order.
  const values = Float32Array.from({ length: 2 * size }, () => Math.floor(next() * 300) - 150);
  const x = tensor(values, { shape: [2, size], requiresGrad: true });
  const weight = arange(2 * size)
    .reshape(2, size)
    .float();
  for (const descending of [false, true]) {
    const sorted = x.sort(1, descending);
    x.grad = null;
    sorted.values.mul(weight).sum().backward();
    const gradient = new Float64Array(2 * size);
    const order = [0, size].flatMap(row => {
      const at = (i: number): number => values[row + i] ?? 0;
      const places = Array.from({ length: size }, (_, i) => i);
      places.sort((a, b) => (descending ? at(b) - at(a) : at(a) - at(b)) || a - b);
      places.forEach((place, i) => {
        gradient[row + place] = row + i;
      });
      return places;
    });
    expect([...(await sorted.indices.data())]).toEqual(order);
    expectClose("values", await sorted.values.data(), await x.gather(1, sorted.indices).data());
    expectClose("gradient", await (x.grad ?? x).data(), gradient);
    const few = x.topk(3, 1, descending).indices;
    expect([...(await few.data())]).toEqual([...order.slice(0, 3), ...order.slice(size, size + 3)]);
  }
  expect(zeros(0, size).sort(1).values.shape).toEqual([0, size]);
});
