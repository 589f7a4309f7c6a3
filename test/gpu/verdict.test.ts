/** What is said of the learning rate of real runs: of one that learns nothing, and of those that cannot be judged. */
import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { endLine } from "../../runtime/cli/format.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { TrainingProject } from "./training-project.ts";

const project = new TrainingProject();
afterAll(() => project.end());

/** Codes and groups of what is said of learning rates, and what was said and taken back. */
const saidOf = ({ findings }: RunRecord) =>
  findings
    .filter(({ code }) => code.startsWith("lr."))
    .map(({ code, about }) => [code, about.type === "hyperparameter" ? about.group : undefined]);

/** Four classes that noise mixes, in batches of four: losses of an easy batch are a hundredth of those of a hard one. */
const NOISY = `
import { Checkpoints, load, manualSeed, nn, noGrad, optim, randint, randn, save } from "stepscope";
manualSeed(1);
const inputs = randn(512, 16).keep();
const labels = inputs.narrow(1, 0, 4).add(randn(512, 4).mul(0.3)).argmax(1).keep();
const make = () => new nn.Sequential(new nn.Linear(16, 32), new nn.Tanh(), new nn.Linear(32, 4));
async function train(model: nn.Sequential, optimizer: optim.Optimizer, steps: number) {
  for (let step = 1; step <= steps; step++) {
    const chosen = randint(0, 512, [4]);
    const scores = model.forward(inputs.indexSelect(0, chosen));
    const loss = nn.functional.crossEntropy(scores, labels.indexSelect(0, chosen));
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}
const adam = (model: nn.Sequential, lr: number) => new optim.Adam(model.parameters(), { lr });
`;

const TRAINED = "The parameters were trained before: how far they should travel is not known.";
const ON_ITS_WAY =
  "The run does not begin here, it was resumed, changed or taken back: where its parameters started is not known.";

test("a run that ends on a plateau which a higher learning rate passes is told so", async () => {
  const example = readFileSync(new URL("../../examples/regression.ts", import.meta.url), "utf8");
  const [adam, at] = ["new optim.Adam(model.parameters(), { lr: 0.02 })", "new optim.SGD"];
  expect(example).toContain(adam);
  const at02 = (lr: number) => example.replace(adam, `${at}(model.parameters(), { lr: ${lr} })`);
  project.write("low.ts", at02(0.02));
  const { record } = await project.run("low.ts");
  const [found, ...others] = record.findings;
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: "lr.tooSmall", severity: "warning", since: 800 });
  // At 0.05 the loss ends at a third of what it does at 0.02, and at 0.1 at a tenth.
  expect(found?.suggestion?.to).toBeGreaterThanOrEqual(0.05);
  expect(found?.suggestion?.to).toBeLessThan(0.2);
  project.write("right.ts", at02(0.1));
  expect((await project.run("right.ts")).record.findings).toEqual([]);
});

test("of fine-tuning nothing is said but that what was known is lost", async () => {
  project.write(
    "before.ts",
    `${NOISY}
    const model = make();
    await train(model, adam(model, 3e-3), 300);
    await save(model.stateDict(), "before.safetensors");
    // The same parameters in the hands of another optimizer were trained, too.
    await train(model, adam(model, 1e-5), 120);`,
  );
  const { record } = await project.run("before.ts");
  expect(record.tensors.map(({ trained = false }) => trained)).toEqual(
    [false, true].flatMap(trained => Array(4).fill(trained)),
  );
  expect([saidOf(record), record.unjudged]).toEqual([[], TRAINED]);
  expect(endLine(record)).toContain(`\nNothing is said of the learning rate. ${TRAINED}`);
  for (const lr of [1e-4, 1e-3, 1e-2, 10]) {
    project.write(
      "finetune.ts",
      `${NOISY}
      const model = make();
      model.loadStateDict(await load("before.safetensors"));
      await train(model, adam(model, ${lr}), 150);`,
    );
    const { record } = await project.run("finetune.ts");
    expect(record.unjudged).toBe(TRAINED);
    expect([lr, saidOf(record)]).toEqual([lr, lr === 10 ? [["lr.diverging", 0]] : []]);
  }
});

test("each of two trainings of a script is judged by itself", async () => {
  project.write(
    "two.ts",
    `${NOISY}
    for (const lr of [1e-4, 1e-2]) {
      const model = make();
      await train(model, adam(model, lr), 200);
    }`,
  );
  const { record } = await project.run("two.ts");
  expect(record.unjudged ?? "").toBe("");
  expect(saidOf(record)).toEqual([["lr.tooSmall", 0]]);
  expect(record.findings[0]?.message).toMatch(/^The run took 200 steps\. /);
});

test("a loop without an end that is stopped by hand is not judged for the steps that it took", async () => {
  const endless = async (lr: number) => {
    project.write("endless.ts", `${NOISY} const m = make(); await train(m, adam(m, ${lr}), 1e9);`);
    const run = await project.start("endless.ts");
    await run.until(() => run.steps >= 200);
    run.connection.stop();
    await run.closed;
    return saidOf(run.record).map(([code]) => code);
  };
  // Right for a thousand steps or more, and what is wrong for any length.
  expect(await endless(1e-3)).toEqual([]);
  expect(await endless(1e-8)).toEqual(["lr.tooSmall"]);
});

test("of weights that start at zero nothing is said, whatever their biases are", async () => {
  for (const lr of [1e-4, 1e-2, 0.3]) {
    project.write(
      "zero.ts",
      `${NOISY}
      const layer = new nn.Linear(16, 4);
      noGrad(() => nn.init.zeros_(layer.weight));
      const model = new nn.Sequential(layer);
      await train(model, adam(model, ${lr}), 150);`,
    );
    const { record } = await project.run("zero.ts");
    expect(saidOf(record)).toEqual([]);
    expect(record.unjudged).toBe(
      "The parameters start at zero: travel relative to them is not defined.",
    );
  }
});

test("a run that was resumed begins with the loss of one batch: that the next ones are harder is no divergence", async () => {
  const script = (lr: number, steps: number) =>
    `${NOISY}
    const model = make();
    const optimizer = adam(model, ${lr});
    const checkpoints = new Checkpoints({ model, optimizer }, { folder: "kept" });
    await checkpoints.resume();
    for (const group of optimizer.paramGroups) group.lr = ${lr};
    await train(model, optimizer, ${steps});
    await checkpoints.save({ step: 1 });`;
  project.write("first.ts", script(3e-3, 400));
  const first = await project.run("first.ts");
  const resume = project.path("kept");
  expect(first.record.status).toBe("completed");
  for (const lr of [3e-5, 3e-3, 3e-2]) {
    project.write("on.ts", script(lr, 200).replace('folder: "kept"', 'folder: "other"'));
    const { record } = await project.run("on.ts", { resume });
    expect([lr, saidOf(record)]).toEqual([lr, []]);
    expect(record.unjudged).toBe(ON_ITS_WAY);
  }
});

test("a learning rate that is lowered while the run goes is not told as too high", async () => {
  project.write("live.ts", `${NOISY} const m = make(); await train(m, adam(m, 3e-3), 700);`);
  for (const value of [3e-5, 1e-2]) {
    const run = await project.start("live.ts", { runTo: 300 });
    await run.until(() => run.record.paused === true);
    run.connection.control({ type: "set", group: 0, name: "lr", value });
    run.connection.control({ type: "resume" });
    await run.closed;
    expect([value, saidOf(run.record)]).toEqual([value, []]);
    expect(run.record.unjudged).toBe(ON_ITS_WAY);
  }
});
