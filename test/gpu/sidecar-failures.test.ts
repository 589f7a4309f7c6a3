/** What users do wrong, and what goes wrong by itself: the message, and what remains. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOOP, loopLoss, type Spectator, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
});

afterEach(() => project.end());

/** The points of LOOP are stored and were sent, from the first to the last. */
function expectPoints(run: Spectator, count: number): void {
  const { record, losses } = run.stored();
  expect(record.steps).toBe(count);
  expect(losses).toHaveLength(count);
  for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(loopLoss(i + 1), 4);
}

describe("a script that cannot begin", () => {
  test("because of its syntax: esbuild's words and place, and no half-started run", async () => {
    project.write("before.ts", `${LOOP}\nawait steps(3);`);
    await project.run("before.ts");
    const script = project.write("bad.ts", 'const a = 1;\nconst text = "é" + ;\n');
    const { end } = await project.run("bad.ts");
    expect(end).toMatchObject({
      status: "failed",
      steps: 0,
      error: { message: 'Unexpected ";"', location: { file: script, line: 2, column: 20 } },
    });
    expect(end?.error?.stack).toMatch(/bad\.ts:2:20:\n +2 │ const text = "é" \+ ;\n/);
    expect(project.runs().map(({ status, steps }) => ({ status, steps }))).toEqual([
      { status: "completed", steps: 3 },
    ]);
  });

  test("because imports are missing: all of them, in whatever module", async () => {
    const helper = project.write("lib/helper.ts", '\nimport "no-such-package";\n');
    const script = project.write(
      "a.ts",
      'import "./lib/helper";\nimport { x } from "./gone";\nx();',
    );
    const { end } = await project.run("a.ts");
    expect(end?.status).toBe("failed");
    expect(end?.error?.message.split("\n").sort()).toEqual([
      'Could not resolve "./gone"',
      'Could not resolve "no-such-package"',
    ]);
    expect(end?.error?.stack).toContain("Cannot find package 'no-such-package'");
    expect([
      { file: script, line: 2, column: 19 },
      { file: helper, line: 2, column: 8 },
    ]).toContainEqual(end?.error?.location);
    expect(project.runs()).toEqual([]);
  });

  test("because there is no adapter: what was tried, and what to install", async () => {
    const { STEPSCOPE_ADAPTER: adapter, VK_ICD_FILENAMES: drivers } = process.env;
    Object.assign(process.env, { STEPSCOPE_ADAPTER: "gpu", VK_ICD_FILENAMES: "/nowhere.json" });
    try {
      project.write("a.ts", `${LOOP}\nawait steps(3);`);
      const { end } = await project.run("a.ts");
      expect(end?.status).toBe("failed");
      expect(end?.error?.message).toContain("No WebGPU adapter was found. Tried:");
      expect(end?.error?.message).toContain("the machine's GPU");
      expect(end?.error?.message).toContain("Install a Vulkan driver");
      expect(project.runs()).toEqual([]);
    } finally {
      restore("STEPSCOPE_ADAPTER", adapter);
      restore("VK_ICD_FILENAMES", drivers);
    }
  });

  test("because it does not exist", async () => {
    await expect(project.start("nowhere.ts")).rejects.toThrow(
      `There is no file ${project.path("nowhere.ts")}.`,
    );
  });
});

describe("a script that throws", () => {
  test("in its loop keeps every point, and the place in the TypeScript source", async () => {
    const code = `${LOOP}
interface Reason { text: string }
function give(reason: Reason): never {
  throw new RangeError(\`gave up: \${reason.text}\`, { cause: new Error("the cause") });
}
await steps(20);
give({ text: "enough" });
`;
    const script = project.write("a.ts", code);
    const run = await project.run("a.ts");
    const line = code.split("\n").findIndex(text => text.includes("throw new")) + 1;
    expect(run.end?.status).toBe("failed");
    const { message, stack, location } = run.end?.error ?? {};
    expect(message).toBe("RangeError: gave up: enough");
    expect(location).toEqual({ file: script, line, column: 9 });
    expect(stack).toContain(`at give (${script}:${line}:9)`);
    expect(stack).toContain("Caused by: Error: the cause");
    expect(stack?.split("\nCaused by")[0]).not.toMatch(/node:internal|runtime.sidecar/);
    expectPoints(run, 20);
    expect(run.stored().record.error).toEqual(run.end?.error);
  });

  test("later, from a function that nobody waits for", async () => {
    project.write("a.ts", `${LOOP}\nvoid steps(5).then(() => { throw new Error("late"); });`);
    const run = await project.run("a.ts");
    expect(run.end).toMatchObject({ status: "failed", error: { message: "late" } });
    expectPoints(run, 5);
  });

  test("something that is no error", async () => {
    project.write("a.ts", `throw { code: 7 };`);
    const { end } = await project.run("a.ts");
    expect(end?.error).toEqual({ message: "Thrown: { code: 7 }" });
  });

  test("for shapes that do not fit: both shapes, at the line of the call", async () => {
    const code = `${LOOP}await steps(4);
import { zeros } from "stepscope";

zeros(32, 64).matmul(zeros(128, 10));
`;
    const script = project.write("a.ts", code);
    const run = await project.run("a.ts");
    expect(run.end?.error?.message).toBe(
      "RangeError: matmul: [32, 64] × [128, 10]: inner sizes 64 and 128 differ",
    );
    const line = code.split("\n").findIndex(text => text.includes("zeros(32")) + 1;
    expect(run.end?.error?.location).toMatchObject({ file: script, line });
    expectPoints(run, 4);
  });

  test("for a learning rate below zero: in the constructor, in PyTorch's words", async () => {
    const script = project.write(
      "a.ts",
      `import { nn, optim } from "stepscope";\nnew optim.AdamW(new nn.Linear(2, 1).parameters(), { lr: -1 });`,
    );
    const { end } = await project.run("a.ts");
    expect(end?.error?.message).toBe(
      "RangeError: Invalid learning rate: -1 (lr should be 0 or more)",
    );
    expect(end?.error?.location).toMatchObject({ file: script, line: 2, column: 1 });
  });
});

/** What a script that measured nothing is told at its end. */
const NO_STEP = expect.stringMatching(/^No optimizer took a step/);

describe("a script that ends its process", () => {
  test("with process.exit: what was measured is stored", async () => {
    project.write("a.ts", `${LOOP}await steps(50); setTimeout(() => process.exit(3), 200);`);
    const run = await project.run("a.ts");
    expect(run.end).toMatchObject({
      status: "failed",
      error: { message: "The script called process.exit(3)." },
    });
    expectPoints(run, 50);
  });

  test("with process.exit(0) has completed", async () => {
    project.write("a.ts", `console.log("last words"); process.exit(0);`);
    const run = await project.run("a.ts");
    expect(run.end?.status).toBe("completed");
    expect(run.stored().logs.map(log => log.text)).toEqual(["last words", NO_STEP]);
  });

  test("with an exit code of its own", async () => {
    project.write("a.ts", `process.exitCode = 4;`);
    const { end } = await project.run("a.ts");
    expect(end?.error?.message).toBe("The script set the exit code 4.");
  });

  test("by waiting for nothing", async () => {
    project.write("a.ts", `await new Promise(() => {});`);
    const { end } = await project.run("a.ts");
    expect(end).toMatchObject({
      status: "failed",
      error: { message: "The script waits for a promise that nothing will ever settle." },
    });
  });

  test("is done when its last timer is", async () => {
    project.write("a.ts", `setTimeout(() => console.log("timer"), 100);`);
    const run = await project.run("a.ts");
    expect(run.end?.status).toBe("completed");
    expect(run.logs.map(log => log.text)).toEqual(["timer", NO_STEP]);
  });
});

test("a sidecar that is killed leaves a crashed run with its points", async () => {
  project.write("a.ts", `${LOOP}await steps(1e6);`);
  const run = await project.start("a.ts");
  await run.until(() => run.steps >= 20);
  expect(run.stored().record.status).toBe("running");
  process.kill(run.record.pid, "SIGKILL");
  await run.closed;
  expect(run.end).toBeUndefined();
  // The connection may close before the process has ended.
  await expect.poll(() => run.stored().record.status, { timeout: 20_000 }).toBe("crashed");
  const { record, losses } = run.stored();
  expect(record.error?.message).toBe(
    `The process of the run (${record.pid}) ended without closing it.`,
  );
  expect(losses).toHaveLength(record.steps);
  expect(record.steps).toBeGreaterThanOrEqual(run.steps);
  // The next client clears what the dead one has left.
  await expect(project.attach(record.id)).rejects.toThrow("does not live");
});

describe("stop", () => {
  test("ends a loop between two steps, with every point stored and sent", async () => {
    project.write("a.ts", `${LOOP}await steps(1e6);`);
    const run = await project.start("a.ts");
    await run.until(() => run.steps >= 500);
    run.connection.stop();
    await run.closed;
    expect(run.end?.status).toBe("stopped");
    expect(run.end?.steps).toBe(run.steps);
    // Not by force, though the loop goes on queueing steps.
    expect(run.logs).toEqual([]);
    expectPoints(run, run.steps);
  });

  test("ends an endless synchronous loop by force, and keeps its points", async () => {
    project.write("a.ts", `${LOOP}await steps(30); await 0; console.log("looping"); for (;;) {}`);
    const run = await project.start("a.ts");
    await run.until(() => run.logs.some(log => log.text === "looping"));
    const asked = Date.now();
    run.connection.stop();
    await run.closed;
    expect(run.end?.status).toBe("stopped");
    expect((run.end?.endedAt ?? 0) - asked).toBeLessThan(2000);
    expect(run.logs.at(-1)?.text).toContain("did not give way within a second");
    expect(run.stored().losses).toHaveLength(run.steps);
    expect(run.steps).toBeGreaterThan(0);
  });

  test("is understood as SIGTERM too", async () => {
    project.write("a.ts", `${LOOP}await steps(1e6);`);
    const run = await project.start("a.ts");
    await run.until(() => run.steps >= 5);
    process.kill(run.record.pid, "SIGTERM");
    await run.closed;
    expect(run.end?.status).toBe("stopped");
    expectPoints(run, run.steps);
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

test("a loop without zeroGrad() is told, at its step, beside a learning rate that is no use", async () => {
  const lines = [
    'import { nn, optim, tensor } from "stepscope";',
    "const x = new nn.Parameter(tensor([4]));",
    "const optimizer = new optim.SGD([x], { lr: 1e-6 });",
    "for (let i = 0; i < 200; i++) {",
    "  x.square().sum().backward();",
    "  await optimizer.step();",
    "}",
  ];
  const script = project.write("piles.ts", lines.join("\n"));
  const run = await project.run("piles.ts");
  const { findings } = run.stored().record;
  expect(findings).toMatchObject([
    {
      code: "loop.zeroGrad",
      severity: "error",
      since: 4,
      location: { file: script, line: 6, column: 19 },
    },
  ]);
  expect(run.messages).toContainEqual({ type: "finding", finding: findings[0] });
});
