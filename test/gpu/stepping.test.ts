/** How optimizers step: constructors, order and completeness of what arrives, steadiness. */
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { counters } from "../../runtime/gpu/device.ts";
import { data, manualSeed, nn, optim, tensor } from "../../runtime/index.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { watch } from "./watch.ts";

afterEach(() => {
  observe(undefined);
  vi.restoreAllMocks();
});

function parameter(...values: number[]): nn.Parameter {
  return new nn.Parameter(tensor(values));
}

describe("constructors refuse, and say why:", () => {
  const p = () => [parameter(1)];
  test.each<[string, () => unknown, RegExp]>([
    [
      "negative lr of SGD",
      () => new optim.SGD(p(), { lr: -1 }),
      /Invalid learning rate: -1 .*0 or more/,
    ],
    ["NaN lr", () => new optim.Adam(p(), { lr: Number.NaN }), /Invalid learning rate: NaN/],
    [
      "lr that is no number",
      () => new optim.AdamW(p(), { lr: "0.1" as never }),
      /Invalid learning rate: 0.1/,
    ],
    [
      "negative momentum",
      () => new optim.SGD(p(), { momentum: -0.9 }),
      /Invalid momentum value: -0.9/,
    ],
    [
      "negative decay",
      () => new optim.SGD(p(), { weightDecay: -1 }),
      /Invalid weight_decay value: -1/,
    ],
    [
      "negative decay of AdamW",
      () => new optim.AdamW(p(), { weightDecay: -2 }),
      /Invalid weight_decay value: -2/,
    ],
    [
      "Nesterov without momentum",
      () => new optim.SGD(p(), { nesterov: true }),
      /Nesterov momentum requires a momentum and zero dampening, got momentum 0/,
    ],
    [
      "Nesterov with dampening",
      () => new optim.SGD(p(), { nesterov: true, momentum: 0.9, dampening: 0.1 }),
      /zero dampening, got momentum 0.9 and dampening 0.1/,
    ],
    [
      "β₁ of 1",
      () => new optim.Adam(p(), { betas: [1, 1] }),
      /Invalid beta parameter at index 0: 1 /,
    ],
    [
      "β₂ below 0",
      () => new optim.AdamW(p(), { betas: [0.9, -0.1] }),
      /Invalid beta parameter at index 1: -0.1/,
    ],
    [
      "a single β",
      () => new optim.Adam(p(), { betas: 0.9 as never }),
      /should be \[beta1, beta2\]/,
    ],
    ["negative ε", () => new optim.Adam(p(), { eps: -1e-8 }), /Invalid epsilon value: -1e-8/],
    ["an empty list", () => new optim.SGD([]), /SGD: optimizer got an empty parameter list/],
    [
      "a module",
      () => new optim.SGD(new nn.ReLU() as never),
      /SGD: params should be an iterable .*parameters\(\)/,
    ],
    [
      "a function",
      () => new optim.SGD((() => []) as never),
      /got a function \(call it: model.parameters\(\)\)/,
    ],
    [
      "a number among tensors",
      () => new optim.Adam([parameter(1), 3] as never),
      /can only optimize Tensors, but parameter 1 is 3/,
    ],
    [
      "a result",
      () => new optim.Adam([parameter(1).mul(2)]),
      /can't optimize a non-leaf Tensor: parameter 0/,
    ],
    ["integers", () => new optim.SGD([tensor([1], { dtype: "int32" })]), /parameter 0 is int32/],
    [
      "a tensor in two groups",
      () => {
        const shared = parameter(1);
        return new optim.SGD([{ params: [shared] }, { params: [shared] }]);
      },
      /some parameters appear more than once/,
    ],
    [
      "a bad lr in a group",
      () => new optim.SGD([{ params: p(), lr: -3 }]),
      /Invalid learning rate: -3/,
    ],
    [
      "Python's spelling",
      () => new optim.AdamW(p(), { weight_decay: 0.1 } as never),
      /AdamW has no option "weight_decay". Did you mean weightDecay\?/,
    ],
    [
      "an unknown option",
      () => new optim.SGD(p(), { rate: 1 } as never),
      /It takes lr, momentum, /,
    ],
  ])("%s", (_, construct, message) => {
    expect(construct).toThrow(message);
  });

  test("a gradient of another shape, when it steps", () => {
    const x = parameter(1, 2);
    x.grad = tensor([1, 2, 3]);
    const optimizer = new optim.SGD([x]);
    expect(() => optimizer.step()).toThrow(
      /gradient of a parameter of shape \[2\] has shape \[3\]/,
    );
  });
});

test("defaults are PyTorch's", () => {
  const [sgd] = new optim.SGD([parameter(1)]).paramGroups;
  expect(sgd).toMatchObject({
    lr: 1e-3,
    momentum: 0,
    dampening: 0,
    weightDecay: 0,
    nesterov: false,
  });
  const [adam] = new optim.Adam([parameter(1)]).paramGroups;
  expect(adam).toMatchObject({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
  const [adamW] = new optim.AdamW([parameter(1)]).paramGroups;
  expect(adamW).toMatchObject({ lr: 1e-3, weightDecay: 0.01, maximize: false });
});

test("zeroGrad() leaves no gradient", () => {
  const x = parameter(1);
  const optimizer = new optim.SGD([x]);
  x.grad = tensor([1]);
  optimizer.zeroGrad();
  expect(x.grad).toBeNull();
});

test("a gradient can be read after the step, and accumulates without zeroGrad()", async () => {
  const x = parameter(2);
  const optimizer = new optim.SGD([x], { lr: 0.5 });
  x.square().sum().backward();
  await optimizer.step();
  expect([await x.item(), await x.grad?.item()]).toEqual([0, 4]);
  x.mul(3).sum().backward();
  await optimizer.step();
  expect([await x.item(), await x.grad?.item()]).toEqual([-3.5, 7]);
});

test("a tensor given as gradient stays what it was", async () => {
  const x = parameter(1);
  const given = tensor([2])
    .add(tensor([1]))
    .keep();
  const optimizer = new optim.SGD([x], { lr: 1 });
  await given.item();
  for (let step = 0; step < 2; step++) {
    x.grad = given;
    await optimizer.step();
    x.grad = tensor([10]);
    await optimizer.step();
  }
  expect(await given.item()).toBe(3);
  expect(await x.item()).toBe(1 - 2 * 13);
});

test("parameters may go from one optimizer to another and back", async () => {
  const [x, y] = [parameter(1, 2), parameter(3)];
  const first = new optim.SGD([x, y], { lr: 1 });
  const second = new optim.SGD([y, x], { lr: 10 });
  for (const optimizer of [first, second, first]) {
    [x.grad, y.grad] = [tensor([1, 1]), tensor([1])];
    await optimizer.step();
  }
  expect([...(await x.data()), ...(await y.data())]).toEqual([-11, -10, -9]);
});

test("momentum can be switched on, and groups added, while the loop runs", async () => {
  const [x, y] = [parameter(0), parameter(0)];
  const optimizer = new optim.SGD([x], { lr: 1 });
  const step = async () => {
    [x.grad, y.grad] = [tensor([1]), tensor([1])];
    await optimizer.step();
  };
  await step();
  const [group] = optimizer.paramGroups;
  if (group) group.momentum = 0.5;
  // The momentum begins with the gradient of this step, as PyTorch's does.
  await step();
  expect(await x.item()).toBe(-2);
  optimizer.addParamGroup({ params: [y], lr: 3 });
  await step();
  expect([await x.item(), await y.item()]).toEqual([-3.5, -3]);
});

describe("a forgotten await", () => {
  async function train(wait: boolean): Promise<number[]> {
    manualSeed(3);
    const model = new nn.Linear(3, 2);
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
    const inputs = tensor([[1, 2, 3]]);
    for (let step = 0; step < 40; step++) {
      optimizer.zeroGrad();
      model.forward(inputs).square().sum().backward();
      const done = optimizer.step();
      if (wait) await done;
    }
    return [...(await model.weight.data())];
  }

  test("gives the same numbers and one warning, and loses no step", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const waited = await train(true);
    expect(warn).not.toHaveBeenCalled();
    const watched = watch();
    expect(await train(false)).toEqual(waited);
    expect(await train(false)).toEqual(waited);
    await drain();
    expect(watched.steps).toHaveLength(80);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0])).toMatch(/without await.*`await optimizer.step\(\)`/);
  });
});

/** A loop of a small classifier; `each` is called before every step. */
async function trainSmall(steps: number, each: (step: number) => void = () => {}): Promise<void> {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(8, 16), new nn.Tanh(), new nn.Linear(16, 4));
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const lossFn = new nn.CrossEntropyLoss();
  const rows = Array.from({ length: 64 }, (_, i) =>
    [...Array(8)].map((_, j) => Math.sin(i + 3 * j)),
  );
  const targets = tensor(
    rows.map((_, i) => i % 4),
    { dtype: "int32" },
  );
  const loader = new data.DataLoader(new data.TensorDataset(tensor(rows), targets), {
    batchSize: 16,
    shuffle: true,
  });
  for (let step = 0; step < steps; ) {
    for await (const [inputs, classes] of loader) {
      if (step >= steps) break;
      each(step++);
      const loss = lossFn.forward(model.forward(inputs), classes);
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
    }
  }
}

test("5,000 steps arrive complete and in order", async () => {
  const watched = watch();
  let latest = 0;
  await trainSmall(5000, step => {
    // Watched while it runs: points are never far behind.
    latest = Math.max(latest, step - watched.steps.length);
  });
  expect(latest).toBeLessThan(100);
  await drain();
  const [first] = watched.steps;
  expect(watched.steps).toHaveLength(5000);
  watched.steps.forEach((step, i) => {
    expect(step.number).toBe((first?.number ?? 0) + i);
    expect(step.total("loss")).toBeGreaterThan(0);
    expect(step.total("gradNorm")).toBeGreaterThan(0);
  });
  const times = watched.steps.map(step => step.total("time"));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("a loop that pauses does not hold back its last points", async () => {
  const watched = watch();
  await trainSmall(40);
  for (let i = 0; i < 100 && watched.steps.length < 40; i++) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect(watched.steps).toHaveLength(40);
});

test("timers run while the loop steps", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const start = performance.now();
  let longest = 0;
  let seen = 0;
  let since = start;
  await trainSmall(400, step => {
    if (ticks > seen || step < 20) {
      [seen, since] = [ticks, performance.now()];
    }
    longest = Math.max(longest, step < 20 ? 0 : performance.now() - since);
  });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(5);
  // The loop gives way every 8 ms; a step of it, or a busy machine, may add to that.
  expect(longest).toBeLessThan((performance.now() - start) / 2);
});

test("from the third step on nothing is compiled and no GPU object is made", async () => {
  watch();
  let before = { ...counters };
  await trainSmall(300, step => {
    if (step === 2) before = { ...counters };
  });
  expect(counters.pipelines - before.pipelines).toBe(0);
  expect(counters.bindGroups - before.bindGroups).toBe(0);
  expect(counters.buffers - before.buffers).toBe(0);
  expect(counters.submits - before.submits).toBe(298);
  await drain();
});

test("without an observer nothing is measured", async () => {
  const dispatchesOf = async (): Promise<number> => {
    let before = 0;
    await trainSmall(12, step => {
      if (step === 2) before = counters.dispatches;
    });
    return (counters.dispatches - before) / 10;
  };
  const plain = await dispatchesOf();
  const watched = watch();
  const measured = await dispatchesOf();
  await drain();
  // The rows of the tensors come on top.
  expect(measured - plain).toBe(1);
  expect(watched.steps).toHaveLength(12);
});

test("20,000 steps leave memory and handles as they were", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  observe(deafObserver);
  const look = () => {
    collect();
    return {
      heap: process.memoryUsage().heapUsed,
      gpu: counters.bytes,
      handles: readdirSync("/proc/self/fd").length,
    };
  };
  let before = look();
  let peak = 0;
  await trainSmall(20_000, step => {
    if (step === 3000) before = look();
    if (step > 3000 && step % 1000 === 0) peak = Math.max(peak, counters.bytes);
  });
  await drain();
  const after = look();
  expect(after.heap - before.heap).toBeLessThan(2e6);
  expect(Math.max(after.gpu, peak)).toBe(before.gpu);
  expect(after.handles).toBe(before.handles);
});
