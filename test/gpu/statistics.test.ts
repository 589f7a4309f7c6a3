/** Every statistic of every step against the same computed in float64. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { gpu } from "../../runtime/gpu/device.ts";
import { nn, optim, tensor } from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { MultiTensorOptimizer } from "../../runtime/optim/multiTensor.ts";
import type { TensorColumn } from "../../runtime/protocol/steps.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";
import {
  adamStep,
  type ReferenceStatistics,
  type ReferenceTensor,
  referenceTensor,
  sgdStep,
} from "./optimizer-reference.ts";
import { type ObservedStep, type Watch, watch } from "./watch.ts";

const SIZES = [1, 5, 63, 64, 65, 1000, 70_001];
/** None with padding behind it. */
const WHOLE_SIZES = [4, 64, 1000, 65_536, 70_000];
const EXACT = 65_536;
const SAMPLED = 16_384;
const ADAM = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-4, weightDecay: 0.1 } as const;
const SGD = {
  lr: 0.05,
  momentum: 0.9,
  dampening: 0,
  weightDecay: 0.01,
  nesterov: false,
  maximize: false,
} as const;

afterEach(() => observe(undefined));

describe("of tensors of all sizes, over three steps", () => {
  test.each([
    { title: "AdamW", sizes: SIZES },
    { title: "AdamW, all sizes multiples of four", sizes: WHOLE_SIZES },
  ])("$title", ({ sizes }) =>
    compare(
      p => new optim.AdamW(p, ADAM),
      (t, g) => adamStep(t, g, ADAM),
      sizes,
    ),
  );

  test("AdamW, where a workgroup has no more memory than WebGPU grants", async () => {
    // The device has more: what it says is lowered, so that percentiles are taken one after the other.
    const { limits } = gpu.device;
    const said = vi.spyOn(limits, "maxComputeWorkgroupStorageSize", "get").mockReturnValue(16_384);
    try {
      await compare(
        p => new optim.AdamW(p, ADAM),
        (t, g) => adamStep(t, g, ADAM),
      );
      expect(said).toHaveBeenCalled();
    } finally {
      said.mockRestore();
    }
  });

  test.each([
    { title: "SGD", options: { ...SGD, momentum: 0 } },
    { title: "SGD with momentum", options: SGD },
    { title: "SGD with dampening", options: { ...SGD, dampening: 0.3 } },
    { title: "SGD with Nesterov's momentum", options: { ...SGD, nesterov: true } },
    { title: "SGD that maximizes", options: { ...SGD, maximize: true, nesterov: true } },
  ])("$title", ({ options }) =>
    compare(
      p => new optim.SGD(p, options),
      (t, g) => sgdStep(t, g, options),
    ),
  );
});

async function compare(
  makeOptimizer: (parameters: nn.Parameter[]) => optim.Optimizer,
  stepReference: (tensor: ReferenceTensor, gradient: Float32Array) => ReferenceStatistics,
  tensorSizes: readonly number[] = SIZES,
) {
  const random = generator(7);
  const watched = watch();
  const starts = tensorSizes.map(size => normals(size, random, 0.5));
  const parameters = starts.map(start => new nn.Parameter(tensor([...start])));
  const references = starts.map(referenceTensor);
  const optimizer = makeOptimizer(parameters);
  const expected: ReferenceStatistics[][] = [];
  for (let step = 0; step < 3; step++) {
    // Scales differ, a tenth of the elements has no gradient, another tenth a tiny one.
    const gradients = tensorSizes.map((size, i) =>
      normals(size, random, 10 ** (i - 3)).map((x, j) =>
        j % 10 === 3 ? 0 : j % 10 === 7 ? x / 1e6 : x,
      ),
    );
    parameters.forEach((parameter, i) => {
      parameter.grad = tensor([...(gradients[i] ?? [])]);
    });
    expected.push(references.map((r, i) => stepReference(r, gradients[i] ?? new Float32Array())));
    await optimizer.step();
  }
  await drain();

  if (!(optimizer instanceof MultiTensorOptimizer)) throw new Error("It has no arenas");
  // Counted over all optimizers of the process.
  const first = Array.from({ length: 1000 }, (_, i) => i).findIndex(i => optimizer.hasTensor(i));
  for (const [i, size] of tensorSizes.entries()) {
    const { sizes, lr } = required(optimizer.stepSizes(first + i));
    const steps = expected.at(-1)?.[i]?.sizes ?? new Float64Array();
    // Momentum and gradient may nearly cancel in float32.
    const absolute = 1e-6 * steps.reduce((max, x) => Math.max(max, x), 0);
    expect(sizes.shape).toEqual([size]);
    expectClose(
      `steps of ${size} elements`,
      (await sizes.data()).map(x => Number(x) * lr),
      steps,
      {
        relative: 1e-4,
        absolute,
      },
    );
  }
  expect(optimizer.stepSizes(first + tensorSizes.length)).toBeUndefined();

  expect(watched.tensors().map(({ sampled }) => sampled)).toEqual([
    ...tensorSizes.slice(0, -1),
    SAMPLED,
  ]);
  expect(watched.steps).toHaveLength(3);
  watched.steps.forEach((observed, step) => {
    const statistics = expected[step] ?? [];
    tensorSizes.forEach((size, i) => {
      compareColumns(observed, i, size, statistics[i]?.columns ?? {});
    });
    compareTotals(observed, statistics, references, expected.slice(0, step + 1));
  });
  for (const [i, parameter] of parameters.entries()) {
    const { theta = new Float64Array() } = references[i] ?? {};
    const values = await parameter.data();
    const errors = theta.map((x, j) => Math.abs((values[j] ?? Number.NaN) - x));
    const scale = theta.reduce((max, x) => Math.max(max, Math.abs(x)), 1);
    expect(errors.reduce((max, error) => Math.max(max, error)) / scale).toBeLessThan(1e-6);
  }
}

function compareColumns(
  observed: ObservedStep,
  i: number,
  size: number,
  columns: Partial<Record<TensorColumn, number>>,
) {
  for (const [name, expected] of Object.entries(columns) as [TensorColumn, number][]) {
    const what = `${name} of ${size} elements`;
    const actual = observed.tensor(i, name);
    if (Number.isNaN(expected)) {
      expect(actual, what).toBeNaN();
    } else if (name === "signFlips" || name === "epsDominated") {
      // Elements on the border may fall to either side.
      expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(3e-4);
    } else {
      const isPercentile = /P\d+$/.test(name);
      const tolerance = isPercentile ? (size > EXACT ? 0.06 : 0.02) : 1e-4;
      expect(
        Math.abs(actual - expected),
        `${what}: ${actual}, expected ${expected}`,
      ).toBeLessThanOrEqual(tolerance * Math.abs(expected));
    }
  }
}

function compareTotals(
  observed: ObservedStep,
  statistics: readonly ReferenceStatistics[],
  references: readonly ReferenceTensor[],
  history: readonly (readonly ReferenceStatistics[])[],
) {
  const norm = (column: TensorColumn) => Math.hypot(...statistics.map(s => s.columns[column] ?? 0));
  const origin = Math.hypot(...references.flatMap(r => Math.hypot(...chunks(r.origin))));
  const travels = history.map(past => Math.sqrt(sum(past.map(s => s.travelSquares))) / origin);
  const gain = Math.sqrt(
    sum(statistics.map(s => s.gainSquares)) / sum(references.map(r => r.origin.length)),
  );
  const expected = {
    gradNorm: norm("gradNorm"),
    weightNorm: norm("weightNorm"),
    updateNorm: norm("updateNorm"),
    stepToWeight: norm("updateNorm") / norm("weightNorm"),
    travel: Math.max(...travels),
    adamGain: gain === 0 ? Number.NaN : gain,
  };
  for (const [name, value] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const actual = observed.total(name);
    if (Number.isNaN(value)) expect(actual, name).toBeNaN();
    else
      expect(Math.abs(actual / value - 1), `${name}: ${actual}, expected ${value}`).toBeLessThan(
        1e-4,
      );
  }
}

describe("NaN and infinity", () => {
  async function stepWith(...bad: number[]) {
    const watched = watch();
    const healthy = new nn.Parameter(tensor([3, 4]));
    const sick = new nn.Parameter(tensor([1, 2, 3, 4, 5]));
    const optimizer = new optim.Adam([healthy, sick], { lr: 0.1 });
    for (let step = 0; step < 2; step++) {
      healthy.grad = tensor([0.3, 0.4]);
      sick.grad = tensor([...bad, 1, 1, 1, 1, 1].slice(0, 5));
      await optimizer.step();
    }
    await drain();
    return { watched, weights: [...(await sick.data())] };
  }

  test("a NaN in the gradient is counted and shows in every norm that it reaches", async () => {
    const { watched, weights } = await stepWith(Number.NaN);
    const [first, second] = watched.steps;
    expect(first?.tensor(1, "nonFinite")).toBe(1);
    expect(first?.tensor(1, "gradNorm")).toBeNaN();
    expect(first?.tensor(1, "weightNorm")).toBeCloseTo(Math.sqrt(55), 4);
    expect(first?.tensor(1, "updateNorm")).toBeNaN();
    for (const column of ["Min", "P5", "P50", "P95", "Max", "Rms"] as const) {
      expect(first?.tensor(1, `stepSize${column}`), column).toBeNaN();
      expect(first?.tensor(1, `effectiveLr${column}`), column).toBeNaN();
    }
    expect(second?.tensor(1, "weightNorm")).toBeNaN();
    for (const column of ["gradNorm", "updateNorm", "travel", "adamGain"] as const) {
      expect(first?.total(column), column).toBeNaN();
    }
    expect(first?.total("weightNorm")).toBeCloseTo(Math.sqrt(80), 4);
    expect(second?.total("weightNorm")).toBeNaN();
    // The tensor beside it is not touched, nor are the elements beside it.
    expect(first?.tensor(0, "nonFinite")).toBe(0);
    expect(first?.tensor(0, "gradNorm")).toBeCloseTo(0.5, 5);
    expect(weights[0]).toBeNaN();
    expect(weights[1]).toBeCloseTo(1.8, 5);
  });

  test("infinite elements are counted, and the norm is infinite", async () => {
    const { watched, weights } = await stepWith(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const [first] = watched.steps;
    expect(first?.tensor(1, "nonFinite")).toBe(2);
    expect(first?.tensor(1, "gradNorm")).toBe(Number.POSITIVE_INFINITY);
    expect(first?.total("gradNorm")).toBe(Number.POSITIVE_INFINITY);
    // ∞ / √∞² is not a number, as in PyTorch.
    expect(weights.slice(0, 2)).toEqual([Number.NaN, Number.NaN]);
    expect(first?.tensor(1, "updateNorm")).toBeNaN();
  });
});

test("a parameter without gradient is skipped, and its step count does not advance", async () => {
  const watched = watch();
  const [a, b] = [new nn.Parameter(tensor([1, 2])), new nn.Parameter(tensor([3, 4]))];
  const optimizer = new optim.Adam([a, b], { lr: 0.1 });
  const reference = referenceTensor([3, 4]);
  const options = { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 } as const;
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    a.grad = tensor([1, -1]);
    if (step !== 1) {
      b.grad = tensor([step + 1, 1]);
      adamStep(reference, [step + 1, 1], options);
    }
    await optimizer.step();
  }
  await drain();
  const values = await b.data();
  expect(values[0]).toBeCloseTo(reference.theta[0] ?? Number.NaN, 5);
  expect(values[1]).toBeCloseTo(reference.theta[1] ?? Number.NaN, 5);
  const skipped = watched.steps[1];
  expect(skipped?.tensor(1, "gradNorm")).toBeNaN();
  expect(skipped?.tensor(1, "stepSizeMax")).toBeNaN();
  expect(skipped?.tensor(1, "updateNorm")).toBe(0);
  expect(skipped?.tensor(1, "weightNorm")).toBeCloseTo(Math.hypot(2.9, 3.9), 4);
  expect(skipped?.total("gradNorm")).toBeCloseTo(Math.SQRT2, 5);
});

test("every group has its own η, also when it changes while the loop runs", async () => {
  const watched = watch();
  const [a, b] = [new nn.Parameter(tensor([1])), new nn.Parameter(tensor([1]))];
  const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.1 });
  for (let step = 0; step < 2; step++) {
    [a.grad, b.grad] = [tensor([1]), tensor([1])];
    await optimizer.step();
    const [group] = optimizer.paramGroups;
    if (group) group.lr = 0.2;
  }
  await drain();
  const [first, second] = watched.steps;
  expect([first?.lr(0), first?.lr(1), second?.lr(0), second?.lr(1)]).toEqual([0.1, 0.5, 0.2, 0.5]);
  expect(first?.tensor(1, "stepSizeMax")).toBeCloseTo(0.5, 6);
  expect(second?.tensor(0, "effectiveLrP50")).toBeCloseTo(0.2, 6);
  expect(await a.item()).toBeCloseTo(0.7, 6);
  expect(await b.item()).toBeCloseTo(0, 6);
});

test("steps count over all optimizers; a tensor has values where its own optimizer stepped", async () => {
  const watched = watch();
  const [a, b] = [new nn.Parameter(tensor([1])), new nn.Parameter(tensor([1, 1]))];
  const [slow, fast] = [new optim.SGD([a], { lr: 0.1 }), new optim.Adam([b], { lr: 0.3 })];
  for (let step = 0; step < 3; step++) {
    a.grad = tensor([2]);
    await slow.step();
    b.grad = tensor([3, 4]);
    await fast.step();
  }
  await drain();
  const numbers = watched.steps.map(step => step.number);
  expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  expect(watched.tensors().map(({ optimizer }) => optimizer)).toEqual(["SGD", "Adam"]);
  const [, , third, fourth] = watched.steps;
  expect([third?.tensor(0, "gradNorm"), third?.tensor(1, "gradNorm")]).toEqual([2, Number.NaN]);
  expect([fourth?.tensor(0, "gradNorm"), fourth?.tensor(1, "gradNorm")]).toEqual([Number.NaN, 5]);
  expect([third?.total("gradNorm"), fourth?.total("gradNorm")]).toEqual([2, 5]);
  expect([fourth?.lr(0), fourth?.lr(1)]).toEqual([0.1, 0.3]);
});

test("the loss is the mean of what backward() was called on since the last step", async () => {
  const watched = watch();
  const x = new nn.Parameter(tensor([2]));
  const optimizer = new optim.SGD([x], { lr: 0 });
  for (const factors of [[1], [1, 3, 5], []]) {
    optimizer.zeroGrad();
    for (const factor of factors) x.square().sum().mul(factor).backward();
    await optimizer.step();
  }
  await drain();
  const [one, three, none] = watched.steps;
  expect([one?.total("loss"), three?.total("loss")]).toEqual([4, 12]);
  expect(three?.total("gradNorm")).toBe(36);
  expect(none?.total("loss")).toBeNaN();
});

test("from θ₀ = 0 travel is 1 once θ has moved", async () => {
  const watched: Watch = watch();
  const x = new nn.Parameter(tensor([0, 0]));
  const optimizer = new optim.SGD([x], { lr: 0.1 });
  for (const slope of [0, 1]) {
    x.grad = tensor([slope, slope]);
    await optimizer.step();
  }
  await drain();
  expect(watched.steps.map(step => step.total("travel"))).toEqual([0, 1]);
});

/** Uniform numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normal numbers (Box and Muller). */
function normals(count: number, random: () => number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return scale * radius * Math.cos(2 * Math.PI * random());
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** Norms of pieces: spreading 70,000 arguments over a call overflows the stack. */
function chunks(values: Float64Array): number[] {
  const norms: number[] = [];
  for (let i = 0; i < values.length; i += 1000)
    norms.push(Math.hypot(...values.subarray(i, i + 1000)));
  return norms;
}
