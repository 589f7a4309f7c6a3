/** What a debugger shows of tensors, and that a run does not notice. */
import { Session } from "node:inspector";
import { expect, it } from "vitest";
import { data, manualSeed, nn, noGrad, optim, type Tensor, tensor } from "../../runtime/index.ts";
import { LOOK } from "../../runtime/protocol/look.ts";
import type { Inspected } from "../../runtime/tensor/inspection.ts";

const look = (globalThis as unknown as Record<symbol, (value: unknown) => unknown>)[
  Symbol.for(LOOK)
] as (value: unknown) => unknown;

/** A method that debuggers call, by the name of its symbol. */
const method = <T>(value: Tensor, name: string): (() => T) => {
  const found = (value as unknown as Record<symbol, () => T>)[Symbol.for(name)];
  if (!found) throw new Error(`There is no ${name}.`);
  return found.bind(value);
};

/** What a hover shows: a look, then the description. */
const hover = (value: Tensor): string =>
  method<string>(look(value) as Tensor, "debug.description")();

/** Trains a little; `at` is called with all that is in sight at each place where a debugger can stop. */
async function train(at: (seen: readonly Tensor[]) => void): Promise<Float32Array[]> {
  manualSeed(3);
  const model = new nn.Sequential(
    new nn.Linear(6, 16),
    new nn.ReLU(),
    new nn.Dropout({ p: 0.3 }),
    new nn.Linear(16, 3),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
  const inputs = tensor(
    Array.from({ length: 40 }, (_, i) => Array.from({ length: 6 }, (_, j) => Math.sin(i * 7 + j))),
  );
  const targets = tensor(
    Array.from({ length: 40 }, (_, i) => i % 3),
    { dtype: "int32" },
  );
  const loader = new data.DataLoader(new data.TensorDataset(inputs, targets), {
    batchSize: 8,
    shuffle: true,
  });
  const lossFn = new nn.CrossEntropyLoss();
  const parameters = model.parameters();
  const average = tensor([0, 0, 0]);
  for (let epoch = 0; epoch < 2; epoch++) {
    for await (const [batch, labels] of loader) {
      at([...parameters, batch, labels]);
      const scores = model.forward(batch);
      const loss = lossFn.forward(scores, labels);
      at([...parameters, scores, loss]);
      optimizer.zeroGrad();
      loss.backward();
      const gradients = parameters.flatMap(({ grad }) => grad ?? []);
      at([...parameters, ...gradients, scores, loss]);
      const done = optimizer.step();
      at([...parameters, ...gradients, scores, loss]);
      await done;
      noGrad(() => average.mul_(0.9).add_(scores.mean(0).mul(0.1)));
      at([...parameters, ...gradients, scores, loss, average]);
    }
  }
  return Promise.all(
    [...parameters, average].map(async each => (await each.data()) as Float32Array),
  );
}

it("shows every tensor of a loop, and leaves the run as it is, bit by bit", async () => {
  const untouched = await train(() => {});
  const said: string[] = [];
  const looked = await train(seen => {
    said.push(...seen.map(hover));
  });
  expect(looked).toEqual(untouched);
  for (const text of said) expect(text).toMatch(/^Tensor \[[\d, ]*\] \w+ (-?[\d.e-]+$|mean |\()/);
});

it("shows the values that reading gives, whether they are computed yet or not", async () => {
  const a = tensor([
    [1, 2, 3],
    [4, 5, 6.5],
  ]);
  const sum = a.mul(2).sum();
  expect(hover(a)).toBe(
    "Tensor [2, 3] float32 mean 3.583, std 1.835, min 1, max 6.5 [1, 2, 3, 4, 5, 6.5]",
  );
  expect(hover(sum)).toBe("Tensor [] float32 43");
  expect(hover(a.gt(2).any())).toBe("Tensor [] bool true");
  expect(await sum.item()).toBe(43);
  expect(hover(sum)).toBe("Tensor [] float32 43");
  const broken = a.sub(1).log().sub(1);
  expect(hover(broken)).toMatch(/min -1, max 0\.7047, 1 NaN or infinite \[-Infinity, -1, /);
});

it("shows a value that is written and not run yet as it will be", async () => {
  const weight = new nn.Parameter(tensor([1, 2]));
  const optimizer = new optim.SGD([weight], { lr: 0.5 });
  weight.mul(3).sum().backward();
  await optimizer.step();
  expect(hover(weight)).toMatch(/\[-0\.5, 0\.5\]$/);
  noGrad(() => weight.mul_(4).add_(1));
  expect(hover(weight)).toMatch(/\[-1, 3\]$/);
  expect([...(await weight.data())]).toEqual([-1, 3]);
});

it("says of a part of a large tensor that it is one", () => {
  const large = tensor(Array.from({ length: 300_000 }, (_, i) => Number(i < 2 ** 18)));
  expect(hover(large)).toMatch(
    /mean 1, std 0, min 1, max 1 \(of the first 262144\) \[1, 1, 1, 1, 1, 1, …\]$/,
  );
});

it("describes itself where side effects are forbidden, with what the host has", () => {
  using inspector = new Inspector();
  const batch = tensor([
    [1, 2],
    [3, 4],
  ]);
  const computed = batch.matmul(batch);
  // To ask for the symbol is a side effect: debuggers bring it.
  const [described, listed] = ["debug.description", "debug.properties"].map(Symbol.for);
  Object.assign(globalThis, { batch, computed, described, listed });
  const description = (name: string) => inspector.evaluate(`${name}[described]()`);
  expect(description("batch")).toMatch(/^Tensor \[2, 2\] float32 mean 2\.5/);
  expect(description("computed")).toBe("Tensor [2, 2] float32");
  hover(computed);
  expect(description("computed")).toMatch(/mean 13\.5.*\[7, 10, 15, 22\]$/);
  expect(inspector.evaluate("Object.keys(computed[listed]()).join()")).toBe(
    "shape,dtype,requiresGrad,grad,node",
  );
  const list = method<Inspected>(computed, "debug.properties");
  const { elements, statistics } = list();
  expect([...elements]).toEqual([7, 10, 15, 22]);
  expect(statistics).toMatchObject({ mean: 13.5, min: 7, max: 22, nonFinite: 0 });
});

it("names models and optimizers by their classes, without side effects", () => {
  using inspector = new Inspector();
  const model = new nn.Sequential(new nn.Linear(2, 1));
  const adam = new optim.AdamW(model.parameters(), { lr: 2e-3 });
  Object.assign(globalThis, { model, adam, described: Symbol.for("debug.description") });
  expect(inspector.evaluate("model[described]()")).toBe("Sequential");
  expect(inspector.evaluate("adam[described]()")).toBe("AdamW, lr 0.002");
});

/** This process's own inspector. */
class Inspector implements Disposable {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  /** Evaluates an expression as debuggers do for a list of variables. */
  evaluate(expression: string): unknown {
    let answer: unknown;
    this.#session.post(
      "Runtime.evaluate",
      { expression, returnByValue: true, throwOnSideEffect: true } as never,
      (error, reply) => {
        const { result, exceptionDetails } = reply as unknown as {
          result: { value?: unknown };
          exceptionDetails?: { exception?: { description?: string } };
        };
        answer = error?.message ?? exceptionDetails?.exception?.description ?? result.value;
      },
    );
    return answer;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
