/** From the click on the lens to the last point on the chart, in a real VS Code in a real browser. */
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { type StepBatch, stepValue, tensorValue } from "../../runtime/protocol/steps.ts";
import { listRuns } from "../../runtime/store/list.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { CHARTS, type ChartName, PanelPage } from "../host/panel.ts";
import { processesWith, type RunningProcess } from "../host/processes.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import type { Workbench } from "../host/workbench.ts";
import { useWindow } from "./window.ts";

const ROOT = join(import.meta.dirname, "../..");
const MARK = "STEPSCOPE_TEST_MARK";
const mark = randomUUID();

/** How long a run goes on when VS Code is closed for good. */
const GRACE_SECONDS = 5;

/** A project of a user: the examples, and stepscope installed. */
let project: string;
/** Where sidecars have their sockets and say that they live. */
const runtime = mkdtempSync(join(tmpdir(), "stepscope-rt-"));
let server: Server;
let workbench: Workbench;
let panel: PanelPage;

beforeAll(async () => {
  project = createProject({ installed: true, endless: true });
  saveCheckpoints(join(project, "digits.ts"));
  server = await startServer({
    workspace: project,
    extension: ROOT,
    environment: { [MARK]: mark, XDG_RUNTIME_DIR: runtime },
    settings: { "window.autoDetectColorScheme": true },
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  killAll(processesWith(MARK, mark));
  for (const each of [project, runtime]) rmSync(each, { recursive: true, force: true });
});

const window = useWindow("whole-path", () => server, {
  width: 1600,
  height: 1000,
  colorScheme: "light",
});
beforeEach(async () => {
  workbench = window();
  panel = new PanelPage(workbench);
  await workbench.page.emulateMedia({ colorScheme: "light" });
  await workbench.openFile("digits.ts");
});
// Where a test has failed its run must not stand in the way of the next one.
afterEach(() => killAll(sidecars()));

test("a click on the lens trains, the charts show what the store holds, Stop ends it", async () => {
  await workbench.clickLens("▶ Train", "■ Stop");
  for (const chart of CHARTS) {
    const early = await panel.drawn(chart, 1);
    const late = await panel.drawn(chart, early.step + 20);
    expect(late.step).toBeGreaterThan(early.step);
    expect(late.points).toBe(late.step);
  }
  expect(await panel.adapter()).not.toBe("–");
  expect(sidecars()).toHaveLength(1);
  await workbench.screenshot("panel-light");
  await workbench.page.emulateMedia({ colorScheme: "dark" });
  await panel.drawn("loss", (await panel.drawn("loss", 1)).step + 20);
  await workbench.screenshot("panel-dark");

  await workbench.clickLens("■ Stop", "▶ Train");
  await stopped();
  await expectChartsOfStore();
});

test("a window that is reloaded during a run comes back with the run and the queue", async () => {
  await workbench.clickLens("▶ Train", "■ Stop");
  // The panel shows the run of before until it has this one.
  await panel.status("Running");
  const before = await panel.drawn("loss", 20);
  const [running] = sidecars();
  await workbench.openFile("parabola.ts");
  await workbench.titleButton("Train").click();
  await workbench.statusBarItem("1 queued").waitFor();

  await workbench.reload();
  const after = await panel.drawn("loss", before.step + 20);
  expect(after.points).toBe(after.step);
  await workbench.statusBarItem("1 queued").waitFor();

  await workbench.screenshot("queued");
  expect(sidecars()).toEqual([running]);

  await workbench.titleButton("Stop Training").click();
  await workbench.statusBarItem("1 queued").waitFor({ state: "hidden" });
  await panel.stop();
  await stopped();
  await expectChartsOfStore();
});

test("a panel that was hidden and is shown again has missed nothing", async () => {
  await workbench.clickLens("▶ Train", "■ Stop");
  // The panel shows the run of before until it has this one.
  await panel.status("Running");
  const before = await panel.drawn("loss", 20);

  await workbench.tab("Stepscope").click();
  await workbench.openFile("parabola.ts");
  await workbench.page.locator("iframe.webview.ready").waitFor({ state: "hidden" });
  await stepsInStore(before.step + 100);
  await workbench.tab("Stepscope").click();
  const after = await panel.drawn("loss", before.step + 100);
  expect(after.points).toBe(after.step);

  await workbench.tab("digits.ts").first().click();
  await workbench.titleButton("Stop Training").click();
  await stopped();
  await expectChartsOfStore();
});

test("the steps of the walkthrough are done when one has done the thing", async () => {
  await workbench.command("Stepscope: Gradient Descent, Hands On");
  await workbench.page.getByRole("button", { name: "Open parabola.ts" }).click();
  await workbench.lens("▶ Train").waitFor();
  await workbench.command("Stepscope: Train Step by Step");
  await panel.drawn("loss", 1);
  await panel.control("Step", 2);
  await panel.setRate(0.9);
  await panel.control("Step", 3);
  expect(await panel.picture(3)).toContain("at η 0.9");
  await panel.setRate(1.1);
  await panel.control("Take so many steps", 13);
  await workbench.screenshot("walkthrough-diverged");
  await panel.control("Take the last change back", 13);
  await panel.setRate(0.3);
  await panel.control("Take so many steps", 23);
  await panel.stop();
  await panel.status("Stopped");

  // The example has taken its place.
  await workbench.command("Stepscope: Gradient Descent, Hands On");
  await workbench.page.getByRole("button", { name: "Compare SGD with Adam" }).click();
  await workbench.page.getByRole("button", { name: "Open regression.ts" }).click();
  const example = "stepscope-examples/regression.ts";
  await trainRegression(1);
  edit(example, "optim.Adam(", "optim.SGD(");
  await trainRegression(2);
  await panel.compare("regression.ts");
  await workbench.screenshot("walkthrough-compared");
  edit(
    example,
    "const lossFn",
    "const warmup = new optim.lrScheduler.LinearLR(optimizer, { startFactor: 0.1, totalIters: 50 });\n$&",
  );
  edit(example, "await optimizer.step();", "$&\n    warmup.step();");
  await trainRegression(3);

  await workbench.command("Stepscope: Gradient Descent, Hands On");
  const done = workbench.page.locator(
    '[data-done-step-id*="#gradientDescent#"][aria-checked="true"]',
  );
  const names = () =>
    done.evaluateAll(all =>
      all.map(each => each.getAttribute("data-done-step-id")?.split("#").at(-1)),
    );
  await expect
    .poll(names, { timeout: 20_000 })
    .toEqual(["stepped", "overshot", "diverged", "rewound", "fixed", "compared", "warmedUp"]);
  await workbench.screenshot("walkthrough");
});

test("when VS Code is closed for good, the run stops after the grace time and leaves a checkpoint", async () => {
  mkdirSync(join(project, ".vscode"));
  const settings = JSON.stringify({ "stepscope.runs.graceTime": GRACE_SECONDS });
  writeFileSync(join(project, ".vscode/settings.json"), settings);
  // A window that is open hears of it some time later.
  await workbench.reload();
  await workbench.clickLens("▶ Train", "■ Stop");
  await panel.drawn("loss", 5);
  await server[Symbol.asyncDispose]();
  expect(sidecars()).toHaveLength(1);
  await expect.poll(sidecars, { timeout: 1000 * GRACE_SECONDS + 30_000 }).toEqual([]);
  expect(readdirSync(runtime, { recursive: true }).filter(isSidecars)).toEqual([]);
  const { folder, record } = newestRun();
  expect(record.status).toBe("stopped");
  const [checkpoint] = readdirSync(join(folder, "checkpoints"));
  expect(checkpoint).toMatch(/^step-\d+\.safetensors$/);
});

/** Trains the regression, which then has completed so many times. */
async function trainRegression(times: number): Promise<void> {
  await workbench.tab("regression.ts").first().click();
  await workbench.lens("▶ Train").waitFor();
  await workbench.titleButton("Train").click();
  const completed = () =>
    listRuns(project).runs.filter(
      ({ record }) => record.script.endsWith("regression.ts") && record.status === "completed",
    ).length;
  await expect.poll(completed, { timeout: 60_000 }).toBe(times);
}

/** Writes into a script, as an editor does that saves it. */
function edit(name: string, before: string, after: string): void {
  const file = join(project, name);
  writeFileSync(file, readFileSync(file, "utf8").replace(before, after));
}

async function stopped(): Promise<void> {
  await panel.status("Stopped");
  await expect.poll(sidecars, { timeout: 60_000 }).toEqual([]);
}

function killAll(processes: readonly RunningProcess[]): void {
  for (const { pid } of processes) process.kill(pid, "SIGKILL");
}

/** Processes that run a training script. */
function sidecars(): RunningProcess[] {
  return processesWith(MARK, mark).filter(({ command }) => command.includes("sidecar"));
}

/** Whether a file is one of those by which a sidecar is reached. */
function isSidecars(file: unknown): boolean {
  return /stepscope-.*\.(sock|json)/.test(String(file));
}

/** Has the digits example save a checkpoint when it is stopped. */
function saveCheckpoints(digits: string): void {
  const text = readFileSync(digits, "utf8")
    .replace("import { data,", "import { Checkpoints, data,")
    .replace(
      "for (let epoch",
      "const checkpoints = new Checkpoints({ model, optimizer });\nlet step = 0;\n$&",
    )
    .replace("await optimizer.step();", "$& await checkpoints.saveIfDue({ step: ++step });");
  writeFileSync(digits, text);
}

/** Every chart has all steps of the newest run, and ends with the value that the store has. */
async function expectChartsOfStore(): Promise<void> {
  const { record, last } = newestRun();
  expect(record.status).toBe("stopped");
  const row = last.count - 1;
  const expected: Record<ChartName, number> = {
    loss: stepValue(last, row, "loss"),
    gradNorm: stepValue(last, row, "gradNorm"),
    effectiveLr: tensorValue(last, row, 0, "effectiveLrP50"),
    stepSize: tensorValue(last, row, 0, "stepSizeP50"),
    lr: last.lr[row * last.groups] ?? Number.NaN,
  };
  for (const chart of CHARTS) {
    const { step, value, points } = await panel.drawn(chart, record.steps);
    expect([chart, step, points]).toEqual([chart, record.steps, record.steps]);
    expect(value, chart).toBeCloseTo(expected[chart], 12);
  }
}

function newestRun(): { folder: string; record: RunRecord; last: StepBatch } {
  const [run] = listRuns(project).runs;
  if (!run) throw new Error(`There is no run in ${project}`);
  const reader = openRun(run.folder);
  try {
    const last = [...reader.steps(run.record.steps)].at(-1);
    if (!last) throw new Error("The run has no step");
    return { folder: run.folder, record: run.record, last };
  } finally {
    reader.close();
  }
}

/** Waits until the newest run has recorded `steps` steps. */
async function stepsInStore(steps: number): Promise<void> {
  await expect.poll(() => newestRun().record.steps, { timeout: 60_000 }).toBeGreaterThan(steps);
}
