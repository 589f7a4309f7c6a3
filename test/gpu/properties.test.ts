/**
 * Broadcasting, movement and reductions over random shapes, with sizes 0 and 1 among them and inputs
 * that are not contiguous: values and gradients are those of loops over indices.
 */
import { expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { type Range, type Tensor, tensor, where } from "../../runtime/index.ts";
import { numel, type Shape } from "../../runtime/tensor/shape.ts";
import { randomNumbers } from "../unit/random.ts";
import { expectClose } from "./close.ts";
import { at, build, type HostArray, indices, place } from "./host-array.ts";

const random = randomNumbers(7);
const next = (n: number) => Math.floor(random() * n);
const pick = <T>(items: readonly T[]): T => items[next(items.length)] as T;
const shuffled = (n: number) =>
  Array.from({ length: n }, (_, d) => ({ d, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ d }) => d);

const SIZES = [0, 1, 1, 2, 3, 4, 5];

function randomShape(rank: number): number[] {
  return Array.from({ length: rank }, () => pick(SIZES));
}

/** Multiples of 1/256 in [-1, 1): exact in float32. */
function randomArray(shape: Shape): HostArray {
  return { shape, data: build(shape, () => (next(512) - 256) / 256) };
}

function toTensor({ shape, data }: HostArray): Tensor {
  return tensor(Float32Array.from(data), { shape });
}

/** A leaf whose elements lie in another order, and what brings them into that of the array. */
function scrambled({ shape, data }: HostArray): {
  readonly leaf: Tensor;
  readonly arrange: (stored: Tensor) => Tensor;
} {
  const order = shuffled(shape.length);
  const stored = order.map(d => shape[d] ?? 1);
  const inverse = order.map((_, d) => order.indexOf(d));
  const moved = build(stored, index =>
    at(
      { shape, data },
      inverse.map(d => index[d] ?? 0),
    ),
  );
  const leaf = toTensor({ shape: stored, data: moved }).requiresGrad_();
  return { leaf, arrange: tensor => tensor.permute(...inverse) };
}

async function expectArray(what: string, actual: Tensor, expected: HostArray): Promise<void> {
  expect(actual.shape, what).toEqual(expected.shape);
  expectClose(what, await actual.data(), expected.data);
}

test("operands broadcast in every position, and gradients are summed back", async () => {
  for (let trial = 0; trial < 40; trial++) {
    const shape = randomShape(1 + next(4));
    const part = () => shape.slice(next(shape.length + 1)).map(size => (random() < 0.4 ? 1 : size));
    const [a, b] = [randomArray(part()), randomArray(part())];
    const [left, right] = [toTensor(a).requiresGrad_(), toTensor(b).requiresGrad_()];
    const y = left.mul(right).add(where(left.gt(right), left, right));
    const rank = Math.max(a.shape.length, b.shape.length);
    const size = (s: Shape, d: number) => s[s.length - rank + d] ?? 1;
    const joint = Array.from({ length: rank }, (_, d) =>
      size(a.shape, d) === 1 ? size(b.shape, d) : size(a.shape, d),
    );
    const what = `[${a.shape}] with [${b.shape}]`;
    const data = build(joint, i => at(a, i) * at(b, i) + Math.max(at(a, i), at(b, i)));
    await expectArray(what, y, { shape: joint, data });

    const weight = randomArray(joint);
    y.mul(toTensor(weight)).sum().backward();
    const [gradA, gradB] = [new Float64Array(a.data.length), new Float64Array(b.data.length)];
    for (const i of indices(joint)) {
      const [g, p, q] = [at(weight, i), at(a, i), at(b, i)];
      const [inA, inB] = [place(a.shape, i), place(b.shape, i)];
      gradA[inA] = (gradA[inA] ?? 0) + g * (q + (p > q ? 1 : 0));
      gradB[inB] = (gradB[inB] ?? 0) + g * (p + (p > q ? 0 : 1));
    }
    await expectArray(`${what}: left gradient`, left.grad ?? left, { ...a, data: gradA });
    await expectArray(`${what}: right gradient`, right.grad ?? right, { ...b, data: gradB });
  }
});

/** A movement: the result, its shape, and where an element of it comes from; nowhere makes 0. */
interface Moved {
  readonly name: string;
  readonly y: Tensor;
  readonly shape: Shape;
  readonly source: (index: readonly number[]) => readonly number[] | undefined;
}

const MOVEMENTS: readonly ((x: Tensor) => Moved)[] = [
  x => {
    const ranges = x.shape.map((size): [number, number, number] => [
      next(2 * size + 2) - size,
      next(2 * size + 2) - size,
      1 + next(3),
    ]);
    const bounds = ranges.map(([from, to, step], d) => {
      const size = x.shape[d] ?? 1;
      const cut = (i: number) => Math.min(Math.max(i < 0 ? i + size : i, 0), size);
      return {
        start: cut(from),
        count: Math.max(0, Math.ceil((cut(to) - cut(from)) / step)),
        step,
      };
    });
    return {
      name: `slice ${JSON.stringify(ranges)}`,
      y: x.slice(...(ranges as Range[])),
      shape: bounds.map(({ count }) => count),
      source: index => bounds.map(({ start, step }, d) => start + step * (index[d] ?? 0)),
    };
  },
  x => {
    const dims = shuffled(x.ndim).slice(0, next(x.ndim + 1));
    return {
      name: `flip ${dims}`,
      y: x.flip(dims),
      shape: x.shape,
      source: index => index.map((i, d) => (dims.includes(d) ? (x.shape[d] ?? 1) - 1 - i : i)),
    };
  },
  x => {
    const [dim, shift] = [next(x.ndim), next(9) - 4];
    const size = x.shape[dim] ?? 1;
    return {
      name: `roll ${shift} along ${dim}`,
      y: x.roll(shift, dim),
      shape: x.shape,
      source: index => index.map((i, d) => (d === dim ? (i - shift + 4 * size) % size : i)),
    };
  },
  x => {
    const sizes = x.shape.map(() => next(3));
    return {
      name: `repeat ${sizes}`,
      y: x.repeat(sizes),
      shape: x.shape.map((size, d) => size * (sizes[d] ?? 1)),
      source: index => index.map((i, d) => i % (x.shape[d] ?? 1)),
    };
  },
  x => {
    const [before, after] = [next(4) - 1, next(4) - 1];
    const size = x.shape.at(-1) ?? 1;
    if (size + Math.min(0, before) + Math.min(0, after) < 0) return identity(x);
    return {
      name: `pad ${before} and ${after}`,
      y: x.pad([before, after]),
      shape: x.shape.with(-1, size + before + after),
      source: index => {
        const i = (index.at(-1) ?? 0) - before;
        return i >= 0 && i < size ? index.with(-1, i) : undefined;
      },
    };
  },
  x => {
    const dim = next(x.ndim);
    const at = x.shape[dim] ?? 1;
    const parts = x.split(1 + next(3), dim);
    return {
      name: `split and unbind along ${dim}`,
      y: at === 0 ? x : (parts.at(-1) ?? x),
      shape: at === 0 ? x.shape : (parts.at(-1) ?? x).shape,
      source: index =>
        index.map((i, d) => (d === dim ? i + at - (parts.at(-1)?.shape[dim] ?? 0) : i)),
    };
  },
];

function identity(x: Tensor): Moved {
  return { name: "nothing", y: x, shape: x.shape, source: index => index };
}

test("movements take each element from its place, and gradients go back there", async () => {
  for (let trial = 0; trial < 60; trial++) {
    const array = randomArray(randomShape(1 + next(3)));
    const { leaf, arrange } = scrambled(array);
    const first = pick(MOVEMENTS)(arrange(leaf));
    const last = pick(MOVEMENTS)(first.y);
    const steps = [first, last];
    const source = (index: readonly number[]) =>
      steps.reduceRight<readonly number[] | undefined>((i, step) => i && step.source(i), index);
    const what = `[${array.shape}]: ${steps.map(({ name }) => name).join(", then ")}`;
    const data = build(last.shape, index => {
      const from = source(index);
      return from ? at(array, from) : 0;
    });
    await expectArray(what, last.y, { shape: last.shape, data });

    const weight = randomArray(last.shape);
    last.y.mul(toTensor(weight)).sum().backward();
    const gradient = new Float64Array(array.data.length);
    for (const index of indices(last.shape)) {
      const from = source(index);
      if (!from) continue;
      const i = place(array.shape, from);
      gradient[i] = (gradient[i] ?? 0) + at(weight, index);
    }
    const back = arrange(leaf.grad ?? leaf);
    await expectArray(`${what}: gradient`, back, { ...array, data: gradient });
  }
});

/** A reduction of a list, and its derivative by each element; argmax and the like have none. */
interface Reduction {
  readonly compute: (x: Tensor, dims: number[], keepdim: boolean) => Tensor;
  readonly value: (list: readonly number[]) => number;
  readonly slope?: (list: readonly number[], i: number) => number;
  /** Whether there is a result for no elements. */
  readonly ofNothing: boolean;
}

const sum = (list: readonly number[]) => list.reduce((total, x) => total + x, 0);
const mean = (list: readonly number[]) => sum(list) / list.length;
const variance = (list: readonly number[]) =>
  sum(list.map(x => (x - mean(list)) ** 2)) / list.length;
const ties = (list: readonly number[], extreme: number) => list.filter(x => x === extreme).length;

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  sum: {
    compute: (x, dims, keepdim) => x.sum(dims, keepdim),
    value: sum,
    slope: () => 1,
    ofNothing: true,
  },
  mean: {
    compute: (x, dims, keepdim) => x.mean(dims, keepdim),
    value: mean,
    slope: list => 1 / list.length,
    ofNothing: true,
  },
  var: {
    compute: (x, dims, keepdim) => x.var(dims, { correction: 0, keepdim }),
    value: variance,
    slope: (list, i) => (2 * ((list[i] ?? 0) - mean(list))) / list.length,
    ofNothing: true,
  },
  amax: {
    compute: (x, dims, keepdim) => x.amax(dims, keepdim),
    value: list => Math.max(...list),
    slope: (list, i) => (list[i] === Math.max(...list) ? 1 / ties(list, Math.max(...list)) : 0),
    ofNothing: false,
  },
  norm: {
    compute: (x, dims, keepdim) => x.norm(2, dims, keepdim),
    value: list => Math.hypot(...list),
    slope: (list, i) => (Math.hypot(...list) === 0 ? 0 : (list[i] ?? 0) / Math.hypot(...list)),
    ofNothing: true,
  },
  prod: {
    compute: (x, dims, keepdim) => x.add(1.5).prod(dims, keepdim),
    value: list => list.reduce((product, x) => product * (x + 1.5), 1),
    slope: (list, i) => list.toSpliced(i, 1).reduce((product, x) => product * (x + 1.5), 1),
    ofNothing: true,
  },
  any: {
    compute: (x, dims, keepdim) => x.gt(0.5).any(dims, keepdim),
    value: list => Number(list.some(x => x > 0.5)),
    ofNothing: true,
  },
  all: {
    compute: (x, dims, keepdim) => x.gt(-0.5).all(dims, keepdim),
    value: list => Number(list.every(x => x > -0.5)),
    ofNothing: true,
  },
};

test.each(Object.entries(REDUCTIONS))("%s over any dimensions", async (name, reduction) => {
  for (let trial = 0; trial < 5; trial++) {
    const array = randomArray(randomShape(1 + next(4)));
    const dims = shuffled(array.shape.length).slice(0, 1 + next(array.shape.length));
    const reduced = (index: readonly number[]) => index.map((i, d) => (dims.includes(d) ? 0 : i));
    const inner = array.shape.map((size, d) => (dims.includes(d) ? size : 1));
    if (numel(inner) === 0 && !reduction.ofNothing) continue;
    const kept = array.shape.map((size, d) => (dims.includes(d) ? 1 : size));
    const keepdim = random() < 0.5;
    const shape = keepdim ? kept : kept.filter((_, d) => !dims.includes(d));
    const list = (index: readonly number[]) =>
      indices(inner).map(i =>
        at(
          array,
          i.map((j, d) => j + (reduced(index)[d] ?? 0)),
        ),
      );

    const { leaf, arrange } = scrambled(array);
    const y = reduction.compute(arrange(leaf), dims, keepdim);
    const what = `${name} of [${array.shape}] over [${dims}]`;
    const data = build(kept, index => reduction.value(list(index)));
    await expectArray(what, y, { shape, data });

    const { slope } = reduction;
    if (!slope) continue;
    const weight = randomArray(kept);
    y.mul(toTensor({ shape, data: weight.data }))
      .sum()
      .backward();
    const gradient = build(array.shape, index => {
      const own = place(inner, index);
      return at(weight, reduced(index)) * slope(list(index), own);
    });
    const back = arrange(leaf.grad ?? leaf);
    await expectArray(`${what}: gradient`, back, { ...array, data: gradient });
  }
});

test("products of long factors are those of loops, whatever they are divided into, and their gradients", async () => {
  const lengths = [4096, 4097, 8191, 20_000];
  for (let trial = 0; trial < 8; trial++) {
    const [m, k, n] = [1 + next(18), pick(lengths), 1 + next(18)];
    const batches = pick([[], [1], [2]]);
    const a = randomArray([...batches, m, k]);
    // A factor without batch dimensions belongs to all, another one lies transposed in memory.
    const b = randomArray(next(2) === 0 ? [k, n] : [...batches, k, n]);
    const [left, right] = [scrambled(a), scrambled(b)];
    const y = left.arrange(left.leaf).matmul(right.arrange(right.leaf));
    const product = (index: readonly number[]): number => {
      const [outer, row, column] = [index.slice(0, -2), index.at(-2) ?? 0, index.at(-1) ?? 0];
      const inner = b.shape.length === 2 ? [] : outer;
      let sum = 0;
      for (let j = 0; j < k; j++) sum += at(a, [...outer, row, j]) * at(b, [...inner, j, column]);
      return sum;
    };
    const what = `[${a.shape.join()}] × [${b.shape.join()}]`;
    const shape = [...batches, m, n];
    const expected = build(shape, product);
    // Of sums of products of both signs: what is lost is so much of their size, not of the result's.
    const absolute = 1e-6 * Math.sqrt(k);
    expect(y.shape, what).toEqual(shape);
    expectClose(what, await y.data(), expected, { relative: 1e-5, absolute });

    const weight = randomArray(shape);
    y.mul(toTensor(weight)).sum().backward();
    const slope = build(a.shape, index => {
      const [outer, row, j] = [index.slice(0, -2), index.at(-2) ?? 0, index.at(-1) ?? 0];
      const inner = b.shape.length === 2 ? [] : outer;
      let sum = 0;
      for (let c = 0; c < n; c++) sum += at(weight, [...outer, row, c]) * at(b, [...inner, j, c]);
      return sum;
    });
    const grad = left.leaf.grad;
    if (!grad) throw new Error(`${what}: no gradient`);
    expectClose(`${what}: gradient`, await left.arrange(grad).data(), slope, {
      relative: 1e-5,
      absolute: 1e-6,
    });
  }
});

test("a small result of long factors is divided, and is the same each time", async () => {
  const { dispatches } = counters;
  const [a, b] = [toTensor(randomArray([3, 9001])), toTensor(randomArray([9001, 5]))];
  const first = await a.matmul(b).data();
  expect(counters.dispatches - dispatches).toBe(2);
  expect([...(await a.matmul(b).data())]).toEqual([...first]);
});
