/**
 * Random programs: whatever the scheduler fuses, reorders or places in memory, the result is that of
 * a float64 interpreter that does one operation after the other.
 */
import { expect, test } from "vitest";
import { flush, persist } from "../../runtime/graph/graph.ts";
import { noGrad } from "../../runtime/tensor/autograd.ts";
import { tensor } from "../../runtime/tensor/creation.ts";
import { cat } from "../../runtime/tensor/joining.ts";
import { numel, type Shape } from "../../runtime/tensor/shape.ts";
import { Tensor } from "../../runtime/tensor/tensor.ts";
import { randomNumbers } from "../unit/random.ts";
import { at, build, type HostArray } from "./host-array.ts";

/** A value as the engine has it and as the interpreter has it. */
interface Pair extends HostArray {
  readonly tensor: Tensor;
}

function map(x: Pair, tensor: Tensor, f: (x: number) => number): Pair {
  return { tensor, shape: x.shape, data: x.data.map(f) };
}

type Random = (n: number) => number;

const SIZES = [1, 2, 3, 5, 8];

function leaf(next: Random, shape: Shape, isParameter: boolean): Pair {
  const data = Float64Array.from({ length: numel(shape) }, () =>
    Math.fround(next(2001) / 1000 - 1),
  );
  const host = tensor(Float32Array.from(data), { shape });
  return { tensor: isParameter ? new Tensor(persist(host.node)) : host, shape, data };
}

/** A random operation on values that were made before. */
function operation(next: Random, values: readonly Pair[]): Pair {
  const x = values[next(values.length)] as Pair;
  const rank = x.shape.length;
  switch (next(12)) {
    case 0:
      return map(x, x.tensor.mul(0.5).add(0.25), v => v * 0.5 + 0.25);
    case 1:
      return map(x, x.tensor.tanh(), Math.tanh);
    case 2:
      return map(x, x.tensor.relu(), v => Math.max(v, 0));
    case 3:
    case 4: {
      const other = values.find(
        y =>
          y !== x &&
          y.shape.length === rank &&
          y.shape.every((s, d) => s === x.shape[d] || s === 1),
      );
      const y = other ?? x;
      const isSum = next(2) === 0;
      const result = isSum ? x.tensor.add(y.tensor) : x.tensor.mul(y.tensor);
      const data = build(x.shape, i => (isSum ? at(x, i) + at(y, i) : at(x, i) * at(y, i)));
      return { tensor: result, shape: x.shape, data };
    }
    case 5: {
      if (rank < 2) return map(x, x.tensor.neg(), v => -v);
      const dims = x.shape.map((_, d) => (d + 1) % rank);
      const shape = dims.map(d => x.shape[d] ?? 1);
      const data = build(shape, i => {
        const source = new Array<number>(rank);
        dims.forEach((d, k) => {
          source[d] = i[k] ?? 0;
        });
        return at(x, source);
      });
      return { tensor: x.tensor.permute(...dims), shape, data };
    }
    case 6:
      return {
        tensor: x.tensor.reshape(x.tensor.numel, 1),
        shape: [x.tensor.numel, 1],
        data: x.data,
      };
    case 7: {
      const dim = next(Math.max(rank, 1));
      if (rank === 0) return x;
      const shape = x.shape.with(dim, 1);
      const data = build(shape, i => {
        let sum = 0;
        for (let j = 0; j < (x.shape[dim] ?? 1); j++) sum += at(x, i.with(dim, j));
        return sum / (x.shape[dim] ?? 1);
      });
      return { tensor: x.tensor.mean(dim, true), shape, data };
    }
    case 8:
    case 9: {
      if (rank !== 2) return map(x, x.tensor.abs(), Math.abs);
      const [m = 1, k = 1] = x.shape;
      const y = values.find(v => v.shape.length === 2 && v.shape[0] === k) ?? undefined;
      const right: Pair = y ?? {
        tensor: x.tensor.t(),
        shape: [k, m],
        data: build([k, m], ([i = 0, j = 0]) => at(x, [j, i])),
      };
      const n = right.shape[1] ?? 1;
      const data = build([m, n], ([i = 0, j = 0]) => {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += at(x, [i, l]) * at(right, [l, j]);
        return sum / k;
      });
      return { tensor: x.tensor.matmul(right.tensor).div(k), shape: [m, n], data };
    }
    case 10: {
      if (rank === 0) return x;
      const size = x.shape[0] ?? 1;
      const start = next(size);
      const length = 1 + next(size - start);
      const shape = x.shape.with(0, length);
      const data = build(shape, ([i = 0, ...rest]) => at(x, [i + start, ...rest]));
      return { tensor: x.tensor.narrow(0, start, length), shape, data };
    }
    default: {
      if (rank === 0) return x;
      const size = x.shape[0] ?? 1;
      const shape = x.shape.with(0, 2 * size);
      const data = build(shape, ([i = 0, ...rest]) => at(x, [i % size, ...rest]));
      return { tensor: cat([x.tensor, x.tensor]), shape, data };
    }
  }
}

async function expectEqual(pair: Pair, label: string): Promise<void> {
  const data = await pair.tensor.data();
  expect(pair.tensor.shape, label).toEqual(pair.shape);
  pair.data.forEach((expected, i) => {
    const error = Math.abs((data[i] ?? Number.NaN) - expected);
    if (!(error <= 1e-4 * (1 + Math.abs(expected)))) {
      expect.fail(`${label}: element ${i} is ${data[i]}, expected ${expected}`);
    }
  });
}

test("random programs give what doing one thing after the other gives", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomNumbers(seed);
    const next: Random = n => Math.floor(random() * n);
    const size = () => SIZES[next(SIZES.length)] ?? 1;
    const parameters = Array.from({ length: 2 }, () => leaf(next, [size(), size()], true));
    const values: Pair[] = [...parameters, leaf(next, [size(), size()], false)];
    for (let step = 0; step < 25; step++) {
      const value = operation(next, values);
      if (numel(value.shape) <= 200) values.push(value);
      const event = next(16);
      if (event === 0) flush();
      if (event === 1) await expectEqual(value, `seed ${seed}, step ${step}`);
      if (event !== 2) continue;
      // A write in place: what was computed before keeps its value, later uses see the new one.
      const p = next(parameters.length);
      const target = parameters[p] as Pair;
      const fitting = values.find(
        v => v !== target && v.tensor.shape.join() === target.shape.join(),
      );
      if (!fitting) continue;
      // Views alias their parameter and values not yet computed would go stale: both are settled.
      const rest = values.filter(v => !parameters.includes(v));
      await Promise.all(rest.map(v => expectEqual(v, `seed ${seed}, before the write`)));
      values.length = 0;
      noGrad(() => target.tensor.add_(fitting.tensor.detach()));
      const data = target.data.map((v, i) => v + (fitting.data[i] ?? 0));
      parameters[p] = { ...target, data };
      values.push(...parameters);
    }
    for (const [i, value] of values.entries()) await expectEqual(value, `seed ${seed}, value ${i}`);
  }
});
