/** Runs whose learning rate and seed are given, sweeps of them, and what they are as jobs of an engine. */
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jobText } from "../../runtime/cli/jobs.ts";
import { readNotes } from "../../runtime/store/notes.ts";
import { runsFolder } from "../../runtime/store/paths.ts";
import { follow, objects, startCommand } from "./command.ts";
import { CLI, LOOP, loopLoss, sleep, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
});

afterEach(() => project.end());

const start = (...args: string[]) => startCommand(project.folder, ...args);
const stepscope = (...args: string[]) => start(...args).ended;

const stepsOf = (stdout: string) => objects(stdout).filter(({ type }) => type === "step");

describe("train", () => {
  /** Two groups and a schedule, which warms up. */
  const scheduled = (lr: number) => `
    import { manualSeed, nn, optim, randn } from "stepscope";
    manualSeed(3);
    const [a, b] = [new nn.Parameter(randn(4)), new nn.Parameter(randn(4))];
    const optimizer = new optim.Adam([{ params: [a] }, { params: [b], lr: ${10 * lr} }], { lr: ${lr} });
    const scheduler = new optim.lrScheduler.LambdaLR(optimizer, {
      lrLambda: step => Math.min(1, (step + 1) / 4),
    });
    for (let step = 0; step < 8; step++) {
      const loss = a.sub(1).square().add(b.add(2).square()).sum();
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
      scheduler.step();
    }`;

  test("--lr takes the place of the script's, as if that had it: schedule and groups follow", async () => {
    project.write("written.ts", scheduled(0.05));
    project.write("given.ts", scheduled(0.01));
    const written = stepsOf((await stepscope("train", "written.ts", "--json")).stdout);
    const given = stepsOf((await stepscope("train", "given.ts", "--lr", "0.05", "--json")).stdout);
    expect(given).toHaveLength(8);
    expect(given.map(({ loss }) => loss)).toEqual(written.map(({ loss }) => loss));
    const rates = (steps: typeof given) => steps.flatMap(({ lr }) => lr);
    rates(given).forEach((lr, i) => {
      expect(lr).toBeCloseTo(rates(written)[i], 15);
    });
    const [run] = project.runs();
    expect(run).toMatchObject({
      overrides: { lr: 0.05 },
      changes: [
        { step: 1, group: 0, name: "lrFactor", from: 1, to: 5 },
        { step: 1, group: 1, name: "lrFactor", from: 1, to: 5 },
      ],
    });
    // The script's own options stay what they are.
    expect(run?.groups?.[0]?.options.lr).not.toBe("0.05");
  });

  test("--seed-offset moves the script's own seed, and --tag is in the list of runs", async () => {
    project.write("a.ts", scheduled(0.01));
    project.write("b.ts", scheduled(0.01).replace("manualSeed(3)", "manualSeed(5)"));
    const a = await stepscope("train", "a.ts", "--seed-offset", "2", "--tag", "wide", "--json");
    const b = await stepscope("train", "b.ts", "--json");
    expect(stepsOf(a.stdout)[0].loss).toBe(stepsOf(b.stdout)[0].loss);
    expect(objects(a.stdout)[0].seed).toBe(5);
    expect((await stepscope("runs")).stdout).toMatch(/-a-.* #wide\n/);
  });

  test("a run that is resumed has the rate that its script began with, and was given", async () => {
    project.write(
      "a.ts",
      `import { Checkpoints, nn, optim, tensor } from "stepscope";
       const model = new nn.Linear(1, 1);
       const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
       const checkpoints = new Checkpoints({ model, optimizer }, { every: 1 });
       const { step: done = 0 } = (await checkpoints.resume()) ?? {};
       for (let step = done + 1; step <= done + 3; step++) {
         optimizer.zeroGrad();
         model.forward(tensor([[1]])).square().sum().backward();
         await optimizer.step();
         for (const group of optimizer.paramGroups) group.lr /= 2;
         await checkpoints.saveIfDue({ step });
       }`,
    );
    const rates = (stdout: string) => stepsOf(stdout).map(({ lr }) => lr[0]);
    const first = await stepscope("train", "a.ts", "--lr", "0.08", "--json");
    expect(rates(first.stdout)).toEqual([0.08, 0.04, 0.02]);
    const [{ id }] = objects(first.stdout);
    expect(rates((await stepscope("train", "--resume", id, "--json")).stdout)).toEqual([
      0.01, 0.005, 0.0025,
    ]);
  });

  test("a rate of which no factor makes another is told at its step", async () => {
    project.write("a.ts", `${LOOP.replace("lr: 0.1", "lr: 0")} await steps(3);`);
    const { stderr, code } = await stepscope("train", "a.ts", "--lr", "0.1");
    expect(code).toBe(1);
    expect(stderr).toContain("cannot be set to 0.1: the script makes its optimizer with lr: 0");
  });
});

describe("sweep", () => {
  test("trains with every rate and seed, and says which rate is best", async () => {
    project.write("a.ts", `${LOOP} await steps(20);`);
    const sweep = ["sweep", "a.ts", "--lr", "0.01..1", "--points", "3", "--seeds", "2"];
    const { stdout, stderr, code } = await stepscope(...sweep, "--parallel", "2");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\[1\/6\] {2}η 0\.\d+ {2}seed 0 {2}loss \S+ {2}\S+ s {2}about \d+ s left$/m,
    );
    expect(stdout).toMatch(/^0\.1 +2 .* {2}← best$/m);
    const runs = project.runs();
    expect(runs).toHaveLength(6);
    expect(new Set(runs.map(({ overrides, seed }) => `${overrides?.lr} ${seed}`)).size).toBe(6);
    for (const { id } of runs) {
      expect(readNotes(join(runsFolder(project.folder), id)).tags).toEqual(["sweep"]);
    }
    // x ← 0.8 x, from 4: the last twentieth is the last step.
    const again = objects((await stepscope(...sweep, "--json")).stdout);
    expect(again).toHaveLength(7);
    expect(again.slice(0, -1).map(({ isNew }) => isNew)).toEqual(Array(6).fill(false));
    expect(again.at(-1)).toMatchObject({ type: "sweep", tag: "sweep", best: 0.1 });
    expect(again.at(-1).rates[1].values[1]).toBeCloseTo(loopLoss(20), 5);
    expect(project.runs()).toHaveLength(6);
    // The same project in another place, as a machine sees it that it was mounted into.
    const elsewhere = mkdtempSync(join(tmpdir(), "stepscope-elsewhere-"));
    cpSync(project.folder, elsewhere, { recursive: true });
    const there = await startCommand(elsewhere, ...sweep, "--json").ended;
    expect(objects(there.stdout)).toEqual(again);
    rmSync(elsewhere, { recursive: true });
    // Another text of the script is another sweep.
    project.write("a.ts", `${LOOP} await steps(2);`);
    const other = await stepscope("sweep", "a.ts", "--lr", "0.1", "--json");
    expect(objects(other.stdout)[0]).toMatchObject({ steps: 2, isNew: true });
  });

  test("ranks by a metric that the script logs, where one is named", async () => {
    // What is trained gets better with the rate, and the metric is best at the one in the middle.
    project.write(
      "a.ts",
      `import { log } from "stepscope";
       ${LOOP} await steps(20);
       const end = await x.item();
       log({ "val/loss": 9 });
       log({ "val/loss": Math.abs(end - 1), distance: end });`,
    );
    const sweep = ["sweep", "a.ts", "--lr", "0.01..0.1", "--points", "3"];
    const { stdout, code } = await stepscope(...sweep, "--metric", "val/loss");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\[1\/3\] {2}η 0\.01 {2}seed 0 {2}val\/loss 1\.67/m);
    expect(stdout).toMatch(/^By val\/loss as each run logged it last: the least is best\.$/m);
    expect(stdout).toMatch(/^0\.0316 +1 .* {2}← best$/m);
    const byLoss = await stepscope(...sweep);
    expect(byLoss.stdout).toMatch(/^By the training loss over the last twentieth of each run\.$/m);
    expect(byLoss.stdout).toMatch(/^0\.1 +1 .* {2}← best$/m);
    expect(byLoss.stdout).toContain(
      "The runs also logged val/loss: --metric val/loss ranks by it.",
    );
    const great = [...sweep, "--metric", "distance", "--mode", "max", "--json"];
    const lines = objects((await stepscope(...great)).stdout);
    expect(lines[0]).toMatchObject({ type: "trial", lr: 0.01, isNew: false });
    expect(lines[0].value).toBeCloseTo(4 * 0.98 ** 20, 5);
    expect(lines.at(-1)).toMatchObject({ metric: "distance", mode: "max", best: 0.01 });
    // What nobody logs is said of the first run, not of the last.
    const none = await stepscope(...sweep.with(3, "0.2..0.3"), "--metric", "valLoss");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain(
      "The script does not log valLoss: it logs val/loss, distance. A script does by log({ valLoss }).",
    );
    expect(project.runs()).toHaveLength(4);
  });

  test("is stopped by Ctrl+C, and goes on with what has not finished", async () => {
    project.write(
      "a.ts",
      `import { existsSync, writeFileSync } from "node:fs";
       ${LOOP}
       await steps(existsSync("one") && !existsSync("all") ? 1e6 : 3);
       writeFileSync("one", "");`,
    );
    const sweep = ["sweep", "a.ts", "--lr", "0.1..0.2", "--json"];
    const { child, ended } = start(...sweep);
    while (!project.runs().some(({ status, steps }) => status === "running" && steps > 3)) {
      await sleep(20);
    }
    child.kill("SIGINT");
    const { stderr, code } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain("The same command goes on with the runs that have not finished.");
    expect(project.runs().map(({ status }) => status)).toEqual(["stopped", "completed"]);
    project.write("all", "");
    const rest = await stepscope(...sweep);
    expect(rest.code).toBe(0);
    const trials = objects(rest.stdout).slice(0, -1);
    expect(trials.map(({ lr, isNew }) => [lr, isNew])).toEqual([
      [0.1, false],
      [0.2, true],
    ]);
  });

  test("stopped before a run has finished says just that, and later what is known", async () => {
    project.write(
      "a.ts",
      `import { existsSync, writeFileSync } from "node:fs";
       ${LOOP}
       await steps(existsSync("short") && !existsSync("one") ? 3 : 1e6);
       writeFileSync("one", "");`,
    );
    /** Stops it in a run that does not come to an end. */
    const stopped = async () => {
      const { child, ended } = start("sweep", "a.ts", "--lr", "0.1..0.3", "--points", "3");
      while (!project.runs().some(({ status, steps }) => status === "running" && steps > 3)) {
        await sleep(20);
      }
      child.kill("SIGINT");
      return ended;
    };
    const first = await stopped();
    expect(first.code).toBe(130);
    expect(first.stdout).toBe("");
    expect(first.stderr).toContain("Stopped before a run had finished. The same command goes on");
    project.write("short", "");
    const { stdout, stderr } = await stopped();
    // One rate has a result; nothing is said of the others.
    expect(stdout.match(/^0\.\d+ .*$/gm)).toEqual([expect.stringMatching(/^0\.1 +1 .*← best$/)]);
    expect(stderr).toContain("Stopped. The same command goes on");
  });

  test("ends with the first run of a script that gets nowhere, or has no rate to set", async () => {
    project.write("broken.ts", `${LOOP} const a: = 1;`);
    const broken = await stepscope("sweep", "broken.ts", "--lr", "0.1..1");
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('Unexpected "="');
    project.write("none.ts", 'import "stepscope";');
    const none = await stepscope("sweep", "none.ts", "--lr", "0.1..1");
    expect(none.stderr).toContain("The script ended without a step of an optimizer");
    project.write(
      "hand.ts",
      `import { nn, noGrad, tensor } from "stepscope";
       const x = new nn.Parameter(tensor([4]));
       for (let i = 0; i < 3; i++) {
         x.square().sum().backward();
         noGrad(() => x.sub_(x.grad?.mul(0.1) ?? 0));
         x.grad = null;
         await x.data();
       }`,
    );
    const hand = await stepscope("sweep", "hand.ts", "--lr", "0.1..1");
    expect(hand.code).toBe(1);
    expect(hand.stderr).toContain("The script has no optimizer whose learning rate could be set");
  });

  test("goes on with other rates where one run fails, and ends with code 1", async () => {
    project.write(
      "a.ts",
      `${LOOP} await steps(3); if ((await x.item()) > 1) throw new Error("diverged");`,
    );
    const { stdout, stderr, code } = await stepscope(
      "sweep",
      "a.ts",
      "--lr",
      "0.1..1",
      "--points",
      "2",
    );
    expect(code).toBe(1);
    expect(stdout).toContain("failed");
    expect(stderr).toContain("diverged");
    expect(project.runs()).toHaveLength(2);
  });
});

describe("a task of a Slurm array", () => {
  test("saves a checkpoint before its time limit, is queued again, and goes on", async () => {
    project.write(
      "a.ts",
      `import { setTimeout as sleep } from "node:timers/promises";
       import { Checkpoints, nn, optim, tensor } from "stepscope";
       const model = new nn.Linear(1, 1);
       const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
       const checkpoints = new Checkpoints({ model, optimizer });
       const { step: done = 0 } = (await checkpoints.resume()) ?? {};
       console.log("from", done, ...process.argv.slice(2));
       for (let step = done + 1; done === 0 || step <= done + 1; step++) {
         optimizer.zeroGrad();
         model.forward(tensor([[1]])).square().sum().backward();
         await optimizer.step();
         // Longer than somebody who clicks Stop would wait.
         if (done === 0) await sleep(1200);
         await checkpoints.saveIfDue({ step });
       }`,
    );
    const job = project.write(
      "job.sh",
      jobText("slurm", {
        script: "a.ts",
        args: ["two words"],
        rates: [0.1, 0.2],
        seeds: 2,
        measure: { mode: "min" },
        parallel: undefined,
        tag: "array",
      }),
    );
    // The command, and what the script asks of Slurm.
    program("stepscope", `exec ${process.execPath} ${CLI} "$@"`);
    program("scontrol", 'echo "$@" > requeued');
    const task = () =>
      follow(project.folder, "bash", [job], { SLURM_ARRAY_TASK_ID: "3", SLURM_ARRAY_JOB_ID: "77" });
    const { child, output, ended } = task();
    while (!output.stdout.includes('"type":"step","step":2,')) await sleep(20);
    child.kill("SIGUSR1");
    expect((await ended).code).toBe(130);
    expect(readFileSync(project.path("requeued"), "utf8")).toBe("requeue 77_3\n");
    const folder = project.path(".stepscope/checkpoints/array/lr-0.2-seed-1");
    const [file] = readdirSync(folder);
    const again = await task().ended;
    expect(again.code).toBe(0);
    const saved = Number(/step-(\d+)/.exec(file ?? "")?.[1]);
    expect(saved).toBeGreaterThanOrEqual(2);
    expect(again.stderr).toBe(`from ${saved} two words\n`);
    for (const { overrides } of project.runs()) {
      expect(overrides).toEqual({ lr: 0.2, seedOffset: 1 });
    }

    // A task that is cancelled ends, and is not queued again.
    rmSync(folder, { recursive: true });
    rmSync(project.path("requeued"));
    const cancelled = task();
    while (!cancelled.output.stdout.includes('"type":"step","step":1,')) await sleep(20);
    cancelled.child.kill("SIGTERM");
    expect((await cancelled.ended).code).toBe(130);
    expect(readdirSync(project.folder)).not.toContain("requeued");
  });

  /** A program in the folder where a project has those of its packages. */
  function program(name: string, shell: string): void {
    chmodSync(project.write(`node_modules/.bin/${name}`, `#!/bin/sh\n${shell}\n`), 0o755);
  }
});
