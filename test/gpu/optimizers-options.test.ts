/** Ten steps of every optimizer with its options in pairs, against PyTorch, and its state dict. */
import { afterEach, describe, expect, test } from "vitest";
import { linspace, nn, noGrad, optim, type Tensor, tensor, zeros } from "../../runtime/index.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import type { TensorColumn } from "../../runtime/protocol/steps.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";
import { quantile, sumOfSquares } from "./optimizer-reference.ts";
import { watch } from "./watch.ts";

const CLASSES = {
  SGD: optim.SGD,
  Adam: optim.Adam,
  AdamW: optim.AdamW,
  NAdam: optim.NAdam,
  RAdam: optim.RAdam,
  Adagrad: optim.Adagrad,
  RMSprop: optim.RMSprop,
  Lion: optim.Lion,
  Muon: optim.Muon,
} as const;

type Kind = keyof typeof CLASSES;
type Options = Readonly<Record<string, unknown>>;
type Params = ConstructorParameters<typeof optim.SGD>[0];

interface After {
  readonly params: readonly Encoded[];
  /** By PyTorch's names, a record a parameter. */
  readonly state: readonly Readonly<Record<string, Encoded | number>>[];
}

interface Run {
  readonly problem: string;
  readonly optimizer: Kind;
  readonly options: Options;
  readonly after1: After;
  readonly after10: After;
}

const { torch, problems, runs } = readFixture<{
  problems: Readonly<Record<string, { start: Encoded[]; targets: Encoded[] }>>;
  runs: readonly Run[];
}>("optimizer-options");

const TOLERANCE = { relative: 1e-5, absolute: 1e-6 };

afterEach(() => observe(undefined));

function make(kind: Kind, params: Params, options: Options = {}): optim.Optimizer<{ lr: number }> {
  return new (CLASSES[kind] as typeof optim.SGD)(params, options);
}

/** The loss of test/fixtures/optimizers.py. */
function lossOf(params: readonly Tensor[], targets: readonly Tensor[]): Tensor {
  return params
    .map((p, i) => {
      const target = required(targets[i]);
      const scale = linspace(0.5, 2, p.numel)
        .reshape(...p.shape)
        .mul(i + 1);
      return scale.mul(p.sub(target).square()).sum().add(p.mul(target).sin().sum());
    })
    .reduce((sum, term) => sum.add(term));
}

function problemOf({ problem }: Pick<Run, "problem">) {
  const { start, targets } = required(problems[problem]);
  const params = start.map(encoded => new nn.Parameter(decode(encoded)));
  return { params, targets: targets.map(encoded => decode(encoded)) };
}

async function train(
  optimizer: optim.Optimizer<{ lr: number }>,
  { params, targets }: ReturnType<typeof problemOf>,
  steps: number,
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    lossOf(params, targets).backward();
    await optimizer.step();
  }
}

async function compare(
  params: readonly Tensor[],
  optimizer: optim.Optimizer<{ lr: number }>,
  after: After,
): Promise<void> {
  const { state } = optimizer.stateDict();
  for (const [i, parameter] of params.entries()) {
    const expected = required(after.params[i]).data.map(numeric);
    expectClose(`parameter ${i}`, await parameter.data(), expected, TOLERANCE);
    for (const [name, value] of Object.entries(required(after.state[i]))) {
      const actual = required(state[i]?.[name]);
      const numbers = typeof actual === "number" ? [actual] : await actual.data();
      const wanted = typeof value === "number" ? [value] : value.data.map(numeric);
      expectClose(`${name} of parameter ${i}`, numbers, wanted, TOLERANCE);
    }
  }
}

describe(`PyTorch ${torch}`, () => {
  test.each(runs.map(run => ({ ...run, title: JSON.stringify(run.options) })))(
    "$optimizer $title",
    async run => {
      const problem = problemOf(run);
      const optimizer = make(run.optimizer, problem.params, run.options);
      await train(optimizer, problem, 1);
      await compare(problem.params, optimizer, run.after1);
      // The other nine steps by an optimizer that went on from the state, as a file holds it.
      const resumed = make(run.optimizer, problem.params);
      resumed.loadStateDict(optimizer.stateDict());
      await train(resumed, problem, 9);
      await compare(problem.params, resumed, run.after10);
    },
  );
});

describe("what is reported is what was done", () => {
  const cases: [Kind, Options][] = [
    ["SGD", { momentum: 0.9, nesterov: true, weightDecay: 0.1 }],
    ["Adam", { weightDecay: 0.1 }],
    ["Adam", { amsgrad: true, betas: [0.5, 0.5] }],
    ["AdamW", { amsgrad: true, weightDecay: 0.1 }],
    ["NAdam", { weightDecay: 0.1 }],
    ["NAdam", { weightDecay: 0.1, decoupledWeightDecay: true }],
    ["RAdam", { betas: [0.9, 0.7] }],
    ["Adagrad", { weightDecay: 0.1, lrDecay: 0.5 }],
    ["RMSprop", { weightDecay: 0.1 }],
    ["RMSprop", { momentum: 0.9, centered: true, weightDecay: 0.1 }],
    ["Lion", { weightDecay: 0.1 }],
    ["Muon", { weightDecay: 0.1 }],
  ];

  test.each(cases)("%s %o", async (kind, options) => {
    const watched = watch();
    const shapes = [
      [70, 61],
      [5, 3],
    ];
    const params = shapes.map(([rows = 1, columns = 1], i) => {
      const wave = linspace(-9, 20, rows * columns).add(i);
      return new nn.Parameter(wave.sin().reshape(rows, columns));
    });
    const targets = params.map(parameter => parameter.detach().mul(7).cos());
    const lr = 0.02;
    const optimizer = make(kind, params, { lr, ...options });
    const moved: { before: Float32Array; after: Float32Array }[][] = [];
    for (let step = 0; step < 8; step++) {
      const before = await valuesOf(params);
      await train(optimizer, { params, targets }, 1);
      const after = await valuesOf(params);
      moved.push(before.map((b, i) => ({ before: b, after: required(after[i]) })));
    }
    await drain();
    const decoupled = kind === "Lion" || kind === "Muon" || kind === "AdamW";
    const isDecoupled = decoupled || options.decoupledWeightDecay === true;
    const decay = isDecoupled ? lr * 0.1 : 0;
    for (const [step, tensors] of moved.entries()) {
      const observed = required(watched.steps[step]);
      for (const [i, { before, after }] of tensors.entries()) {
        const update = Float64Array.from(after, (x, j) => x - (before[j] ?? 0));
        const size = update.map((x, j) => Math.abs(x + decay * (before[j] ?? 0)));
        const check = (column: TensorColumn, expected: number, relative: number) =>
          expectClose(
            `${column} of ${i} in step ${step}`,
            [observed.tensor(i, column)],
            [expected],
            {
              relative,
              // θ after less θ before loses the digits that θ has.
              absolute: 3e-7,
            },
          );
        check("updateNorm", Math.sqrt(sumOfSquares(update)), 1e-4);
        check("stepSizeRms", Math.sqrt(sumOfSquares(size) / size.length), 1e-4);
        check("stepSizeMin", quantile(size, 0), 1e-4);
        check("stepSizeMax", quantile(size, 1), 1e-4);
        check("stepSizeP5", quantile(size, 0.05), 0.02);
        check("stepSizeP50", quantile(size, 0.5), 0.02);
        check("stepSizeP95", quantile(size, 0.95), 0.02);
      }
    }
  });

  async function valuesOf(params: readonly Tensor[]): Promise<Float32Array[]> {
    return Promise.all(params.map(async p => Float32Array.from(await p.data())));
  }

  test("the effective learning rate is what the docstring says", async () => {
    const watched = watch();
    const gradient = [1, -2, 0.5, 3];
    const rates: Record<string, { make: () => optim.Optimizer; rate: (g: number) => number }> = {
      adagrad: {
        make: () => new optim.Adagrad(param(), { initialAccumulatorValue: 0.25, eps: 0.1 }),
        rate: g => 0.01 / (Math.sqrt(0.25 + g * g) + 0.1),
      },
      rmsprop: {
        make: () => new optim.RMSprop(param(), { alpha: 0.75, eps: 0.1 }),
        rate: g => 0.01 / (Math.sqrt(0.25 * g * g) + 0.1),
      },
      centered: {
        make: () => new optim.RMSprop(param(), { alpha: 0.75, eps: 0.1, centered: true }),
        rate: g => 0.01 / (Math.sqrt(0.25 * g * g - (0.25 * g) ** 2) + 0.1),
      },
      nadam: { make: () => new optim.NAdam(param()), rate: g => 2e-3 / (Math.abs(g) + 1e-8) },
      radam: { make: () => new optim.RAdam(param()), rate: () => 1e-3 },
      lion: { make: () => new optim.Lion(param()), rate: () => 1e-4 },
      muon: { make: () => new optim.Muon(param()), rate: () => 1e-3 * Math.SQRT2 ** 2 },
    };
    function param(): Tensor[] {
      const parameter = new nn.Parameter(zeros([4, 1]));
      parameter.grad = tensor(gradient.map(x => [x]));
      return [parameter];
    }
    for (const { make } of Object.values(rates)) await make().step();
    await drain();
    for (const [i, [name, { rate }]] of Object.entries(rates).entries()) {
      const observed = required(watched.steps[i]);
      const expected = Float64Array.from(gradient, rate);
      for (const [column, share] of [
        ["effectiveLrMin", 0],
        ["effectiveLrP50", 0.5],
        ["effectiveLrMax", 1],
      ] as const) {
        const relative = share === 0.5 ? 0.02 : 1e-5;
        const tolerance = { relative, absolute: 0 };
        const wanted = [quantile(expected, share)];
        expectClose(`${name} ${column}`, [observed.tensor(i, column)], wanted, tolerance);
      }
    }
  });
});

describe("groups, closures and states", () => {
  test("groups have their own options, also where only one uses a state", async () => {
    const both = problemOf({ problem: "matrices" });
    const first = required(both.params[0]);
    const [plain, amsgrad] = [both.params.slice(1), [first]];
    const optimizer = new optim.Adam(
      [
        { params: plain, lr: 0.1, weightDecay: 0.2 },
        { params: amsgrad, betas: [0.5, 0.5], amsgrad: true, maximize: true },
      ],
      { lr: 0.01 },
    );
    await train(optimizer, both, 5);

    const alone = problemOf({ problem: "matrices" });
    const a = new optim.Adam(alone.params.slice(1), { lr: 0.1, weightDecay: 0.2 });
    const b = new optim.Adam([required(alone.params[0])], {
      lr: 0.01,
      betas: [0.5, 0.5],
      amsgrad: true,
      maximize: true,
    });
    for (let step = 0; step < 5; step++) {
      a.zeroGrad();
      b.zeroGrad();
      lossOf(alone.params, alone.targets).backward();
      await a.step();
      await b.step();
    }
    for (const [i, parameter] of both.params.entries()) {
      expectClose(
        `parameter ${i}`,
        await parameter.data(),
        await required(alone.params[i]).data(),
        { relative: 1e-6, absolute: 1e-7 },
      );
    }
    expect(Object.keys(optimizer.stateDict().state[0] ?? {})).not.toContain("max_exp_avg_sq");
    expect(Object.keys(optimizer.stateDict().state[2] ?? {})).toContain("max_exp_avg_sq");
  });

  test("a closure computes the loss before the step, and is waited for", async () => {
    const weight = new nn.Parameter(tensor([1, 2]));
    const optimizer = new optim.RMSprop([weight], { lr: 0.1 });
    const loss = await optimizer.step(async () => {
      optimizer.zeroGrad();
      const loss = weight.square().sum();
      loss.backward();
      await Promise.resolve();
      return loss;
    });
    expect(await loss.item()).toBe(5);
    expectClose("weight", await weight.data(), [0, 1], { relative: 0, absolute: 1e-5 });
  });

  test("a state has PyTorch's layout, and stays as it was", async () => {
    const weight = new nn.Parameter(tensor([1, 2]));
    const optimizer = new optim.NAdam([weight], { lr: 0.1, momentumDecay: 0.5 });
    weight.grad = tensor([1, 1]);
    await optimizer.step();
    const state = optimizer.stateDict();
    await optimizer.step();
    expect(state.param_groups).toEqual([
      {
        lr: 0.1,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0,
        momentum_decay: 0.5,
        decoupled_weight_decay: false,
        maximize: false,
        params: [0],
      },
    ]);
    expect(Object.keys(required(state.state[0]))).toEqual([
      "step",
      "mu_product",
      "exp_avg",
      "exp_avg_sq",
    ]);
    const mean = required(state.state[0]?.exp_avg);
    expectClose("mean", await (mean as Tensor).data(), [0.1, 0.1]);
  });

  test("PyTorch's own state, with the step as a tensor and options that are not ours", async () => {
    const weight = new nn.Parameter(tensor([1, 2]));
    const optimizer = new optim.Adam([weight]);
    const state = { step: tensor(7), exp_avg: tensor([1, 2]), exp_avg_sq: tensor([3, 4]) };
    const group = { lr: 0.5, betas: [0.8, 0.9], foreach: null, capturable: false, params: [0] };
    optimizer.loadStateDict({ state: { 0: state }, param_groups: [group] });
    expect(optimizer.paramGroups[0]).not.toHaveProperty("foreach");
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.5, betas: [0.8, 0.9], eps: 1e-8 });
    const again = optimizer.stateDict();
    expect(again.state[0]?.step).toBe(7);
    const square = required(again.state[0]?.exp_avg_sq) as Tensor;
    expect([...(await square.data())]).toEqual([3, 4]);
  });

  test("a state that does not fit is refused", async () => {
    const weight = new nn.Parameter(tensor([1, 2]));
    const optimizer = new optim.Adam([weight]);
    const { param_groups } = optimizer.stateDict();
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [] })).toThrow(
      "loaded state dict has a different number of parameter groups: 0, not 1",
    );
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [{ params: [] }] })).toThrow(
      "doesn't match the size of optimizer's group 0",
    );
    expect(() =>
      optimizer.loadStateDict({ state: { 0: { exp_avg: zeros([3]) } }, param_groups }),
    ).toThrow("exp_avg of parameter 0 has shape [3], but the parameter [2]");
    const step = noGrad(() => weight.sum());
    expect(() => optimizer.loadStateDict({ state: { 0: { step } }, param_groups })).toThrow(
      "step of parameter 0 is a tensor that was computed. Pass a number: await step.item()",
    );
  });
});

describe("options that make no sense are refused, as in PyTorch", () => {
  const matrix = () => [new nn.Parameter(zeros([2, 2]))];
  const notNegative = (what: string, name: string) =>
    `Invalid ${what}: -1 (${name} should be 0 or more)`;
  const beta = "Invalid beta parameter at index 1: 1 (betas should be at least 0 and below 1)";
  test.each<[Kind, Options, string]>([
    ...(Object.keys(CLASSES) as Kind[]).flatMap((kind): [Kind, Options, string][] => [
      [kind, { lr: -1 }, notNegative("learning rate", "lr")],
      [kind, { weightDecay: -1 }, notNegative("weight_decay value", "weightDecay")],
      [
        kind,
        { weight_decay: 1 },
        `${kind} has no option "weight_decay". Did you mean weightDecay?`,
      ],
    ]),
    ...(["NAdam", "RAdam", "Adagrad", "RMSprop", "Muon"] as const).map(
      (kind): [Kind, Options, string] => [kind, { eps: -1 }, notNegative("epsilon value", "eps")],
    ),
    ...(["NAdam", "RAdam", "Lion"] as const).map((kind): [Kind, Options, string] => [
      kind,
      { betas: [0, 1] },
      beta,
    ]),
    ["Lion", { betas: 0.9 }, "Invalid betas: 0.9 (betas should be [beta1, beta2])"],
    ["NAdam", { momentumDecay: -1 }, notNegative("momentum_decay value", "momentumDecay")],
    ["Adagrad", { lrDecay: -1 }, notNegative("lr_decay value", "lrDecay")],
    [
      "Adagrad",
      { initialAccumulatorValue: -1 },
      notNegative("initial_accumulator_value", "initialAccumulatorValue"),
    ],
    ["RMSprop", { alpha: -1 }, notNegative("alpha value", "alpha")],
    ["RMSprop", { momentum: -1 }, notNegative("momentum value", "momentum")],
    ["Muon", { momentum: -1 }, notNegative("momentum value", "momentum")],
    ["Muon", { nsSteps: 100 }, "Invalid nsSteps: 100 (should be from 1 to 99)"],
    ["Muon", { nsCoefficients: [1, 2] }, "Invalid nsCoefficients: 1,2 (should be [a, b, c])"],
    ["Muon", { adjustLrFn: "x" }, "Adjust learning rate function x is not supported"],
  ])("%s %o", (kind, options, message) => {
    expect(() => make(kind, matrix(), options)).toThrow(message);
  });

  test("Muon takes matrices only", () => {
    expect(() => new optim.Muon([new nn.Parameter(zeros([3]))])).toThrow(
      "Muon only supports 2D parameters whereas we found a parameter with size: [3]. Give it to an " +
        "optimizer of its own, such as AdamW",
    );
  });
});
