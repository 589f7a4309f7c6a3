/** Clipping, accumulation and noise of gradients: against PyTorch's formulas, and as reported. */
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { nn, optim, type Tensor, tensor } from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";
import { watch } from "./watch.ts";

const GRADIENTS = [[3, -4], [12], [0, 0.5, -1]];
const NORM = Math.hypot(...GRADIENTS.flat());

afterEach(() => observe(undefined));

/** Parameters with these gradients. */
function withGradients(gradients: readonly (readonly number[])[] = GRADIENTS): Tensor[] {
  return gradients.map(gradient => {
    const parameter = new nn.Parameter(tensor(gradient.map(() => 1)));
    parameter.grad = tensor([...gradient]);
    return parameter;
  });
}

async function gradientsOf(parameters: readonly Tensor[]): Promise<number[]> {
  const values = await Promise.all(parameters.map(p => required(p.grad).data()));
  return values.flatMap(data => [...data].map(Number));
}

describe("clipGradNorm", () => {
  test.each([
    [2, NORM],
    [1, 20.5],
    [3, (27 + 64 + 1728 + 0.125 + 1) ** (1 / 3)],
    [Number.POSITIVE_INFINITY, 12],
  ])("of the %d-norm", async (normType, norm) => {
    const parameters = withGradients();
    const total = nn.utils.clipGradNorm(parameters, 2.5, normType);
    expectClose("norm", [await total.item()], [norm]);
    const expected = GRADIENTS.flat().map(g => (g * 2.5) / (norm + 1e-6));
    expectClose("gradients", await gradientsOf(parameters), expected);
  });

  test("leaves gradients that are short enough, and parameters without one", async () => {
    const parameters = [...withGradients(), new nn.Parameter(tensor([1]))];
    nn.utils.clipGradNorm(parameters, 100);
    expect(await gradientsOf(parameters.slice(0, -1))).toEqual(GRADIENTS.flat());
    expect(await nn.utils.clipGradNorm([new nn.Parameter(tensor([1]))], 1).item()).toBe(0);
    const [first] = parameters;
    expectClose("one tensor", [await nn.utils.clipGradNorm(required(first), 1).item()], [5]);
  });

  test("finds what an earlier clipping left", async () => {
    const parameters = withGradients();
    const total = nn.utils.clipGradNorm(parameters, 1);
    const second = nn.utils.clipGradNorm(parameters, 0.5);
    expectClose("norms", [await total.item(), await second.item()], [NORM, 1], {
      relative: 1e-5,
      absolute: 0,
    });
  });

  test.each([
    [() => nn.utils.clipGradNorm([], -1), "clipGradNorm: invalid maxNorm: -1"],
    [() => nn.utils.clipGradNorm([], 1, 0), "clipGradNorm: invalid normType: 0"],
    [() => nn.utils.clipGradNorm([], "1" as never), "clipGradNorm: invalid maxNorm: 1"],
    [() => nn.utils.clipGradValue([], Number.NaN), "clipGradValue: invalid clipValue: NaN"],
  ])("refuses what makes no sense %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

test("clipGradValue", async () => {
  const parameters = withGradients();
  nn.utils.clipGradValue(parameters, 0.75);
  expect(await gradientsOf(parameters)).toEqual([0.75, -0.75, 0.75, 0, 0.5, -0.75]);
});

describe("what is reported", () => {
  test("the norm before clipping and after", async () => {
    const watched = watch();
    const parameters = withGradients();
    const optimizer = new optim.SGD(parameters, { lr: 0.1 });
    const clippings = [
      () => nn.utils.clipGradNorm(parameters, 2),
      () => nn.utils.clipGradNorm(parameters, 100),
      () => nn.utils.clipGradValue(parameters, 1),
      () => nn.utils.clipGradNorm(parameters.slice(0, 1), 1, 1),
      () => undefined,
    ];
    for (const clip of clippings) {
      parameters.forEach((parameter, i) => {
        parameter.grad = tensor([...(GRADIENTS[i] ?? [])]);
      });
      clip();
      await optimizer.step();
    }
    await drain();
    const column = (name: "gradNorm" | "clippedGradNorm") =>
      watched.steps.map(step => step.total(name));
    expectClose("before", column("gradNorm"), Array(5).fill(NORM), { relative: 1e-5, absolute: 0 });
    const partly = Math.hypot(3 / 7, 4 / 7, 12, 0.5, 1);
    expectClose(
      "after",
      column("clippedGradNorm"),
      [2, NORM, Math.hypot(1, 1, 1, 0.5, 1), partly, Number.NaN],
      { relative: 1e-5, absolute: 0 },
    );
  });

  test("the host's time of a step by phase, and the memory that is used", async () => {
    const watched = watch();
    const weight = new nn.Parameter(tensor([1, 2]));
    const optimizer = new optim.SGD([weight], { lr: 0.1 });
    const pauses = [
      { forward: 0, step: 0 },
      { forward: 40, step: 0 },
      { forward: 0, step: 40 },
    ];
    for (const { forward, step } of pauses) {
      await setTimeout(forward);
      optimizer.zeroGrad();
      weight.square().sum().backward();
      await setTimeout(step);
      await optimizer.step();
    }
    await drain();
    const [, long, late] = watched.steps;
    const rest = (at: typeof long) =>
      (at?.total("stepMs") ?? 0) -
      (at?.total("forwardMs") ?? 0) -
      (at?.total("backwardMs") ?? 0) -
      (at?.total("waitMs") ?? 0);
    // Timers may be a millisecond early.
    expect(long?.total("forwardMs")).toBeGreaterThan(38);
    expect(late?.total("forwardMs")).toBeLessThan(38);
    expect(rest(late)).toBeGreaterThan(38);
    expect(rest(long)).toBeGreaterThanOrEqual(0);
    expect(long?.total("backwardMs")).toBeGreaterThan(0);
    expect(long?.total("waitMs")).toBeGreaterThanOrEqual(0);
    expect(long?.total("gpuBytes")).toBeGreaterThan(1000);
    expect(long?.total("heapBytes")).toBeGreaterThan(1e6);
    expect(long?.total("samples")).toBeNaN();
  });

  test("micro-batches: their mean loss, how many, and the noise scale", async () => {
    const watched = watch();
    const weights = [new nn.Parameter(tensor([1, 2])), new nn.Parameter(tensor([3]))];
    const optimizer = new optim.SGD(weights, { lr: 0 });
    // Gradients of micro-batches are these numbers: losses are linear.
    const steps = [
      [
        [1, 2, 3],
        [3, 2, 1],
      ],
      [
        [1, 0, 2],
        [2, 0, 2],
        [3, 1, 0],
      ],
      [[1, 1, 1]],
    ];
    for (const microBatches of steps) {
      optimizer.zeroGrad();
      for (const [a = 0, b = 0, c = 0] of microBatches) {
        const [first, second] = weights.map(required);
        required(first)
          .mul(tensor([a, b]))
          .sum()
          .add(required(second).mul(c).sum())
          .div(microBatches.length)
          .backward();
      }
      nn.utils.clipGradNorm(weights, 0.1);
      await optimizer.step();
    }
    await drain();
    const total = (name: Parameters<(typeof watched.steps)[0]["total"]>[0]) =>
      watched.steps.map(step => step.total(name));
    expect(total("microBatches")).toEqual([2, 3, 1]);
    // 14 + 10, 7 + 8 + 5, 6; each divided twice by the number of micro-batches.
    expectClose("loss", total("loss"), [(14 + 10) / 4, (7 + 8 + 5) / 9, 6]);
    expectClose("smallest", total("lossMin"), [10 / 2, 5 / 3, Number.NaN]);
    expectClose("largest", total("lossMax"), [14 / 2, 8 / 3, Number.NaN]);
    const [noise, signal] = [new Mean(), new Mean()];
    const expected = steps.map(gradients => {
      const k = gradients.length;
      if (k === 1) return Number.NaN;
      const sum = [0, 1, 2].map(i => gradients.reduce((s, g) => s + (g[i] ?? 0) / k, 0));
      const sumSquares = sum.reduce((s, x) => s + x * x, 0);
      const squaresSum = gradients.flat().reduce((s, x) => s + (x / k) ** 2, 0);
      const deviations = gradients.flatMap(g => g.map((x, i) => (x - (sum[i] ?? 0)) / k));
      noise.add(deviations.reduce((s, x) => s + x * x, 0) / (k - 1));
      signal.add((sumSquares - squaresSum) / (k * (k - 1)));
      return noise.value / signal.value;
    });
    expectClose("noise scale", total("noiseScale"), expected, { relative: 1e-4, absolute: 0 });
  });
});

class Mean {
  value = 0;

  add(x: number): void {
    this.value = 0.9 * this.value + 0.1 * x;
  }
}

test("a gradient that stays is used again, with what changed in it", async () => {
  const parameters = withGradients([[1, -2]]);
  const parameter = required(parameters[0]);
  const optimizer = new optim.SGD(parameters, { lr: 0.5 });
  await optimizer.step();
  await optimizer.step();
  required(parameter.grad).mul_(2);
  await optimizer.step();
  // 1 − 0.5 · (1 + 1 + 2) and 1 + 0.5 · (2 + 2 + 4)
  expect([...(await parameter.data())]).toEqual([-1, 5]);
});
