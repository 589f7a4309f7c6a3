/** Histograms of step sizes, as the GPU counts them, against the sizes themselves, read back. */
import { afterEach, describe, expect, test } from "vitest";
import { nn, optim, tensor } from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import type { MultiTensorOptimizer } from "../../runtime/optim/multiTensor.ts";
import type { StepHistograms } from "../../runtime/protocol/histogram.ts";
import { type Histogram, histogramsOf, wordsOf } from "../../runtime/protocol/histogram.ts";
import { type Watch, watch } from "./watch.ts";

type Measured = MultiTensorOptimizer<{ readonly lr: number }>;

/** The last is sampled. */
const SIZES = [1, 5, 63, 1000, 65_536, 70_001];
const SAMPLED = 16_384;
const OCTAVES = 48;

afterEach(() => observe(undefined));

/** The biased exponent of a float32, less the bias. */
function octaveOf(value: number): number {
  return ((new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0) >>> 23) - 127;
}

/** Values by octave; those further down than the GPU tells apart are in the lowest. */
function counted(values: Float32Array): Map<number, number> {
  const octaves = [...values].map(octaveOf);
  const lowest = octaves.reduce((a, b) => Math.max(a, b)) - (OCTAVES - 1);
  const counts = new Map<number, number>();
  for (const octave of octaves) {
    const at = Math.max(octave, lowest);
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return counts;
}

function countsOf({ lowest, counts }: Histogram): Map<number, number> {
  return new Map(
    [...counts].map((count, i) => [lowest + i, count] as const).filter(each => each[1] > 0),
  );
}

/** The histogram of a tensor in one step; undefined if there is none. */
function histogramOf({ step, words }: StepHistograms, index: number): Histogram | undefined {
  const steps = Float64Array.of(step);
  const [found] = histogramsOf({ tensor: index, steps, words: wordsOf(words, index) });
  return found && found.counts.length > 0 ? found : undefined;
}

/** Tensors whose gradients span 40 decades, with zeros among them. */
function make(optimizer: (parameters: nn.Parameter[]) => optim.Optimizer) {
  const parameters = SIZES.map(
    size => new nn.Parameter(tensor(Array.from({ length: size }, () => 1))),
  );
  const gradients = SIZES.map((size, k) =>
    Array.from({ length: size }, (_, i) =>
      i % 11 === 3 ? 0 : (i % 2 ? 1 : -1) * 10 ** (((i * 7919 + k) % 4000) / 100 - 30),
    ),
  );
  const made = optimizer(parameters);
  return async (scale: number) => {
    parameters.forEach((parameter, i) => {
      parameter.grad = tensor(gradients[i]?.map(value => value * scale) ?? []);
    });
    await made.step();
    return made as unknown as Measured;
  };
}

async function last({ histograms }: Watch): Promise<StepHistograms> {
  await drain();
  const found = histograms.at(-1);
  if (!found) throw new Error("No histogram came");
  return found;
}

describe("counts are those of the sizes that are read back", () => {
  test.each([
    { name: "AdamW", optimizer: (p: nn.Parameter[]) => new optim.AdamW(p, { lr: 3e-3 }) },
    {
      name: "SGD with momentum",
      optimizer: (p: nn.Parameter[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 }),
    },
    { name: "Lion", optimizer: (p: nn.Parameter[]) => new optim.Lion(p, { lr: 1e-4 }) },
  ])("$name", async ({ optimizer }) => {
    const watched = watch();
    const step = make(optimizer);
    for (const scale of [1, 0.25, 1e-3]) {
      const made = await step(scale);
      const histograms = await last(watched);
      const first = firstTensor(watched, made);
      for (const [i, size] of SIZES.entries()) {
        const found = histogramOf(histograms, first + i);
        const sizes = made.stepSizes(first + i);
        if (!found || !sizes) throw new Error(`There is nothing of tensor ${i}`);
        expect(found.lr).toBe(Math.fround(sizes.lr));
        const values = Float32Array.from(await sizes.sizes.data(), Number);
        const counts = countsOf(found);
        if (size <= 65_536) expect(counts, `${size} elements`).toEqual(counted(values));
        else expectSample(counts, counted(values), size);
      }
    }
  });
});

/** A sample has so many values, in octaves that all of them have, and in about the same shares. */
function expectSample(sample: Map<number, number>, all: Map<number, number>, size: number) {
  expect([...sample.values()].reduce((a, b) => a + b)).toBe(SAMPLED);
  for (const [octave, count] of sample) {
    const share = (all.get(octave) ?? 0) / size;
    // Five standard errors of a simple sample, which a stratified one has at most.
    const error = 5 * Math.sqrt((share * (1 - share)) / SAMPLED);
    expect(Math.abs(count / SAMPLED - share)).toBeLessThanOrEqual(error);
    expect(share).toBeGreaterThan(0);
  }
}

/** Place of the optimizer's first tensor among those of the process. */
function firstTensor(watched: Watch, optimizer: Measured): number {
  for (let i = 0; i < 10_000; i++) if (optimizer.hasTensor(i)) return i;
  throw new Error(`${watched.tensors().length} tensors, and none of the optimizer's`);
}

test("a tensor without gradient, or with one that is not finite, has none in that step", async () => {
  const watched = watch();
  const [a, b, c] = [1, 2, 3].map(size => new nn.Parameter(tensor(Array(size).fill(1))));
  if (!a || !b || !c) throw new Error("There are three");
  const optimizer = new optim.SGD([a, b, c], { lr: 0.5 });
  a.grad = tensor([-0.75]);
  c.grad = tensor([1, Number.NaN, 2]);
  await optimizer.step();
  const histograms = await last(watched);
  const first = firstTensor(watched, optimizer as unknown as Measured);
  const [ofA, ofB, ofC] = [0, 1, 2].map(i => histogramOf(histograms, first + i));
  expect(ofA && [ofA.lr, ofA.lowest, [...ofA.counts]]).toEqual([0.5, -1, [1]]);
  expect([ofB, ofC]).toEqual([undefined, undefined]);
});

test("every step leaves one at first, then every other, and so on", async () => {
  const watched = watch();
  const parameter = new nn.Parameter(tensor([1, 2]));
  const optimizer = new optim.SGD([parameter], { lr: 1e-3 });
  parameter.grad = tensor([1, 1]);
  for (let step = 0; step < 1300; step++) await optimizer.step();
  await drain();
  const steps = watched.histograms.map(({ step }) => step);
  const from = steps[0] ?? 0;
  const expected = Array.from({ length: 1300 }, (_, i) => i).filter(
    i => i < 512 || (i < 1024 ? i % 2 === 0 : i % 4 === 0),
  );
  expect(steps.map(step => step - from)).toEqual(expected);
});
