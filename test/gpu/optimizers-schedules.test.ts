/** Every schedule against PyTorch's list of learning rates, and what must not happen on the way. */
import { describe, expect, test } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { nn, optim, tensor, zeros } from "../../runtime/index.ts";
import { readFixture } from "./fixture.ts";

const { lrScheduler } = optim;

/** Class, and options with our names; parts of composites are specifications too. */
type Spec = readonly [string, Readonly<Record<string, unknown>>];

interface Case {
  readonly schedule: Spec;
  readonly optimizer: "SGD" | "Adam";
  /** A row a step, a column a group. */
  readonly rates: readonly (readonly number[])[];
  readonly momenta: readonly (readonly number[])[];
}

const { torch, lr, metrics, cases } = readFixture<{
  lr: readonly number[];
  metrics: readonly number[];
  cases: readonly Case[];
}>("schedules");

const LAMBDAS: Readonly<Record<string, (epoch: number) => number>> = {
  decay: epoch => 0.95 ** epoch,
  inverse: epoch => 1 / (1 + epoch),
  stairs: epoch => 0.5 ** Math.floor(epoch / 30),
};

type Group = { lr: number; momentum?: number; betas?: readonly [number, number] };
type Schedule = InstanceType<typeof lrScheduler.LRScheduler>;

function makeOptimizer(kind: "SGD" | "Adam" = "SGD") {
  const groups = lr.map(rate => ({ params: [new nn.Parameter(zeros([1]))], lr: rate }));
  return kind === "SGD" ? new optim.SGD(groups, { momentum: 0.9 }) : new optim.Adam(groups);
}

function makeSchedule([kind, given]: Spec, optimizer: optim.Optimizer<{ lr: number }>): Schedule {
  const { schedulers, lrLambda, ...rest } = given;
  const parts = (schedulers as Spec[] | undefined)?.map(part => makeSchedule(part, optimizer));
  if (kind === "ChainedScheduler") return new lrScheduler.ChainedScheduler(parts ?? []) as never;
  const named = (name: string) => LAMBDAS[name];
  const options = {
    ...rest,
    ...(parts && { schedulers: parts }),
    ...(lrLambda !== undefined && {
      lrLambda: Array.isArray(lrLambda) ? lrLambda.map(named) : named(lrLambda as string),
    }),
  };
  if (kind === "warmupCosine") return lrScheduler.warmupCosine(optimizer, options as never);
  const Class = lrScheduler[kind as "StepLR"];
  return new Class(optimizer, options as never);
}

function momentum(group: Group): number {
  return group.betas?.[0] ?? group.momentum ?? Number.NaN;
}

function title({ schedule: [kind, options], optimizer }: Case): string {
  return `${optimizer}, ${kind} ${JSON.stringify(options)}`;
}

/** Fails at the first step whose rates differ by more than 1e-12. */
function expectRates(actual: number[][], expected: Case["rates"], from = 0): void {
  const worst = actual.flatMap((row, i) =>
    row.map((rate, group) => Math.abs(rate - (expected[from + i]?.[group] ?? Number.NaN))),
  );
  const at = worst.findIndex(distance => !(distance <= 1e-12));
  const step = Math.floor(at / lr.length);
  expect(at, `step ${step}: ${actual[step]}, not ${expected[from + step]}`).toBe(-1);
}

describe(`200 steps as PyTorch ${torch}`, () => {
  const plain = cases.filter(({ schedule }) => schedule[0] !== "ReduceLROnPlateau");

  test.each(plain.map(each => ({ ...each, title: title(each) })))("$title", each => {
    const optimizer = makeOptimizer(each.optimizer);
    const scheduler = makeSchedule(each.schedule, optimizer);
    const previewed = scheduler.preview(200);
    const rates: number[][] = [];
    const momenta: number[][] = [];
    each.rates.forEach((_, step) => {
      if (step > 0) scheduler.step();
      rates.push(scheduler.getLastLr());
      momenta.push((optimizer.paramGroups as Group[]).map(momentum));
    });
    expectRates(rates, each.rates);
    expectRates(momenta, each.momenta);
    expect(previewed, "preview").toEqual(rates);
  });

  test.each(cases.filter(({ schedule }) => schedule[0] === "ReduceLROnPlateau"))(
    "ReduceLROnPlateau $schedule.1",
    ({ schedule, rates }) => {
      const optimizer = makeOptimizer();
      let scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, schedule[1]);
      const seen = metrics.map((metric, step) => {
        const row = scheduler.getLastLr();
        scheduler.step(metric);
        // Goes on from a state that was written to a file.
        if (step % 50 === 0) {
          const state = JSON.parse(JSON.stringify(scheduler.stateDict()));
          scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, schedule[1]);
          scheduler.loadStateDict(state);
        }
        return row;
      });
      expectRates(seen, rates);
    },
  );

  test.each(plain.map(each => ({ ...each, title: title(each) })))("resumed: $title", each => {
    const optimizer = makeOptimizer(each.optimizer);
    const scheduler = makeSchedule(each.schedule, optimizer);
    for (let step = 0; step < 77; step++) scheduler.step();
    const state = JSON.parse(JSON.stringify(scheduler.stateDict()));
    const resumed = makeOptimizer(each.optimizer);
    const again = makeSchedule(each.schedule, resumed);
    resumed.paramGroups.forEach((group, i) => {
      const { params: _, ...options } = optimizer.paramGroups[i] ?? { params: [] };
      Object.assign(group, options);
    });
    again.loadStateDict(state);
    expectRates(again.preview(123), each.rates, 77);
  });
});

test("a schedule compiles nothing", async () => {
  const weight = new nn.Parameter(tensor([1, 2, 3]));
  const optimizer = new optim.AdamW([weight], { lr: 0.1 });
  const scheduler = new lrScheduler.OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 40 });
  let before = { ...counters };
  for (let step = 0; step < 20; step++) {
    if (step === 4) before = { ...counters };
    optimizer.zeroGrad();
    weight.square().sum().backward();
    await optimizer.step();
    scheduler.step();
  }
  expect(counters.pipelines).toBe(before.pipelines);
  expect(counters.bindGroups).toBe(before.bindGroups);
});

test("a rate that is changed by hand is carried on, and a group added later is left alone", () => {
  const optimizer = new optim.SGD([new nn.Parameter(zeros([1]))], { lr: 1 });
  const scheduler = new lrScheduler.ExponentialLR(optimizer, { gamma: 0.5 });
  scheduler.step();
  const [group] = optimizer.paramGroups;
  if (group) group.lr = 0.1;
  optimizer.addParamGroup({ params: [new nn.Parameter(zeros([1]))], lr: 3 });
  scheduler.step();
  expect(scheduler.getLastLr()).toEqual([0.05, 3]);
});

test("a preview that fails leaves the schedule as it was", () => {
  const optimizer = makeOptimizer();
  const scheduler = new lrScheduler.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 });
  const before = [scheduler.stateDict(), scheduler.getLastLr()];
  expect(() => scheduler.preview(20)).toThrow(
    "Tried to step 12 times. The specified number of total steps is 10",
  );
  expect([scheduler.stateDict(), scheduler.getLastLr()]).toEqual(before);
});

describe("what makes no sense is refused", () => {
  const optimizer = makeOptimizer();
  const step = (of = makeOptimizer()) => new lrScheduler.StepLR(of, { stepSize: 1 });
  const positive = (name: string, got: unknown) =>
    `Expected positive integer ${name}, but got ${got}`;
  test.each<[string, Record<string, unknown>, string]>([
    ["StepLR", { stepSize: 0 }, positive("stepSize", 0)],
    ["StepLR", { stepSize: 1, gamma: "x" }, "Expected a number for gamma, but got x"],
    ["StepLR", { step_size: 3 }, 'StepLR has no option "step_size". Did you mean stepSize?'],
    ["MultiStepLR", { milestones: 3 }, "MultiStepLR: milestones should be epochs, got 3"],
    ["LambdaLR", { lrLambda: 3 }, "LambdaLR: lrLambda should be a function, got 3"],
    ["LambdaLR", { lrLambda: [Math.sqrt] }, "expected 2 values for lrLambda, got 1"],
    [
      "ConstantLR",
      { factor: 1.5 },
      "Constant multiplicative factor expected to be between 0 and 1",
    ],
    [
      "LinearLR",
      { startFactor: 0 },
      "Starting multiplicative factor expected to be between 0 and 1",
    ],
    ["LinearLR", { endFactor: -1 }, "Ending multiplicative factor expected to be between 0 and 1"],
    ["LinearLR", { totalIters: 1.5 }, positive("totalIters", 1.5)],
    ["ExponentialLR", {}, "Expected a number for gamma, but got undefined"],
    ["PolynomialLR", { totalIters: 0 }, positive("totalIters", 0)],
    ["CosineAnnealingLR", { tMax: -1 }, positive("tMax", -1)],
    ["CosineAnnealingWarmRestarts", { t0: 0 }, positive("t0", 0)],
    ["CosineAnnealingWarmRestarts", { t0: 1, tMult: 0 }, "Expected integer tMult >= 1, but got 0"],
    ["OneCycleLR", { maxLr: 1 }, "You must define either totalSteps OR (epochs AND stepsPerEpoch)"],
    ["OneCycleLR", { maxLr: 1, totalSteps: 0 }, positive("totalSteps", 0)],
    ["OneCycleLR", { maxLr: 1, totalSteps: 9, pctStart: 2 }, "Expected number between 0 and 1"],
    ["OneCycleLR", { maxLr: 1, totalSteps: 9, annealStrategy: "x" }, 'one of "cos" or "linear"'],
    ["OneCycleLR", { maxLr: [1], totalSteps: 9 }, "expected 2 values for maxLr, got 1"],
    ["ReduceLROnPlateau", { factor: 1 }, "Factor should be < 1.0, got 1"],
    ["ReduceLROnPlateau", { mode: "x" }, "mode x is unknown!"],
    ["ReduceLROnPlateau", { thresholdMode: "x" }, "threshold mode x is unknown!"],
    [
      "SequentialLR",
      { schedulers: [step(optimizer)], milestones: [3] },
      "one more than the number",
    ],
    [
      "SequentialLR",
      { schedulers: [step(optimizer), step(optimizer)], milestones: [0] },
      "milestones that rise, from 1 on, got 0",
    ],
    [
      "SequentialLR",
      { schedulers: [step(optimizer), step()], milestones: [3] },
      "SequentialLR expects all schedulers to belong to the same optimizer, but the scheduler at " +
        "index 1 belongs to another",
    ],
    ["warmupCosine", { warmupSteps: 5, totalSteps: 5 }, "warmupSteps from 0 to totalSteps − 1 = 4"],
    ["warmupCosine", { warmupSteps: 5, totalSteps: 0 }, positive("totalSteps", 0)],
  ])("%s %o", (kind, options, message) => {
    const make = () =>
      kind === "warmupCosine"
        ? lrScheduler.warmupCosine(optimizer, options as never)
        : new lrScheduler[kind as "StepLR"](optimizer, options as never);
    expect(make).toThrow(message);
  });

  test("other mistakes", () => {
    expect(() => new lrScheduler.ChainedScheduler([])).toThrow("at least one scheduler");
    expect(() => new lrScheduler.ChainedScheduler([step(), step()])).toThrow(
      "ChainedScheduler expects all schedulers to belong to the same optimizer",
    );
    expect(() => new lrScheduler.StepLR("adam" as never, { stepSize: 1 })).toThrow(
      "[object String] is not an Optimizer",
    );
    const plateau = new lrScheduler.ReduceLROnPlateau(optimizer);
    expect(() => plateau.step(tensor(1) as never)).toThrow("Write step(await loss.item())");
  });
});
