/** Loss scaling: a skipped step is as if it had not been, and scale and skips are reported. */
import { afterEach, describe, expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { nn, optim, type Tensor, tensor } from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import type { StepColumn } from "../../runtime/protocol/steps.ts";
import { randomNumbers } from "../unit/random.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";
import { adamStep, referenceTensor } from "./optimizer-reference.ts";
import { watch } from "./watch.ts";

type Make = (params: readonly Tensor[]) => optim.Optimizer<{ lr: number }>;

const makers: Record<string, Make> = {
  SGD: p => new optim.SGD(p, { lr: 0.1 }),
  "SGD momentum": p => new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
  Adam: p => new optim.Adam(p, { lr: 0.1, betas: [0.8, 0.99], weightDecay: 0.1 }),
  "Adam amsgrad": p => new optim.Adam(p, { lr: 0.1, betas: [0, 0.9], amsgrad: true }),
  AdamW: p => new optim.AdamW(p, { lr: 0.1 }),
  RMSprop: p => new optim.RMSprop(p, { lr: 0.1, momentum: 0.5, centered: true }),
  Lion: p => new optim.Lion(p, { lr: 0.1 }),
  // These have to be told by the host.
  NAdam: p => new optim.NAdam(p, { lr: 0.1 }),
  RAdam: p => new optim.RAdam(p, { lr: 0.1 }),
  Adagrad: p => new optim.Adagrad(p, { lr: 0.1, lrDecay: 0.1 }),
};

/** Factors of the loss; some make gradients that are not finite. */
const FACTORS = [Number.POSITIVE_INFINITY, 1, 2, Number.NaN, Number.POSITIVE_INFINITY, 0.5, 3];
const TOLERANCE = { relative: 2e-6, absolute: 1e-7 };

afterEach(() => observe(undefined));

function makeParameters(): Tensor[] {
  return [new nn.Parameter(tensor([[1, -2, 3]])), new nn.Parameter(tensor([0.5, 4]))];
}

function lossOf(parameters: readonly Tensor[], factor: number): Tensor {
  return parameters
    .map(p => p.square().sum().mul(factor))
    .reduce((sum, part) => sum.add(part))
    .add(required(parameters[0]).sum());
}

async function valuesOf(parameters: readonly Tensor[]): Promise<number[]> {
  return (await Promise.all(parameters.map(p => p.data()))).flatMap(data => [...data].map(Number));
}

describe("a skipped step is as if it had not been", () => {
  test.each(Object.keys(makers))("%s", async name => {
    const make = required(makers[name]);
    const [plain, scaled] = [makeParameters(), makeParameters()];
    const [reference, optimizer] = [make(plain), make(scaled)];
    const scaler = new optim.GradScaler({ initScale: 1024 });
    const watched = watch();
    for (const factor of FACTORS) {
      if (Number.isFinite(factor)) {
        reference.zeroGrad();
        lossOf(plain, factor).backward();
        await reference.step();
      }
      optimizer.zeroGrad();
      scaler.scale(lossOf(scaled, factor)).backward();
      await scaler.step(optimizer);
      scaler.update();
    }
    expectClose("parameters", await valuesOf(scaled), await valuesOf(plain), TOLERANCE);
    const taken = optimizer.stateDict().state[0]?.step;
    expect(typeof taken === "object" ? await taken.item() : taken).toBe(4);
    expect(await scaler.getScale().item()).toBe(128);

    await drain();
    const [wanted, seen] = [0, 2].map(first =>
      watched.steps
        .filter(step => step.total("skipped") === 0)
        .filter(step => !Number.isNaN(step.total("lossScale")) === first > 0)
        .map(step => [
          step.total("loss"),
          step.total("updateNorm"),
          ...(["stepSizeRms", "stepSizeMax", "effectiveLrMin", "effectiveLrP50"] as const).map(
            column => step.tensor(first, column),
          ),
        ]),
    );
    expect(seen).toHaveLength(4);
    expectClose("as measured", required(seen).flat(), required(wanted).flat(), {
      relative: 2e-5,
      absolute: 0,
    });
  });
});

test("the scale shrinks, and grows after growthInterval good steps, and both are recorded", async () => {
  const parameters = makeParameters();
  const optimizer = new optim.SGD(parameters, { lr: 0 });
  const scaler = new optim.GradScaler({ initScale: 8, growthInterval: 2, growthFactor: 4 });
  const watched = watch();
  for (const factor of [1, 1, Number.NaN, 1, Number.NaN, 1, 1, 1]) {
    optimizer.zeroGrad();
    scaler.scale(lossOf(parameters, factor)).backward();
    scaler.unscale_(optimizer);
    nn.utils.clipGradNorm(parameters, 1);
    await scaler.step(optimizer);
    scaler.update();
  }
  await drain();
  const total = (column: StepColumn) => watched.steps.map(step => step.total(column));
  expect(total("lossScale")).toEqual([8, 8, 32, 16, 16, 8, 8, 32]);
  expect(total("skipped")).toEqual([0, 0, 1, 0, 1, 0, 0, 0]);
  const norm = Math.hypot(3, -3, 7, 1, 8);
  const none = Number.NaN;
  const tolerance = { relative: 1e-5, absolute: 0 };
  const where = (value: number) => [value, value, none, value, none, value, value, value];
  expectClose("loss", total("loss"), where(32.25), tolerance);
  expectClose("before clipping", total("gradNorm"), where(norm), tolerance);
  expectClose("after clipping", total("clippedGradNorm"), where(1), tolerance);
});

/**
 * The rules of PyTorch's `torch.amp.GradScaler`, by its documentation: the scale shrinks by `backoffFactor`
 * after a step with a gradient that is not finite, which is left out, and grows by `growthFactor` when there
 * were `growthInterval` steps in a row without one.
 */
class ReferenceScaler {
  scale: number;
  readonly #growthInterval: number;
  #good = 0;

  constructor(scale: number, growthInterval: number) {
    this.scale = scale;
    this.#growthInterval = growthInterval;
  }

  /** Whether the step is skipped. */
  step(gradient: readonly number[]): boolean {
    // It is the product with the scale that has to be a number of float32.
    const isFound = gradient.some(g => !Number.isFinite(Math.fround(g * this.scale)));
    this.#good = isFound ? 0 : this.#good + 1;
    if (isFound) this.scale *= 0.5;
    else if (this.#good === this.#growthInterval) {
      this.scale *= 2;
      this.#good = 0;
    }
    return isFound;
  }
}

test("two hundred steps whose scale finds its own limit are those of a reference in float64", async () => {
  const STEPS = 200;
  const options = { lr: 0.01, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 } as const;
  const initScale = 2 ** 112;
  const begin = [1, -2, 3, 0.5];
  const reference = referenceTensor(begin);
  const referenceScaler = new ReferenceScaler(initScale, 5);
  const parameter = new nn.Parameter(tensor(begin));
  const optimizer = new optim.AdamW([parameter], { ...options });
  const scaler = new optim.GradScaler({ initScale, growthInterval: 5 });
  const watched = watch();
  const random = randomNumbers(17);
  const wanted = { scales: [] as number[], skipped: [] as number[] };
  for (let i = 0; i < STEPS; i++) {
    // Up to 2¹²: above a scale of 2¹¹⁶ some are no numbers of float32 any more.
    const gradient = begin.map(() => Math.fround((2 * random() - 1) * 2 ** (12 * random())));
    wanted.scales.push(referenceScaler.scale);
    const isSkipped = referenceScaler.step(gradient);
    wanted.skipped.push(Number(isSkipped));
    if (!isSkipped) adamStep(reference, gradient, options);
    optimizer.zeroGrad();
    scaler.scale(parameter.mul(tensor(gradient)).sum()).backward();
    await scaler.step(optimizer);
    scaler.update();
  }
  await drain();
  const skips = wanted.skipped.reduce((sum, skipped) => sum + skipped, 0);
  expect(skips).toBeGreaterThan(20);
  expect(watched.steps.map(step => step.total("skipped"))).toEqual(wanted.skipped);
  expect(watched.steps.map(step => step.total("lossScale"))).toEqual(wanted.scales);
  expect(await scaler.getScale().item()).toBe(referenceScaler.scale);
  const tolerance = { relative: 1e-5, absolute: 1e-5 };
  expectClose("parameters", await valuesOf([parameter]), [...reference.theta], tolerance);
});

test("a step is one submission, whether it is skipped or not: nothing is read on the way", async () => {
  const parameters = makeParameters();
  const optimizer = new optim.SGD(parameters, { lr: 0 });
  const scaler = new optim.GradScaler({ growthInterval: 2 });
  const step = async (factor: number): Promise<void> => {
    optimizer.zeroGrad();
    scaler.scale(lossOf(parameters, factor)).backward();
    await scaler.step(optimizer);
    scaler.update();
  };
  for (let i = 0; i < 3; i++) await step(1);
  const before = { ...counters };
  for (const factor of [1, Number.NaN, 1, 1]) await step(factor);
  expect(counters.submits - before.submits).toBe(4);
  expect(counters.pipelines - before.pipelines).toBe(0);
});

test("two optimizers share a scale: each skips its own step, and one is enough to shrink it", async () => {
  const [a, b] = makeParameters().map(parameter => [parameter]);
  const [good, bad] = [new optim.SGD(required(a)), new optim.SGD(required(b))];
  const scaler = new optim.GradScaler({ initScale: 4 });
  scaler.scale(lossOf(required(a), 1)).backward();
  scaler.scale(lossOf(required(b), Number.NaN)).backward();
  await scaler.step(good);
  await scaler.step(bad);
  scaler.update();
  expect(await valuesOf(required(a))).not.toEqual([1, -2, 3]);
  expect(await valuesOf(required(b))).toEqual([0.5, 4]);
  expect(await scaler.getScale().item()).toBe(2);
  expect(() => scaler.update()).toThrow("No inf checks were recorded prior to update.");
});

test("state goes on in another scaler", async () => {
  const parameters = makeParameters();
  const optimizer = new optim.SGD(parameters, { lr: 0 });
  const first = new optim.GradScaler({ initScale: 4, growthInterval: 2 });
  let scaler = first;
  for (let i = 0; i < 2; i++) {
    optimizer.zeroGrad();
    scaler.scale(lossOf(parameters, 1)).backward();
    await scaler.step(optimizer);
    scaler.update();
    scaler = new optim.GradScaler({ growthInterval: 2 });
    scaler.loadStateDict(first.stateDict());
  }
  expect(await scaler.getScale().item()).toBe(4);
  scaler.loadStateDict({ scale: 32, _growth_tracker: 1 });
  expect(await scaler.getScale().item()).toBe(32);
});

test("without being enabled it does nothing", async () => {
  const parameters = makeParameters();
  const optimizer = new optim.SGD(parameters, { lr: 0.1 });
  const scaler = new optim.GradScaler({ enabled: false });
  const loss = lossOf(parameters, 1);
  expect(scaler.scale(loss)).toBe(loss);
  loss.backward();
  scaler.unscale_(optimizer);
  await scaler.step(optimizer);
  scaler.update();
  expect(await scaler.getScale().item()).toBe(1);
  expectClose("parameters", await valuesOf(parameters), [0.7, -1.7, 2.3, 0.4, 3.2]);
});

test("what makes no sense is refused", () => {
  const make = (options: object) => () => new optim.GradScaler(options);
  expect(make({ initScale: 0 })).toThrow("GradScaler: initScale should be above 0, got 0");
  expect(make({ growthFactor: 1 })).toThrow("growthFactor should be above 1, got 1");
  expect(make({ backoffFactor: 2 })).toThrow("backoffFactor should be between 0 and 1, got 2");
  expect(make({ growthInterval: 0.5 })).toThrow("growthInterval should be a whole number above 0");
  expect(make({ init_scale: 1 })).toThrow('no option "init_scale". Did you mean initScale?');
  const optimizer = new optim.SGD(makeParameters());
  const scaler = new optim.GradScaler();
  scaler.unscale_(optimizer);
  expect(() => scaler.unscale_(optimizer)).toThrow("unscale_() has already been called");
  void scaler.step(optimizer);
  expect(() => scaler.step(optimizer)).toThrow("step() has already been called since the last");
});
