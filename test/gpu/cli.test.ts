/** The command line, as a program that others run: what it prints, and how it ends. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { livingSidecars } from "../../runtime/store/registry.ts";
import { objects, startCommand } from "./command.ts";
import { LOOP, loopLoss, sleep, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
});

afterEach(() => project.end());

function start(...args: string[]) {
  return startCommand(project.folder, ...args);
}

function stepscope(...args: string[]) {
  return start(...args).ended;
}

describe("train --json", () => {
  test("says the run, every step in order, the logs and the end", async () => {
    const script = project.write(
      "a.ts",
      `import { data, manualSeed, nn, optim, randn, zeros } from "stepscope";
       manualSeed(5);
       const model = new nn.Sequential(new nn.Linear(3, 2), new nn.Tanh(), new nn.Linear(2, 1));
       const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
       const set = new data.TensorDataset(randn(40, 3), zeros(40, 1));
       const loader = new data.DataLoader(set, { batchSize: 8 });
       for (let epoch = 0; epoch < 5; epoch++) {
         for await (const [x, y] of loader) {
           const loss = new nn.MSELoss().forward(model.forward(x), y);
           optimizer.zeroGrad();
           loss.backward();
           await optimizer.step();
         }
       }
       console.log("done", process.argv[2]);`,
    );
    const { stdout, stderr, code } = await stepscope("train", "a.ts", "--json", "--", "--fast");
    expect(code).toBe(0);
    expect(stderr).toBe("done --fast\n");
    const [run, ...rest] = objects(stdout);
    expect(run).toEqual({
      type: "run",
      id: expect.stringMatching(/^\d{8}-\d{9}-a-[0-9a-f]{4}$/),
      script,
      adapter: {
        vendor: expect.any(String),
        architecture: expect.any(String),
        description: expect.any(String),
        software: expect.any(Boolean),
      },
      seed: 5,
    });
    const steps = rest.filter(({ type }) => type === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    const quantiles = ["min", "p5", "p50", "p95", "max"];
    for (const step of steps) {
      expect(Object.keys(step)).toEqual(
        "type step epoch loss gradNorm clippedGradNorm weightNorm updateNorm stepToWeight travel adamGain microBatches lossMin lossMax noiseScale lossScale skipped lr samples ms bytes params".split(
          " ",
        ),
      );
      expect(step.lr).toEqual([0.01]);
      expect(step.loss).toBeGreaterThan(0);
      expect(step.bytes.gpu).toBeGreaterThan(0);
      expect(Object.keys(step.params)).toEqual(["0.weight", "0.bias", "2.weight", "2.bias"]);
      for (const tensor of Object.values<Record<string, object>>(step.params)) {
        expect(Object.keys(tensor)).toEqual(
          "gradNorm weightNorm stepToWeight signFlips epsDominated nonFinite effectiveLr stepSize".split(
            " ",
          ),
        );
        expect(Object.keys(tensor.effectiveLr ?? {})).toEqual(quantiles);
        expect(Object.keys(tensor.stepSize ?? {})).toEqual(quantiles);
      }
    }
    expect(steps.at(-1).epoch).toBeCloseTo(5);
    const { gpu, ...host } = steps.at(-1).ms;
    expect(Object.keys(host)).toEqual(["step", "forward", "backward", "wait"]);
    const number = expect.any(Number);
    expect(gpu).toEqual({ forward: number, backward: number, step: number });
    expect(rest.filter(({ type }) => type === "log")).toEqual([
      { type: "log", level: "info", text: "done --fast" },
    ]);
    const end = { type: "end", status: "completed", steps: 25, finalLoss: steps.at(-1).loss };
    expect(rest.at(-1)).toEqual(end);
  });

  test("writes null for what SGD does not define, and strings for what is no number", async () => {
    project.write(
      "a.ts",
      `import { nn, optim, tensor } from "stepscope";
       const x = new nn.Parameter(tensor([1]));
       const optimizer = new optim.SGD([x], { lr: 1 });
       for (const scale of [1, Infinity, 1]) {
         const loss = x.mul(scale).sum();
         optimizer.zeroGrad();
         loss.backward();
         await optimizer.step();
       }`,
    );
    const { stdout } = await stepscope("train", "a.ts", "--json");
    const steps = objects(stdout).filter(({ type }) => type === "step");
    expect(steps[0]).toMatchObject({ loss: 1, epoch: null, adamGain: null, gradNorm: 1 });
    const [tensor] = Object.values<Record<string, unknown>>(steps[0].params);
    expect(tensor).toMatchObject({ signFlips: null, epsDominated: null, nonFinite: 0 });
    expect(tensor?.effectiveLr).toEqual({ min: 1, p5: 1, p50: 1, p95: 1, max: 1 });
    const losses = steps.map(({ loss }) => loss);
    expect(losses.slice(1).every(loss => typeof loss === "string")).toBe(true);
    expect(["NaN", "Infinity", "-Infinity"]).toContain(losses[2]);
    expect(objects(stdout).at(-1).finalLoss).toBe(losses[2]);
  });

  test("says the metrics that the script logs, which the store keeps", async () => {
    project.write(
      "a.ts",
      `${LOOP.replace("nn,", "log, nn,")}
       log({ start: 1 });
       await steps(3);
       log({ "val/loss": x.square().sum(), "val/odd": NaN });
       await steps(1);
       log({ last: x });`,
    );
    const { stdout } = await stepscope("train", "a.ts", "--json");
    const metrics = objects(stdout).filter(({ type }) => type === "metric");
    expect(metrics).toEqual([
      { type: "metric", step: 0, name: "start", value: 1 },
      { type: "metric", step: 3, name: "val/loss", value: expect.closeTo(loopLoss(4), 5) },
      { type: "metric", step: 3, name: "val/odd", value: "NaN" },
      { type: "metric", step: 4, name: "last", value: expect.closeTo(4 * 0.8 ** 4, 5) },
    ]);
    const { stdout: plain } = await stepscope("train", "a.ts");
    expect(plain).toMatch(/val\/loss 4\.194 · val\/odd NaN · last 1\.638/);
  });

  test("of a script that fails ends with the error", async () => {
    const script = project.write("a.ts", `${LOOP}await steps(7);\nthrow new Error("enough");`);
    const { stdout, code } = await stepscope("train", "a.ts", "--json");
    expect(code).toBe(1);
    const all = objects(stdout);
    expect(all.filter(({ type }) => type === "step")).toHaveLength(7);
    expect(all.at(-1)).toMatchObject({
      type: "end",
      status: "failed",
      steps: 7,
      error: { message: "enough", location: { file: script, column: 7 } },
    });
  });

  test("of a script that does not compile is a run and an end", async () => {
    project.write("a.ts", `let = ;`);
    const { stdout, code } = await stepscope("train", "a.ts", "--json");
    expect(code).toBe(1);
    expect(objects(stdout)).toMatchObject([
      { type: "run", adapter: null, seed: 0 },
      { type: "end", status: "failed", steps: 0, finalLoss: null, error: {} },
    ]);
  });

  test("of a killed sidecar has every step that was stored, and says crashed", async () => {
    project.write("a.ts", `${LOOP}await steps(1e6);`);
    const { output, ended } = start("train", "a.ts", "--json");
    while (output.stdout.split("\n").length < 30) await sleep(10);
    const [run] = project.runs();
    process.kill(run?.pid ?? 0, "SIGKILL");
    const { stdout, code } = await ended;
    expect(code).toBe(1);
    const all = objects(stdout);
    const steps = all.filter(({ type }) => type === "step");
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(all.at(-1)).toMatchObject({ type: "end", status: "crashed", steps: steps.length });
    expect(project.runs()).toMatchObject([{ status: "crashed", steps: steps.length }]);
    // The next command clears what the killed process has left.
    expect(livingSidecars()).toEqual([]);
  });
});

describe("train", () => {
  test("prints lines where there is no terminal", async () => {
    project.write("a.ts", `${LOOP}await steps(20); console.log("x is small"); console.warn("hm");`);
    const { stdout, stderr, code } = await stepscope("train", "a.ts", "--seed", "3");
    expect(code).toBe(0);
    expect(stderr).toBe("hm\n");
    expect(stdout).not.toContain("\x1b");
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^a\.ts on .*, seed 3$/);
    expect(lines).toContain("x is small");
    expect(stdout).toMatch(/^step 20 · loss 0\.003323 · ‖g‖ 0\.1153 · η 0\.1( · .* steps\/s)?$/m);
    expect(lines.at(-1)).toMatch(/^completed after 20 steps in \d+\.\d s, loss 0\.003323$/);
    expect(loopLoss(20).toPrecision(4)).toBe("0.003323");
  });

  test("says where and why a script failed", async () => {
    const script = project.write("a.ts", `\n${LOOP}const a: = 1;`);
    const { stderr, code } = await stepscope("train", "a.ts");
    expect(code).toBe(1);
    expect(stderr).toContain(`${script}:${LOOP.split("\n").length + 1}:10`);
    expect(stderr).toContain('Unexpected "="');
    expect((await stepscope("find-lr", "a.ts")).stderr).toBe(`stepscope: ${stderr}`);
  });

  test("stops at Ctrl+C with code 130", async () => {
    project.write("a.ts", `${LOOP}console.log("go"); await steps(1e6);`);
    const { child, output, ended } = start("train", "a.ts");
    while (!output.stdout.includes("step ")) await sleep(10);
    child.kill("SIGINT");
    const { stdout, code } = await ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^stopped after /m);
    expect(project.runs()).toMatchObject([{ status: "stopped" }]);
  });

  test("takes its run along when it is killed", async () => {
    project.write("a.ts", `${LOOP}console.log("go"); await steps(1e6);`);
    const { child, output, ended } = start("train", "a.ts");
    while (!output.stdout.includes("step ")) await sleep(10);
    child.kill("SIGKILL");
    await ended;
    while (livingSidecars().length > 0) await sleep(50);
    const [run] = project.runs();
    expect(run?.status).toBe("stopped");
    expect(run?.steps).toBeGreaterThan(0);
  });

  test("stops when nobody reads its output any more", async () => {
    project.write("a.ts", `${LOOP}await steps(1e6);`);
    const { child, output, ended } = start("train", "a.ts", "--json");
    while (!output.stdout.includes('"step":5,')) await sleep(10);
    child.stdout.destroy();
    const { stderr, code } = await ended;
    expect(code).toBe(130);
    expect(stderr).toBe("");
    expect(project.runs()).toMatchObject([{ status: "stopped" }]);
  });
});

test.each([
  [["--help"], "stepscope train FILE", "stepscope doctor"],
  [["train", "--help"], "stepscope train FILE", "--rewind-memory"],
  [["export", "-h"], "stepscope export [RUN]", "--format F"],
  [["help", "sweep"], "stepscope sweep FILE", "--emit ENGINE"],
])("help is there: %j", async (args, ...lines) => {
  const { stdout, code } = await stepscope(...args);
  expect(code).toBe(0);
  for (const line of lines) expect(stdout).toContain(line);
  // What options do stands in one column.
  const columns = [...stdout.matchAll(/^ {6}[A-Z-]\S+(?: [A-Z.]+)? +/gim)].map(
    ([left]) => left.length,
  );
  expect([...new Set(columns)]).toEqual([columns[0]]);
  // That of a command is of no other.
  expect(stdout.includes("stepscope doctor")).toBe(args.length === 1);
});

describe("wrong usage ends with code 2 and says what is wrong", () => {
  test.each([
    [[], "A command is missing."],
    [["tarin"], 'There is no command "tarin".'],
    [["train"], "train: FILE is missing."],
    [["train", "a.ts", "b.ts"], 'Unexpected: b.ts. Arguments for a script come after "--".'],
    [
      ["train", "a.ts", "--rate", "1"],
      "There is no option --rate of this command.\nTry: stepscope train --help",
    ],
    [["train", "a.ts", "--lr", "0"], "--lr: expected a learning rate above 0, such as 1e-3"],
    [["train", "a.ts", "--tag", "a b"], '--tag: expected one word, got "a b".'],
    [["sweep"], "sweep: FILE is missing."],
    [["sweep", "a.ts"], "sweep: --lr is missing, such as --lr 1e-4..1e-1."],
    [["sweep", "a.ts", "--lr", "1..2", "--seeds", "0"], "--seeds: expected a whole number of at"],
    [["sweep", "a.ts", "--lr", "1", "--emit", "pbs"], "--emit: expected slurm, kubernetes, ray"],
    [["sweep", "gone.ts", "--lr", "1"], "There is no file"],
    [["train", "a.ts", "--seed", "x"], '--seed: expected a whole number below 2³², got "x".'],
    [["find-lr", "a.ts", "--steps", "5"], "--steps: at least 20 rates are needed, got 5."],
    [["train", "a.ts", "--lr"], "--lr: a value is missing.\n"],
    [["train", "a.ts", "--lr", "-1"], "begins with a dash: then it is written --lr=-1."],
    [
      ["train", "a.ts", "--lr=-1"],
      '--lr: expected a learning rate above 0, such as 1e-3, got "-1".',
    ],
    [["train", "a.ts", "--json=1"], "--json: takes no value."],
    [["doctor", "now"], "Unexpected: now.\n"],
    [["runs", "gone"], "There is no folder "],
    [["export"], '/.stepscope/runs: "stepscope train FILE" makes one.'],
    [["view", "gone"], 'There is no run "gone" in '],
    [["import"], "import: PATH is missing."],
    [["import", "gone"], "There is no file or folder "],
    [["export", "--format", "xls"], '--format: expected csv, json, tensorboard, got "xls".'],
    [["train", "gone.ts"], "There is no file"],
    [["train", "."], "is a folder; a file is needed."],
    [["train", "package.json"], "is no script: a TypeScript or JavaScript file is needed."],
  ])("%j", async (args, reason) => {
    const { stdout, stderr, code } = await stepscope(...args);
    expect(stderr).toContain(reason);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

test("--help and --version", async () => {
  expect((await stepscope("--help")).stdout).toContain("stepscope train FILE");
  expect((await stepscope("--version")).stdout).toBe(`${manifest.version}\n`);
});

test("runs lists what was trained, the newest first; export writes one", async () => {
  expect((await stepscope("runs")).stderr).toContain("No runs in");
  project.write("a.ts", `${LOOP}await steps(3);`);
  project.write("b.ts", `${LOOP}throw new Error("no");`);
  await stepscope("train", "a.ts");
  await stepscope("train", "b.ts");
  const { stdout, code } = await stepscope("runs");
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toEqual([
    expect.stringMatching(/-b-.* failed .* 0 steps/),
    expect.stringMatching(/-a-.* completed .* 3 steps {2}loss 6\.554/),
  ]);
  const { stdout: diff } = await stepscope("diff", "a-", "b-");
  expect(diff).toMatch(/^script +\S+a\.ts +\S+b\.ts$/m);
  expect(diff).toMatch(/^lr +0\.1 +–$/m);
  expect(diff).toContain('+throw new Error("no");');
  const same = await stepscope("diff", "a-", "a-", "--json");
  expect(JSON.parse(same.stdout)).toMatchObject({ configuration: [], source: "" });
  expect((await stepscope("diff", "a-")).stderr).toContain("diff: two runs are needed");
  expect((await stepscope("baseline", "a-")).stdout).toMatch(/-a-....\n$/);
  expect((await stepscope("runs")).stdout).toMatch(/-a-.* \[baseline\]\n$/);
  expect((await stepscope("baseline", "--none")).stdout).toBe("No run is pinned.\n");
  expect((await stepscope("baseline", "a-", "--none")).stderr).toContain("a RUN or --none");
  const exported = await stepscope("export", "a-", "--output", "steps");
  expect(exported).toMatchObject({ stdout: `${join(project.folder, "steps")}\n`, code: 0 });
  expect(readFileSync(join(project.folder, "steps", "steps.csv"), "utf8")).toContain("\r\n3,");
  project.write("idle.ts", "");
  const idle = await stepscope("train", "idle.ts");
  expect(idle.stderr).toContain("No optimizer took a step, so that nothing was measured.");
  expect((await stepscope("export", "idle")).stderr).toContain("has no steps: there is nothing to");
});

test("a run keeps the commit of its repository and what was changed since, and diff says them", async () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.org", ...args], {
      cwd: project.folder,
      encoding: "utf8",
    });
  project.write("a.ts", `${LOOP} await steps(2);`);
  project.write(".gitignore", ".stepscope\n");
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "First");
  await stepscope("train", "a.ts");
  project.write("a.ts", `${LOOP} await steps(3);`);
  await stepscope("train", "a.ts");
  const [changed, clean] = project.runs();
  if (!changed || !clean) throw new Error("There should be two runs.");
  const commit = git("rev-parse", "HEAD").trim();
  expect(clean.repository).toEqual({ commit, changedFiles: 0 });
  expect(changed.repository).toMatchObject({ commit, changedFiles: 1 });
  const folder = join(project.folder, ".stepscope", "runs", changed.id);
  expect(readFileSync(join(folder, "changes.patch"), "utf8")).toBe(git("diff", "--full-index"));
  const { stdout } = await stepscope("diff", clean.id, changed.id);
  expect(stdout).toMatch(/^uncommitted changes +none +1 file, [0-9a-f]{16}$/m);
});

test("doctor names the adapter, and what was tried where there is none", async () => {
  const { stdout, code } = await stepscope("doctor");
  expect(code).toBe(0);
  for (const name of ["node", "runs", "tried", "adapter", "kind", "maxBufferSize"]) {
    expect(stdout).toMatch(new RegExp(`^${name} `, "m"));
  }
  const hidden = { STEPSCOPE_ADAPTER: "gpu", VK_ICD_FILENAMES: "/nowhere.json" };
  const before = Object.keys(hidden).map(name => [name, process.env[name]] as const);
  Object.assign(process.env, hidden);
  const without = await stepscope("doctor");
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  expect(without.code).toBe(1);
  expect(without.stderr).toContain("No WebGPU adapter was found.");
});

test("train --resume goes on where a run was stopped, with its file and arguments", async () => {
  project.write(
    "a.ts",
    `import { Checkpoints, nn, optim, tensor } from "stepscope";
     const model = new nn.Linear(1, 1, { bias: false });
     model.loadStateDict({ weight: tensor([[4]]) });
     const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
     const checkpoints = new Checkpoints({ model, optimizer });
     const { step: done = 0 } = (await checkpoints.resume()) ?? {};
     console.log(done, ...process.argv.slice(2));
     for (let step = done + 1; done === 0 || step <= done + 5; step++) {
       const loss = model.forward(tensor([[1]])).square().sum();
       optimizer.zeroGrad();
       loss.backward();
       await optimizer.step();
       await checkpoints.saveIfDue({ step });
     }`,
  );
  const { child, output, ended } = start("train", "a.ts", "--json", "--", "--fast");
  while (!output.stdout.includes('"type":"step","step":20,')) await sleep(5);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  const [{ id }] = objects(output.stdout);
  const { stdout, stderr, code } = await stepscope("train", "--resume", id, "--json");
  expect(code).toBe(0);
  const [, done] = /^(\d+) --fast\n$/.exec(stderr) ?? [];
  expect(Number(done)).toBeGreaterThanOrEqual(20);
  const losses = objects(stdout).flatMap(({ type, loss }) => (type === "step" ? [loss] : []));
  expect(losses).toHaveLength(5);
  // x ← 0.98 · x, from 4, as if it had not been stopped.
  losses.forEach((loss, i) => {
    expect(loss / (16 * 0.9604 ** (Number(done) + i))).toBeCloseTo(1, 3);
  });
});

/** Saves its last checkpoint later than somebody who clicks Stop would wait for. */
const SLOW = `import { setTimeout as sleep } from "node:timers/promises";
     import { Checkpoints, nn, optim, tensor } from "stepscope";
     const model = new nn.Linear(1, 1);
     const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
     const checkpoints = new Checkpoints({ model, optimizer });
     const resumed = await checkpoints.resume();
     const done = resumed?.step ?? 0;
     console.log("from", done);
     for (let step = done + 1; done === 0 || step <= done + 1; step++) {
       optimizer.zeroGrad();
       model.forward(tensor([[1]])).square().sum().backward();
       await optimizer.step();
       // Longer than somebody who clicks Stop would wait.
       if (done === 0) await sleep(1200);
       await checkpoints.saveIfDue({ step });
     }`;

test("a run that nobody watches any more stops with a checkpoint, and is resumed from it", async () => {
  project.write("slow.ts", SLOW);
  const run = await project.start("slow.ts", { graceMs: 200 });
  await run.until(() => run.steps >= 2);
  run.connection.detach();
  while (livingSidecars().length > 0) await sleep(20);
  expect(await project.survivors()).toEqual([]);
  expect(run.stored().record.status).toBe("stopped");
  const { stderr, code } = await stepscope("train", "--resume", run.record.id, "--json");
  expect(code).toBe(0);
  // What it was in when it was told to stop is the last that is saved.
  expect(Number(/^from (\d+)\n$/.exec(stderr)?.[1])).toBeGreaterThanOrEqual(run.steps);
});

test("a run whose process is terminated has time for its last checkpoint", async () => {
  project.write("slow.ts", SLOW);
  const run = await project.start("slow.ts");
  await run.until(() => run.steps >= 2);
  const { steps } = run;
  process.kill(run.record.pid, "SIGTERM");
  await run.closed;
  expect(run.end?.status).toBe("stopped");
  const saved = readdirSync(join(run.connection.runFolder, "checkpoints"));
  expect(saved).toHaveLength(1);
  expect(Number(/^step-(\d+)/.exec(saved[0] ?? "")?.[1])).toBeGreaterThanOrEqual(steps);
});

test("find-lr suggests a learning rate, and leaves no run", async () => {
  project.write("a.ts", `${LOOP} await steps(900);`);
  const { stdout, code } = await stepscope("find-lr", "a.ts", "--steps", "30", "--json");
  expect(code).toBe(0);
  const [found, ...others] = objects(stdout);
  expect(others).toEqual([]);
  // The loss is x², which is 0 after a step at 0.5, and explodes at rates above 1.
  expect(found).toMatchObject({ type: "learningRate", lr: 0.1, travel: { steps: 16 } });
  expect(found.confidence).toBe("high");
  expect(Math.abs(Math.log10(found.suggestion / 0.5))).toBeLessThan(0.3);
  expect(found.range.curve[0]).toEqual({ lr: 1e-7, loss: 16, smoothed: 16 });
  expect(found.travel.lr).toBeCloseTo(found.range.suggestion, 12);
  expect(found.trials[0]).toEqual({ lr: 0, steps: 75, loss: 16 });
  expect(found.trials.length).toBeGreaterThan(3);
  expect(project.runs()).toEqual([]);

  const told = await stepscope("find-lr", "a.ts", "--steps", "30");
  const rates = found.trials.map(({ lr }: { lr: number }) => Number(lr.toPrecision(2)));
  for (const rate of rates) expect(told.stdout).toContain(`  η ${rate} `);
  expect(told.stdout).toContain("75 steps from the start at each, on the same batches:");
  expect(told.stdout).toContain(
    `Try a learning rate of ${found.suggestion} (the script has 0.1). Confidence: high, a lower and a higher one are worse.`,
  );
});

test("find-lr says what it knows where the script ends before it does", async () => {
  project.write("a.ts", `${LOOP} await steps(100);`);
  const { stdout, code } = await stepscope("find-lr", "a.ts", "--steps", "30");
  expect(code).toBe(0);
  expect(stdout).toMatch(/Try a learning rate of [\d.]+ \(the script has 0\.1\)\./);
  expect(stdout).toContain("Confidence: low, the script ended before those around it were tried.");

  const early = await stepscope("find-lr", "a.ts", "--steps", "200");
  expect(early.code).toBe(1);
  expect(early.stderr).toContain(
    "The script ended after 99 steps, before all learning rates were tried.",
  );
});
