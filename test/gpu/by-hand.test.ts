/** Steps that a script makes itself are measured through what they change. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test } from "vitest";
import { nn, noGrad, optim, type Tensor, tensor } from "../../runtime/index.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";
import { watch } from "./watch.ts";

const LR = 0.1;
const WEIGHTS = [
  [1, -2, 3],
  [0.5, 4],
];
const TOLERANCE = { relative: 1e-5, absolute: 1e-7 };

afterEach(() => observe(undefined));

/** L = ½ Σ θ²: the gradient of θ is θ. */
function lossOf(parameters: readonly Tensor[]): Tensor {
  return parameters.map(p => p.square().sum().div(2)).reduce((sum, part) => sum.add(part));
}

function descend(parameters: readonly Tensor[]): void {
  for (const p of parameters) p.sub_(required(p.grad).mul(LR));
}

class Descent extends optim.Optimizer<{ readonly lr: number }> {
  override step(): Promise<void> {
    noGrad(() => descend(this.paramGroups.flatMap(({ params }) => params)));
    return this.settled();
  }

  protected override checkOptions(): void {}
}

const ways: Record<string, (parameters: readonly Tensor[]) => () => unknown> = {
  "a loop": parameters => () => noGrad(() => descend(parameters)),
  "one noGrad a parameter": parameters => () => {
    for (const p of parameters) noGrad(() => descend([p]));
  },
  "an optimizer of one's own": parameters => {
    const optimizer = new Descent(parameters, { lr: LR });
    return () => optimizer.step();
  },
  "an asynchronous noGrad": parameters => () =>
    noGrad(async () => {
      await Promise.resolve();
      descend(parameters);
    }),
};

test.each(Object.keys(ways))("%s", async way => {
  const watched = watch();
  const parameters = WEIGHTS.map(values => new nn.Parameter(tensor(values)));
  const step = required(ways[way])(parameters);
  for (let i = 0; i < 3; i++) {
    for (const p of parameters) p.grad = null;
    lossOf(parameters).backward();
    await step();
  }
  await drain();

  expect(watched.steps).toHaveLength(3);
  expect(watched.tensors().map(({ optimizer }) => optimizer)).toEqual(["custom", "custom"]);
  watched.steps.forEach((observed, i) => {
    const shrunk = 0.9 ** i;
    const norms = WEIGHTS.map(values => Math.hypot(...values) * shrunk);
    const norm = Math.hypot(...norms);
    const total = (["loss", "gradNorm", "weightNorm", "updateNorm", "stepToWeight"] as const).map(
      name => observed.total(name),
    );
    expectClose("totals", total, [norm ** 2 / 2, norm, norm, LR * norm, LR], TOLERANCE);
    expectClose("travel", [observed.total("travel")], [1 - 0.9 ** (i + 1)], TOLERANCE);
    WEIGHTS.forEach((values, t) => {
      const sizes = values.map(value => LR * shrunk * Math.abs(value));
      const columns = [
        "gradNorm",
        "updateNorm",
        "stepSizeMin",
        "stepSizeMax",
        "stepSizeRms",
      ] as const;
      expectClose(
        "of a tensor",
        columns.map(name => observed.tensor(t, name)),
        [
          norms[t] ?? 0,
          LR * (norms[t] ?? 0),
          Math.min(...sizes),
          Math.max(...sizes),
          Math.sqrt(sizes.reduce((sum, size) => sum + size ** 2, 0) / sizes.length),
        ],
        TOLERANCE,
      );
      expect(observed.tensor(t, "nonFinite")).toBe(0);
      expect(observed.tensor(t, "effectiveLrRms")).toBeNaN();
    });
  });
});

test("a step of some of the parameters ends with the next backward()", async () => {
  const watched = watch();
  const parameters = WEIGHTS.map(values => new nn.Parameter(tensor(values)));
  const [moving, resting] = [required(parameters[0]), required(parameters[1])];
  for (let i = 0; i < 3; i++) {
    for (const p of parameters) p.grad = null;
    lossOf(parameters).backward();
    noGrad(() => descend([moving]));
    expect(await resting.data()).toEqual(Float32Array.of(0.5, 4));
  }
  await drain();
  const updates = watched.steps.map(step => step.total("updateNorm"));
  const norm = Math.hypot(1, -2, 3);
  expectClose("updates", updates, [LR * norm, LR * 0.9 * norm], TOLERANCE);
});

test("elements of the gradient that are not finite are counted", async () => {
  const watched = watch();
  const p = new nn.Parameter(tensor([1, 2, 3]));
  p.mul(tensor([Number.NaN, 1, Number.POSITIVE_INFINITY]))
    .sum()
    .backward();
  noGrad(() => p.sub_(required(p.grad).mul(LR)));
  await drain();
  expect(watched.steps.at(-1)?.tensor(0, "nonFinite")).toBe(2);
});

test("what a script does beside the step of an optimizer is none of its own", async () => {
  const watched = watch();
  const p = new nn.Parameter(tensor([3, -3]));
  const optimizer = new optim.SGD([p], { lr: LR });
  for (let i = 0; i < 2; i++) {
    optimizer.zeroGrad();
    lossOf([p]).backward();
    if (i > 0) noGrad(() => p.clamp_(-1, 1));
    await optimizer.step();
    noGrad(() => p.clamp_(-2, 2));
  }
  await drain();
  expect(watched.tensors().map(({ optimizer: name }) => name)).toEqual(["SGD"]);
  expect(watched.steps).toHaveLength(2);
});

test("inputs that get a gradient beside an optimizer are not held", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  observe(deafObserver);
  const weight = new nn.Parameter(tensor([1]));
  const optimizer = new optim.SGD([weight], { lr: LR });
  const inputs: WeakRef<Tensor>[] = [];
  for (let step = 0; step < 40; step++) {
    const input = tensor([step], { requiresGrad: true });
    inputs.push(new WeakRef(input));
    optimizer.zeroGrad();
    input.mul(weight).sum().backward();
    await optimizer.step();
  }
  await drain();
  collect();
  expect(inputs.filter(input => input.deref()).length).toBeLessThan(10);
});
