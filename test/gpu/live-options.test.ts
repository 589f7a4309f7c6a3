/** What a client sets while a loop runs does what the script would do with the same numbers. */
import { afterEach, expect, test } from "vitest";
import { manualSeed, nn, optim, randn } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import type { LiveOption } from "../../runtime/protocol/control.ts";
import { hand } from "./hand.ts";

afterEach(() => setGate(undefined));

const MAKERS = {
  SGD: (params: nn.Parameter[]) => new optim.SGD(params, { lr: 0.1 }),
  AdamW: (params: nn.Parameter[]) => new optim.AdamW(params, { lr: 0.1 }),
  RMSprop: (params: nn.Parameter[]) => new optim.RMSprop(params, { lr: 0.01 }),
};

type Optimizer = ReturnType<(typeof MAKERS)[keyof typeof MAKERS]>;

/** What is done around a step of the optimizer. */
interface Deeds {
  before?(step: number): void;
  after?(step: number, optimizer: Optimizer, limits: Record<string, number>): void;
}

/** Losses of a small loop that clips its gradients. */
async function losses(
  name: keyof typeof MAKERS,
  { before, after }: Deeds = {},
  steps = 6,
): Promise<number[]> {
  manualSeed(4);
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1));
  const params = [...model.parameters()];
  const inputs = randn(8, 3).keep();
  const optimizer = MAKERS[name](params);
  const limits = { maxNorm: 0.5, clipValue: 0.2 };
  const all: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const loss = model.forward(inputs).sub(2).square().mean();
    optimizer.zeroGrad();
    loss.backward();
    nn.utils.clipGradNorm(params, limits.maxNorm);
    nn.utils.clipGradValue(params, limits.clipValue);
    before?.(step);
    await optimizer.step();
    after?.(step, optimizer, limits);
    all.push(await loss.item());
  }
  return all;
}

test.each<[keyof typeof MAKERS, Partial<Record<LiveOption, number>>, object]>([
  ["SGD", { momentum: 0.9, weightDecay: 0.1 }, { momentum: 0.9, weightDecay: 0.1 }],
  ["AdamW", { beta1: 0.5, beta2: 0.9, eps: 0.1 }, { betas: [0.5, 0.9], eps: 0.1 }],
  ["AdamW", { lrFactor: 0.25, weightDecay: 0.5 }, { lr: 0.025, weightDecay: 0.5 }],
  ["RMSprop", { alpha: 0.5, momentum: 0.5 }, { alpha: 0.5, momentum: 0.5 }],
  ["SGD", { maxNorm: 0.1, clipValue: 0.02 }, {}],
])("%s: %j", async (name, { maxNorm, clipValue, ...values }, options) => {
  const never = await losses(name);
  const clip = { ...(maxNorm && { maxNorm }), ...(clipValue && { clipValue }) };
  const expected = await losses(name, {
    after: (step, { paramGroups }, limits) => {
      if (step !== 3) return;
      for (const group of paramGroups) Object.assign(group, options);
      Object.assign(limits, clip);
    },
  });
  // The fourth step is another one: the loss behind it tells.
  expect(expected.slice(0, 4)).toEqual(never.slice(0, 4));
  expect(expected[4]).not.toBe(never[4]);
  const { ask } = hand();
  const live = await losses(name, {
    before: step => {
      if (step !== 3) return;
      for (const [option, value] of Object.entries({ ...values, ...clip })) {
        ask({ type: "set", group: 0, name: option as LiveOption, value });
      }
    },
  });
  expect(live).toEqual(expected);
});

test("momentum that there was not, and a limit, are taken back with all that they did", async () => {
  const never = await losses("SGD", {}, 9);
  const { ask } = hand();
  const once = await losses(
    "SGD",
    {
      before: step => {
        if (step === 3) {
          ask({ type: "set", group: 0, name: "momentum", value: 0.9 });
          ask({ type: "set", group: 0, name: "clipValue", value: 0.02 });
        }
        if (step === 6) ask({ type: "rewind", step: 3 });
      },
    },
    12,
  );
  expect(once[4]).not.toBe(never[4]);
  expect(once.slice(6)).toEqual(never.slice(3));
});
