/** A run whose numbers cease to be finite says at which line, and in which operation, that began. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type Finding,
  type FindingCode,
  isOpen,
  mergeFindings,
} from "../../runtime/protocol/finding.ts";
import { tensorValue } from "../../runtime/protocol/steps.ts";
import { type Spectator, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
});

afterEach(() => project.end());

/** A loop that rests between its steps; `body` computes `loss` of `sample`, whose sixth is another one. */
function script(body: string, sixth = "1"): string {
  return `import { data, nn, optim, tensor } from "stepscope";
const x = new nn.Parameter(tensor([1, 2]));
const optimizer = new optim.SGD([x], { lr: 0.1 });
const samples = new data.TensorDataset(tensor([1, 1, 1, 1, 1, ${sixth}, 1, 1, 1]));
const loader = new data.DataLoader(samples);
for (;;) for await (const [sample] of loader) {
  ${body}
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
  await new Promise(resolve => setTimeout(resolve, 2));
}`;
}

/** Line of the script at which the body begins. */
const BODY = 7;

/** What is said now under a code. */
function said(run: Spectator, code: FindingCode): Finding | undefined {
  const changes = run.messages.flatMap(each => (each.type === "finding" ? [each.finding] : []));
  return mergeFindings([], changes).find(each => each.code === code && isOpen(each));
}

const located = (run: Spectator) => said(run, "numerics.nonFinite");
const isLost = (run: Spectator) => said(run, "lr.diverging") !== undefined;

/** Trains until the numbers are lost, and where that began has been found. */
async function locate(body: string, sixth?: string) {
  project.write("a.ts", script(body, sixth));
  const run = await project.start("a.ts");
  await run.until(() => located(run) !== undefined);
  return { run, found: located(run) };
}

async function stop(run: Spectator): Promise<void> {
  run.connection.stop();
  await run.closed;
}

test("the logarithm of a number that has become negative, at its line; the loop stands before it", async () => {
  // x ← x − 0.1 / x, from 1: below 0 after six steps.
  const { run } = await locate("const shifted = x.mul(1);\n  const loss = shifted.log().sum();");
  run.connection.control({ type: "locateNonFinite" });
  await run.until(() => run.record.rewinds?.length === 2 && located(run) !== undefined);
  const found = located(run);
  expect(found).toMatchObject({
    severity: "error",
    title: "log makes the first value that is not finite",
    location: { file: project.path("a.ts"), line: BODY + 1 },
  });
  expect(found?.message).toContain("log gives 1 of 2 elements that are NaN, in [2].");
  const [, input] = found?.evidence ?? [];
  expect(input?.text).toMatch(/^Its input runs from -/);
  await run.until(() => run.record.paused === true);

  // From there on another learning rate is tried, and what was found is over.
  const at = run.steps;
  run.connection.control({ type: "set", group: 0, name: "lr", value: 1e-6 });
  run.connection.control({ type: "step", count: 3 });
  await run.until(() => run.steps >= at + 3 && run.record.paused === true);
  const [last] = run.stored().losses.slice(-1);
  expect(last).toBeGreaterThan(-3);
  // A finding comes behind the steps that are stored with it.
  await run.until(() => located(run) === undefined);
  run.connection.control({ type: "locateNonFinite" });
  await run.until(() => run.logs.some(log => log.level === "warn"));
  expect(run.logs.at(-1)?.text).toBe(
    "All that was measured is finite: there is nothing to look for.",
  );
  await stop(run);
});

test("a derivative that is infinite where the loss is not", async () => {
  const { run, found } = await locate("const loss = x.mul(sample).square().sum().sqrt();", "0");
  expect(found?.message).toContain("In the backward pass, ");
  // Where backward() is called.
  expect(found?.location?.line).toBe(BODY + 2);
  await stop(run);
});

test("data that are not finite, and not the mask that is infinite on purpose", async () => {
  const { run, found } = await locate(
    `const mask = tensor([0, -Infinity]);
  const loss = x.add(mask).softmax(0).sub(sample).square().sum();`,
    "NaN",
  );
  expect(found?.title).toBe("The data that the model gets are not finite");
  expect(found?.message).toContain("1 of 1 elements of a tensor [1] are NaN");
  await stop(run);
});

test("steps that go another way the second time are said to", async () => {
  project.write(
    "a.ts",
    script("const loss = x.sub(i++ < 5 ? 0 : NaN).square().sum();").replace(
      "for (;;)",
      "let i = 0;\nfor (;;)",
    ),
  );
  const run = await project.start("a.ts");
  await run.until(() => isLost(run));
  run.connection.control({ type: "locateNonFinite" });
  await run.until(() => run.logs.some(log => log.level === "warn"));
  expect(run.logs.at(-1)?.text).toMatch(/^Where the numbers cease to be finite could not be found/);
  await stop(run);
});

/** Norms of the second parameter, by the step before which they were so. */
function normsOfSecond(run: Spectator): ReadonlyMap<number, number> {
  const batches = run.messages.flatMap(each => (each.type === "steps" ? [each.batch] : []));
  const norms = batches.flatMap(batch =>
    Array.from({ length: batch.count }, (_, row) => {
      const norm = tensorValue(batch, row, 1, "weightNorm");
      return [batch.firstStep + row, norm] as const;
    }),
  );
  return new Map(norms);
}

test("the first time it is looked for unasked, and the run goes on as if nothing had been", {
  timeout: 40_000,
}, async () => {
  // What x loses, y knows nothing of: its steps go on, each from where the last one led.
  const body = "const loss = x.log().sum().add(y.mul(sample).square().sum());";
  const lines = script(body).replace(
    "const optimizer = new optim.SGD([x], ",
    "const y = new nn.Parameter(tensor([1])); const optimizer = new optim.SGD([x, y], ",
  );
  project.write("a.ts", lines.replace("{ lr: 0.1 }", "{ lr: 0.1, momentum: 0.5 }"));
  const run = await project.start("a.ts");
  await run.until(() => located(run) !== undefined);
  expect(located(run)).toMatchObject({
    title: "log makes the first value that is not finite",
    location: { file: project.path("a.ts"), line: BODY },
  });
  const at = run.steps;
  await run.until(() => run.steps >= at + 20);
  expect(run.record).toMatchObject({ paused: false });
  expect(run.record.rewinds).toBeUndefined();
  // Said once, and that the run is lost stays said.
  expect(isLost(run)).toBe(true);
  const norms = normsOfSecond(run);
  let [y, velocity] = [1, 0];
  for (let step = 1; step <= at + 20; step++) {
    expect(norms.get(step)).toBeCloseTo(Math.abs(y), 5);
    velocity = 0.5 * velocity + 2 * y;
    y -= 0.1 * velocity;
  }
  await stop(run);
});
