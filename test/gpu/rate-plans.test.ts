/** What is planned of the learning rates before they are used, and that it is what they then are. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { nn, optim, tensor } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { type PlannedRates, plannedRate } from "../../runtime/protocol/plannedRates.ts";
import { hand } from "./hand.ts";
import { watch } from "./watch.ts";

const { lrScheduler } = optim;
type Stepped = { step(): void };

afterEach(() => {
  setGate(undefined);
  observe(undefined);
});

/** A loop of one parameter in a hand; `groups`: η of each group. */
function loopOf(groups: readonly number[] = [0.1]) {
  const loop = hand();
  const parameters = groups.map(() => new nn.Parameter(tensor([4])));
  const optimizer = new optim.SGD(
    parameters.map((parameter, i) => ({ params: [parameter], lr: groups[i] ?? 0 })),
    { lr: 1, momentum: 0.9 },
  );
  const watched = watch();
  /** Steps with the schedules stepped behind every `every`-th of them. */
  const steps = async (count: number, schedules: readonly Stepped[], every = 1) => {
    for (let i = 1; i <= count; i++) {
      optimizer.zeroGrad();
      for (const parameter of parameters) parameter.square().sum().mul(1e-6).backward();
      await optimizer.step();
      if (i % every === 0) for (const schedule of schedules) schedule.step();
    }
    await drain();
  };
  const measured = (group = 0) => watched.steps.map(step => step.lr(group));
  return { ...loop, optimizer, steps, measured };
}

/** What was planned for the steps `first` to `last`. */
function ratesOf(plan: PlannedRates | undefined, first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) =>
    plan ? plannedRate(plan, first + i) : Number.NaN,
  );
}

/** Fails at the first rate that is off by more than the thousandth that a plan leaves out. */
function expectRates(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const worst = actual.findIndex((rate, i) => {
    const other = expected[i] ?? Number.NaN;
    return !(Math.abs(rate - other) <= 1.001e-3 * Math.abs(other));
  });
  expect(worst, `step ${worst + 1}: ${actual[worst]}, not ${expected[worst]}`).toBe(-1);
}

type Make = (optimizer: optim.SGD) => optim.lrScheduler.LRScheduler<object>;

const KNOWN: readonly (readonly [string, number, Make])[] = [
  [
    "warmupCosine",
    200,
    of => lrScheduler.warmupCosine(of, { warmupSteps: 20, totalSteps: 200, minLr: 1e-5 }),
  ],
  ["OneCycleLR", 150, of => new lrScheduler.OneCycleLR(of, { maxLr: 0.4, totalSteps: 150 })],
  ["CosineAnnealingLR", 60, of => new lrScheduler.CosineAnnealingLR(of, { tMax: 60 })],
  [
    "CosineAnnealingWarmRestarts",
    70,
    of => new lrScheduler.CosineAnnealingWarmRestarts(of, { t0: 10, tMult: 2 }),
  ],
  ["StepLR", 91, of => new lrScheduler.StepLR(of, { stepSize: 30 })],
  ["MultiStepLR", 41, of => new lrScheduler.MultiStepLR(of, { milestones: [10, 40] })],
  ["ConstantLR", 6, of => new lrScheduler.ConstantLR(of)],
  ["LinearLR", 9, of => new lrScheduler.LinearLR(of, { totalIters: 8 })],
  ["ExponentialLR", 45, of => new lrScheduler.ExponentialLR(of, { gamma: 0.9 })],
  ["PolynomialLR", 31, of => new lrScheduler.PolynomialLR(of, { totalIters: 30, power: 2 })],
  [
    "SequentialLR",
    65,
    of =>
      new lrScheduler.SequentialLR(of, {
        schedulers: [
          new lrScheduler.LinearLR(of, { totalIters: 5 }),
          new lrScheduler.CosineAnnealingLR(of, { tMax: 60 }),
        ],
        milestones: [5],
      }),
  ],
  [
    "ChainedScheduler",
    60,
    of =>
      new lrScheduler.ChainedScheduler([
        new lrScheduler.LinearLR(of, { totalIters: 5 }),
        new lrScheduler.CosineAnnealingLR(of, { tMax: 60 }),
      ]),
  ],
];

describe("planned before the first step, and so it comes", () => {
  test.each(KNOWN)("%s, %i steps", async (_, length, make) => {
    const { optimizer, planned, steps, measured } = loopOf([0.1, 0.3]);
    const schedule = make(optimizer);
    const before = planned();
    expect(before.map(({ steps }) => [steps[0], steps.at(-1)])).toEqual([
      [1, length],
      [1, length],
    ]);
    await steps(length, [schedule]);
    for (const group of [0, 1]) expectRates(ratesOf(before[group], 1, length), measured(group));
    const shapes = planned().map(({ steps }) => steps);
    // What goes on for ever is planned further when that is over; all else never changes.
    if (!before[0]?.isOpen) expect(shapes).toEqual(before.map(({ steps }) => steps));
  });

  test("a long one is told by few points", () => {
    const { optimizer, planned } = loopOf();
    lrScheduler.warmupCosine(optimizer, { warmupSteps: 500, totalSteps: 90_000 });
    expect(planned()[0]?.steps.length).toBeLessThan(200);
    expect(planned()[0]?.steps.at(-1)).toBe(90_000);
  });
});

describe("not planned is what nobody knows before", () => {
  class Own extends lrScheduler.StepLR {}
  const lrLambda = vi.fn((epoch: number) => 1 / (1 + epoch));

  test.each<[string, (of: optim.SGD) => unknown]>([
    ["ReduceLROnPlateau", of => new lrScheduler.ReduceLROnPlateau(of)],
    ["LambdaLR", of => new lrScheduler.LambdaLR(of, { lrLambda })],
    ["a class of the script's", of => new Own(of, { stepSize: 2 })],
    [
      "one with such a part",
      of =>
        new lrScheduler.ChainedScheduler([
          new lrScheduler.LambdaLR(of, { lrLambda }),
          new lrScheduler.StepLR(of, { stepSize: 2 }),
        ]),
    ],
    [
      "two beside each other",
      of => {
        new lrScheduler.LinearLR(of);
        new lrScheduler.StepLR(of, { stepSize: 2 });
      },
    ],
    [
      "one beside a plateau",
      of => {
        new lrScheduler.StepLR(of, { stepSize: 2 });
        new lrScheduler.ReduceLROnPlateau(of);
      },
    ],
  ])("%s", (_, make) => {
    const { optimizer, planned } = loopOf();
    lrLambda.mockClear();
    make(optimizer);
    expect(planned()).toEqual([]);
    // A function of the script may count its calls.
    expect(lrLambda.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

test("a schedule that is stepped once an epoch is planned by epochs as soon as one is over", async () => {
  const { optimizer, planned, steps, measured } = loopOf();
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: 6 });
  expect(planned()[0]?.steps.at(-1)).toBe(6);
  await steps(2, []);
  // It has not been stepped behind the first step.
  expect(planned()).toEqual([]);
  await steps(3, []);
  schedule.step();
  await steps(1, []);
  const [known] = planned();
  expect(known?.steps.at(-1)).toBe(30);
  await steps(4, []);
  schedule.step();
  await steps(20, [schedule], 5);
  expectRates(ratesOf(known, 6, 30), measured().slice(5));
  expect(planned()).toEqual([known]);
});

test("what its user changes while it runs is in the plan, or takes its place", async () => {
  const { optimizer, planned, steps, measured, ask } = loopOf();
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: 40 });
  const [before] = planned();
  await steps(5, [schedule]);
  ask({ type: "set", group: 0, name: "lrFactor", value: 0.5 });
  await steps(1, [schedule]);
  const half = planned()[0];
  expect(half?.lr).toEqual(before?.lr.map(lr => lr / 2));
  await steps(4, [schedule]);
  expectRates(ratesOf(half, 7, 10), measured().slice(6));
  ask({ type: "set", group: 0, name: "lr", value: 0.03 });
  await steps(2, [schedule]);
  expect(planned()).toEqual([]);
  ask({ type: "set", group: 0, name: "lr" });
  await steps(2, [schedule]);
  expect(planned()[0]?.lr).toEqual(before?.lr);
  await steps(26, [schedule]);
  expectRates(ratesOf(before, 15, 40), measured().slice(14));
});

test("a rate that the script sets itself is planned from there, and after the fifth time no more", async () => {
  const { optimizer, planned, steps, measured } = loopOf();
  const schedule = new lrScheduler.ExponentialLR(optimizer, { gamma: 0.9 });
  const [group] = optimizer.paramGroups;
  await steps(3, [schedule]);
  if (group) group.lr = 7;
  await steps(1, [schedule]);
  const known = planned()[0];
  expect(known?.steps[0]).toBe(4);
  await steps(6, [schedule]);
  expectRates(ratesOf(known, 4, 10), measured().slice(3));
  for (let time = 2; time <= 5; time++) {
    expect(planned()).toHaveLength(1);
    if (group) group.lr = time;
    await steps(2, [schedule]);
  }
  expect(planned()).toEqual([]);
});

test("it goes back with the loop, and on from a checkpoint", async () => {
  const { optimizer, planned, steps, measured, ask, rewinds } = loopOf();
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: 50 });
  await steps(20, [schedule]);
  ask({ type: "rewind", step: 10 });
  await steps(2, [schedule]);
  // The newest state that is kept before the 11th step.
  const { step: from = 0, to = 0 } = rewinds().at(-1) ?? {};
  expect([from, to <= 10]).toEqual([21, true]);
  const back = planned()[0];
  expect(back?.steps.at(-1)).toBe(50 + from - to);
  await steps(30, [schedule]);
  expectRates(ratesOf(back, 23, 52), measured().slice(22));

  const other = loopOf();
  const resumed = new lrScheduler.CosineAnnealingLR(other.optimizer, { tMax: 50 });
  resumed.loadStateDict({ lastEpoch: 30, baseLrs: [0.1] });
  for (const group of other.optimizer.paramGroups) group.lr = 0.0345;
  await other.steps(1, [resumed]);
  const rest = other.planned()[0];
  expect([rest?.steps[0], rest?.steps.at(-1)]).toEqual([1, 20]);
  await other.steps(19, [resumed]);
  expectRates(ratesOf(rest, 1, 20), other.measured());
});
