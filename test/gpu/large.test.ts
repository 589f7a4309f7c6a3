/** Sizes at which an operation is done in parts: the results are those of loops. */
import { expect, test } from "vitest";
import { arange, cat, ones, randint, tensor, zeros } from "../../runtime/index.ts";
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
