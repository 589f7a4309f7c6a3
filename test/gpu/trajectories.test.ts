/** Fifty steps of a smooth network against PyTorch. With ReLU the same would be chaotic. */
import { describe, test } from "vitest";
import { nn, type optim } from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, readFixture } from "./fixture.ts";
import { load, makeOptimizer, network } from "./network.ts";

interface Problem {
  readonly loss: "crossEntropy" | "mse";
  readonly sizes: readonly number[];
  readonly start: Readonly<Record<string, Encoded>>;
  readonly inputs: Encoded;
  readonly targets: Encoded;
  readonly runs: readonly {
    readonly optimizer: string;
    readonly options: Partial<optim.SGDOptions>;
    readonly losses: readonly number[];
    readonly gradNorms: readonly number[];
  }[];
}

const { torch, problems } = readFixture<{ problems: readonly Problem[] }>("trajectories");
const cases = problems.flatMap(problem => problem.runs.map(run => ({ ...problem, ...run })));

describe(`PyTorch ${torch}`, () => {
  test.each(cases)("$loss, $optimizer $options", async problem => {
    const model = network(problem.sizes, () => new nn.Tanh());
    load(model, problem.start);
    const optimizer = makeOptimizer(problem.optimizer, model.parameters(), problem.options);
    const lossFn = problem.loss === "mse" ? new nn.MSELoss() : new nn.CrossEntropyLoss();
    const [inputs, targets] = [decode(problem.inputs), decode(problem.targets)];
    const losses: number[] = [];
    const norms: number[] = [];
    for (let step = 0; step < problem.losses.length; step++) {
      const loss = lossFn.forward(model.forward(inputs), targets);
      optimizer.zeroGrad();
      loss.backward();
      const squares = model.parameters().flatMap(({ grad }) => grad?.square().sum() ?? []);
      const norm = squares.reduce((sum, square) => sum.add(square)).sqrt();
      losses.push(await loss.item());
      norms.push(await norm.item());
      await optimizer.step();
    }
    expectClose("loss", losses, problem.losses, { relative: 1e-4, absolute: 0 });
    expectClose("gradient norm", norms, problem.gradNorms, { relative: 1e-4, absolute: 0 });
  });
});
