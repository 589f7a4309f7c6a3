/** From the click on the lens to the last point on the chart, in a real VS Code in a real browser. */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { type StepBatch, stepValue, tensorValue } from "../../runtime/protocol/steps.ts";
import { listRuns } from "../../runtime/store/list.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { CHARTS, type ChartName, PanelPage } from "../host/panel.ts";
import { processesWith, type RunningProcess } from "../host/processes.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");
const MARK = "STEPSCOPE_TEST_MARK";
const mark = randomUUID();

/** A project of a user: the examples, and stepscope installed. */
let project: string;
let server: Server;
let browser: Browser;
let workbench: Workbench;
let panel: PanelPage;

beforeAll(async () => {
  project = createProject({ installed: true, endless: true });
  server = await startServer({
    workspace: project,
    extension: ROOT,
    environment: { [MARK]: mark },
    settings: { "window.autoDetectColorScheme": true },
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  killAll(processesWith(MARK, mark));
  rmSync(project, { recursive: true, force: true });
});

// A browser of its own: VS Code keeps the layout there, and the next test would begin with this one's.
beforeEach(async () => {
  browser = await launchBrowser({ width: 1600, height: 1000, colorScheme: "light" });
  workbench = await Workbench.open(browser, server);
  panel = new PanelPage(workbench);
  await workbench.openFile("digits.ts");
});
afterEach(async context => {
  if (context.task.result?.state === "fail") await workbench.screenshot("whole-path-failed");
  await browser[Symbol.asyncDispose]();
  // Where a test has failed its run must not stand in the way of the next one.
  killAll(sidecars());
});

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
  await panel.drawn("loss", (await panel.drawn("loss", 1)).step + 200);
  await workbench.screenshot("panel-dark");

  await workbench.clickLens("■ Stop", "▶ Train");
  await stopped();
  await expectChartsOfStore();
});

test("a window that is reloaded during a run comes back with the run", async () => {
  await workbench.clickLens("▶ Train", "■ Stop");
  const before = await panel.drawn("loss", 20);
  const [running] = sidecars();

  await workbench.reload();
  const after = await panel.drawn("loss", before.step + 20);
  expect(after.points).toBe(after.step);
  expect(sidecars()).toEqual([running]);

  await panel.stop();
  await stopped();
  await expectChartsOfStore();
});

test("a panel that was hidden and is shown again has missed nothing", async () => {
  await workbench.clickLens("▶ Train", "■ Stop");
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

function newestRun(): { record: RunRecord; last: StepBatch } {
  const [run] = listRuns(project).runs;
  if (!run) throw new Error(`There is no run in ${project}`);
  const reader = openRun(run.folder);
  try {
    const last = [...reader.steps(run.record.steps)].at(-1);
    if (!last) throw new Error("The run has no step");
    return { record: run.record, last };
  } finally {
    reader.close();
  }
}

/** Waits until the newest run has recorded `steps` steps. */
async function stepsInStore(steps: number): Promise<void> {
  await expect.poll(() => newestRun().record.steps, { timeout: 60_000 }).toBeGreaterThan(steps);
}
