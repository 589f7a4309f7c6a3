/** The engine's promises: what is lazy stays right, what repeats costs nothing new. */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { flush, persist } from "../../runtime/graph/graph.ts";
import { takeRecording } from "../../runtime/graph/tape.ts";
import { grad, noGrad } from "../../runtime/tensor/autograd.ts";
import { full, tensor } from "../../runtime/tensor/creation.ts";
import { philox } from "../../runtime/tensor/philox.ts";
import { manualSeed, rand, randn } from "../../runtime/tensor/random.ts";
import { Tensor } from "../../runtime/tensor/tensor.ts";

async function values(t: Tensor): Promise<number[]> {
  return [...(await t.data())];
}

/** A parameter: a leaf with a storage of its own. */
function parameter(data: readonly (readonly number[])[] | readonly number[]): Tensor {
  return new Tensor(persist(tensor(data).node)).requiresGrad_();
}

function change(before: typeof counters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, n]) => [name, n - before[name as keyof typeof before]]),
  );
}

/** One step of gradient descent by hand: forward, loss, backward, step. */
function step(w: Tensor, x: Tensor, rate: number): Tensor {
  const loss = x.matmul(w).tanh().square().mean();
  w.grad = null;
  loss.backward();
  noGrad(() => {
    if (w.grad) w.sub_(w.grad.mul(rate));
  });
  return loss;
}

test("from the third step on nothing is compiled, created or bound", async () => {
  const w = parameter(Array.from({ length: 6 }, (_, i) => [i / 7, 1 - i / 5]));
  for (let i = 0; i < 3; i++) step(w, randn(4, 6), 0.1 / (i + 1));
  const before = { ...counters };
  for (let i = 3; i < 20; i++) step(w, randn(4, 6), 0.1 / (i + 1));
  const { pipelines, buffers, bindGroups, submits } = change(before);
  expect({ pipelines, buffers, bindGroups, submits }).toEqual({
    pipelines: 0,
    buffers: 0,
    bindGroups: 0,
    submits: 17,
  });
});

test("a number that changes compiles nothing", async () => {
  const x = tensor([1, 2, 3]);
  for (let i = 0; i < 3; i++) await x.mul(i).add(i).data();
  const before = { ...counters };
  for (let i = 0; i < 5; i++) {
    expect(await values(x.mul(i).sub(i))).toEqual([0, i, 2 * i]);
    expect(await values(x.mul(i).add(i))).toEqual([2 * i, 3 * i, 4 * i]);
  }
  expect(change(before).pipelines).toBe(1);
});

test("element-wise chains take one kernel, and go with the product before them", async () => {
  const x = parameter([
    [1, -2],
    [3, 4],
  ]).detach();
  const w = parameter([
    [0.5, 1],
    [-1, 2],
  ]).detach();
  const b = parameter([1, -1]).detach();
  const y = x.matmul(w).add(b).relu().mul(2);
  const before = { ...counters };
  expect(await values(y)).toEqual([7, 0, 0, 20]);
  expect(change(before).dispatches).toBe(1);
});

test("a value read after the parameters changed is the old one, or a clear error", async () => {
  const w = parameter([2, 3]);
  const product = w.detach().mul(10);
  const total = product.sum();
  flush();
  noGrad(() => w.mul_(0));
  expect(await total.item()).toBe(50);
  expect(await values(w)).toEqual([0, 0]);

  const stale = w.detach().add(1);
  const used = stale.sum();
  expect(used.shape).toEqual([]);
  flush();
  noGrad(() => w.add_(5));
  expect(() => stale.mul(2)).toThrow(
    /depends on a value that was changed in place since.*keep\(\)/s,
  );
});

test("what a script computed in a step can be used after it", async () => {
  const w = parameter([
    [1, 2],
    [3, 4],
  ]);
  const x = tensor([[1, 1]]);
  const out = x.matmul(w);
  out.square().sum().backward();
  noGrad(() => {
    if (w.grad) w.sub_(w.grad);
  });
  expect(await values(out.argmax(1))).toEqual([1]);
  expect(await values(out)).toEqual([4, 6]);
});

test("a write in place comes after what was recorded before it", async () => {
  const w = parameter([1, 2, 3]);
  const before = w.detach().mul(2);
  noGrad(() => {
    w.add_(10);
    w.mul_(3);
  });
  const after = w.detach().mul(2);
  expect(await values(before.add(after))).toEqual([2 + 66, 4 + 72, 6 + 78]);
});

test("a write that reads other elements of its target reads the old ones", async () => {
  const w = parameter([
    [1, 2],
    [3, 4],
  ]);
  noGrad(() => w.copy_(w.t().add(w.detach().sum())));
  expect(await values(w)).toEqual([11, 13, 12, 14]);
});

test("losses in an array never go stale", async () => {
  const w = parameter([[1], [2]]);
  const losses: Tensor[] = [];
  let total = full([], 0);
  for (let i = 0; i < 10; i++) {
    const loss = step(w, tensor([[i / 10, 0.1]]), 0.01);
    losses.push(loss);
    total = total.add(loss.detach());
  }
  const read = await Promise.all(losses.map(loss => loss.item()));
  expect(new Set(read).size).toBe(10);
  expect(await total.item()).toBeCloseTo(
    read.reduce((sum, v) => sum + v, 0),
    5,
  );
});

test("random numbers repeat with the seed and equal the host's", async () => {
  manualSeed(7);
  const a = await values(rand(9));
  const b = await values(rand(9));
  manualSeed(7);
  expect(await values(rand(9))).toEqual(a);
  expect(b).not.toEqual(a);
  expect(a).toEqual(Array.from({ length: 9 }, (_, i) => philox(i, 7, 0)));
  manualSeed(1);
  const n = randn(40_000);
  expect(await n.mean().item()).toBeCloseTo(0, 1);
  expect(await n.square().mean().item()).toBeCloseTo(1, 1);
});

test("NaN and infinity go through, nothing hides them", async () => {
  const bad = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1]);
  expect(await values(bad.relu())).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 0, 0]);
  expect(await values(bad.tanh())).toEqual([Number.NaN, 1, -1, expect.closeTo(Math.tanh(-1), 6)]);
  expect(await bad.max().item()).toBeNaN();
  expect(await tensor([1, Number.NaN, 5, Number.NaN]).argmax().item()).toBe(1);
  expect(await tensor([1, Number.NaN, -5]).argmin().item()).toBe(1);
  expect(await values(tensor([100, -100]).tanh())).toEqual([1, -1]);
  expect(await values(tensor([0, -1]).log())).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
});

test("second derivatives are right where others get them silently wrong", async () => {
  const x = tensor([0.3, -1.2, 2], { requiresGrad: true });
  const [first] = grad(x.tanh().square().sum(), x, { createGraph: true });
  const [second] = grad(first?.sum() ?? x, x);
  const expected = [0.3, -1.2, 2].map(v => {
    const t = Math.tanh(v);
    return 2 * (1 - t * t) * (1 - 3 * t * t);
  });
  const got = await values(second ?? x);
  expect(got).toEqual(expected.map(v => expect.closeTo(v, 5)));
});

test("autograd refuses as PyTorch does, in its words", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  expect(() => x.mul(2).backward()).toThrow(
    /grad can be implicitly created only for scalar outputs/,
  );
  const loss = x.square().sum();
  loss.backward();
  expect(() => loss.backward()).toThrow(/backward through the graph a second time/);
  expect(() => x.add_(1)).toThrow(/leaf tensor that requires gradients is being changed in place/);
  const used = x.square().sum();
  noGrad(() => x.mul_(2));
  expect(() => used.backward()).toThrow(/modified by an inplace operation/);
  expect(() => tensor([1]).sum().backward()).toThrow(/does not require gradients/);
});

test("shapes are checked at the call, and the message names them", () => {
  const a = tensor([[1, 2]]);
  expect(() => a.matmul(tensor([[1, 2, 3]]))).toThrow(
    "matmul: [1, 2] × [1, 3]: inner sizes 2 and 1 differ",
  );
  expect(() => a.add(tensor([1, 2, 3]))).toThrow("[1, 2] and [3] do not broadcast: sizes 2 and 3");
  expect(randn([8, 4]).reshape([4, 8]).permute([1, 0]).shape).toEqual([8, 4]);
  expect(() => randn(2, -1)).toThrow(
    "randn: sizes must be whole numbers from 0 on, got -1 in [2, -1]",
  );
  expect(() => a.reshape(3)).toThrow("shape [3] is invalid for a tensor of shape [1, 2]");
  expect(() => a.sum(2)).toThrow("dimension 2 is out of range");
  expect(() => tensor([[1], [1, 2]])).toThrow("nested arrays must have equal lengths");
});

test("operations know the line of the loop that they belong to", () => {
  flush();
  const w = parameter([[1], [2]]);
  tensor([[1, 1]])
    .matmul(w)
    .sum()
    .backward();
  const phases = takeRecording().entries.map(({ phase, op }) => `${phase} ${op.kind}`);
  expect(phases.filter(text => text.endsWith("matmul"))).toEqual([
    "forward matmul",
    "backward matmul",
  ]);
});

test("data that comes back in every step is uploaded once", async () => {
  const w = parameter([[1], [2]]);
  const x = tensor([
    [0.5, 1],
    [1, -1],
  ]);
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) losses.push(await step(w, x, 0.1).item());
  expect(x.node.storage?.bound).toBe(true);
  expect(losses).toEqual([...losses].sort((a, b) => b - a));
  expect(await values(x.mul_(2))).toEqual([1, 2, 2, -2]);
});

test("two products that meet in one expression each get their kernel", async () => {
  const a = parameter([
    [1, 2],
    [3, 4],
  ]).detach();
  const b = parameter([
    [0, 1],
    [1, 0],
  ]).detach();
  flush();
  const before = { ...counters };
  expect(await values(a.matmul(b).add(b.matmul(a)).relu())).toEqual([5, 5, 5, 5]);
  expect(change(before).dispatches).toBe(2);
  expect(await values(a.sum(1).mul(a.mean(1)))).toEqual([4.5, 24.5]);
});

test("large temporaries share the arena and keep their values as long as they are read", async () => {
  const n = 160;
  const start = Array.from({ length: n * n }, (_, i) => Math.sin(i));
  const w = Array.from({ length: n * n }, (_, i) => Math.cos(3 * i) / 8);
  const shape = [n, n];
  let h = tensor(Float32Array.from(start), { shape });
  const weight = tensor(Float32Array.from(w), { shape });
  let expected = start;
  for (let layer = 0; layer < 5; layer++) {
    h = h.matmul(weight).tanh().add(h.mul(0.5));
    const x = expected;
    expected = x.map((own, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let k = 0; k < n; k++) sum += (x[row * n + k] ?? 0) * (w[k * n + column] ?? 0);
      return Math.tanh(sum) + own / 2;
    });
  }
  const worst = (await values(h)).reduce(
    (most, v, i) => Math.max(most, Math.abs(v - (expected[i] ?? 0))),
    0,
  );
  expect(worst).toBeLessThan(1e-4);
});
