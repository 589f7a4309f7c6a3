/** A run whose numbers cease to be finite says at which line, and in which operation, that began. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type Finding,
  type FindingCode,
  isOpen,
  mergeFindings,
} from "../../runtime/protocol/finding.ts";
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

/** Trains until the numbers are lost, and asks where that began. */
async function locate(body: string, sixth?: string) {
  project.write("a.ts", script(body, sixth));
  const run = await project.start("a.ts");
  await run.until(() => isLost(run));
  run.connection.control({ type: "locateNonFinite" });
  await run.until(() => located(run) !== undefined);
  return { run, found: located(run) };
}

async function stop(run: Spectator): Promise<void> {
  run.connection.stop();
  await run.closed;
}

test("the logarithm of a number that has become negative, at its line; the loop stands before it", async () => {
  // x ← x − 0.1 / x, from 1: below 0 after six steps.
  const { run, found } = await locate(
    "const shifted = x.mul(1);\n  const loss = shifted.log().sum();",
  );
  expect(found).toMatchObject({
    severity: "error",
    title: "log makes the first value that is not finite",
    location: { file: project.path("a.ts"), line: BODY + 1 },
  });
  expect(found?.message).toContain("log gives 1 of 2 elements that are NaN, in [2].");
  const [, input] = found?.evidence ?? [];
  expect(input?.text).toMatch(/^Its input runs from -/);
  await run.until(() => run.record.paused === true);
  expect(run.record.rewinds?.length).toBe(2);

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
