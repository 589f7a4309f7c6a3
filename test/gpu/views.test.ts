/** Views share their elements with the tensor that they look at, as in PyTorch: changes in place go both ways. */
import { expect, test } from "vitest";
import { arange, noGrad, ones, type Tensor, tensor, zeros } from "../../runtime/index.ts";

const list = async (x: Tensor) => [...(await x.data())];

/** Views of a matrix [2, 3], and where they look: places in row-major order. */
const VIEWS: Record<string, readonly [(x: Tensor) => Tensor, readonly number[]]> = {
  view: [x => x.view(6), [0, 1, 2, 3, 4, 5]],
  t: [x => x.t(), [0, 3, 1, 4, 2, 5]],
  select: [x => x.select(0, 1), [3, 4, 5]],
  narrow: [x => x.narrow(1, 1, 2), [1, 2, 4, 5]],
  slice: [x => x.slice(null, [0, null, 2]), [0, 2, 3, 5]],
  chunk: [x => x.chunk(2, 1)[1] ?? x, [2, 5]],
  diagonal: [x => x.diagonal(), [0, 4]],
  unsqueeze: [x => x.unsqueeze(0).flatten(), [0, 1, 2, 3, 4, 5]],
  "view of a view": [x => x.t().slice([1]).flatten(), [1, 4, 2, 5]],
};

test.each(Object.entries(VIEWS))("%s", async (_, [look, places]) => {
  for (const dtype of ["float32", "int32"] as const) {
    const x = arange(6, { dtype }).reshape(2, 3).clone();
    const seen = look(x);
    seen.mul_(10);
    const expected = Array.from({ length: 6 }, (_, i) => (places.includes(i) ? 10 * i : i));
    expect(await list(x)).toEqual(expected);
    expect(await list(seen)).toEqual(places.map(i => 10 * i));
    x.add_(1);
    expect(await list(seen)).toEqual(places.map(i => 10 * i + 1));
  }
});

test("two views of one tensor see each other's changes", async () => {
  const x = zeros(4);
  const [left, right] = [x.slice([0, 3]), x.slice([1])];
  left.fill_(1);
  right.add_(1);
  expect(await list(left)).toEqual([1, 2, 2]);
  expect(await list(right)).toEqual([2, 2, 1]);
});

test("copies share nothing", async () => {
  const x = ones(2, 2);
  const copies = [
    x.clone(),
    x.add(0),
    x.flip(0),
    x.repeat(1, 1),
    x.tril(1),
    x.roll(1, 0),
    x.pad([0, 0]),
  ];
  for (const copy of copies) copy.zero_();
  expect(await list(x)).toEqual([1, 1, 1, 1]);
  x.fill_(5);
  for (const copy of copies) expect(await list(copy)).toEqual([0, 0, 0, 0]);
});

test("a part of a parameter is written by way of its view", async () => {
  const bias = zeros(6, { requiresGrad: true });
  noGrad(() => bias.slice([2, 4]).fill_(1));
  expect(await list(bias)).toEqual([0, 0, 1, 1, 0, 0]);
  expect(bias.isLeaf && bias.requiresGrad).toBe(true);
  expect(() => bias.slice([2, 4]).fill_(1)).toThrow("a leaf tensor that requires gradients");
});

test("gradients go through changes of a view, and of what it looks at", async () => {
  const leaf = tensor([1, 2, 3, 4], { requiresGrad: true });
  const y = leaf.mul(1);
  const part = y.slice([1, 3]);
  part.mul_(10);
  y.square_();
  // y = [x₀², 100 x₁², 100 x₂², x₃²]; the part is its middle.
  y.sum().add(part.sum()).backward();
  expect(await list(leaf.grad ?? leaf)).toEqual([2, 800, 1200, 8]);
});

test("a change of the base is a change of what backward() needs of its view", () => {
  const x = ones(4, { requiresGrad: true }).mul(2);
  const squares = x.view(2, 2).square().sum();
  x.add_(1);
  expect(() => squares.backward()).toThrow("modified by an inplace operation");
});

test("leaves that get the same gradient have their own", async () => {
  const [a, b] = [ones(2, { requiresGrad: true }), ones(2, { requiresGrad: true })];
  a.add(b).sum().backward();
  a.grad?.zero_();
  expect(await list(b.grad ?? a)).toEqual([1, 1]);
});

test("what was computed before a change in place keeps its history", async () => {
  const leaf = ones(2, { requiresGrad: true });
  const y = leaf.mul(3);
  const before = y.sum();
  y.mul_(10);
  before.backward({ retainGraph: true });
  expect(await list(leaf.grad ?? y)).toEqual([3, 3]);
  y.sum().backward();
  expect(await list(leaf.grad ?? y)).toEqual([33, 33]);
});
