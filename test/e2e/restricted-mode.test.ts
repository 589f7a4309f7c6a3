/** A workspace that is not trusted: its runs can be viewed, its code does not run. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listRuns } from "../../runtime/store/list.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { PanelPage } from "../host/panel.ts";
import { processesWith } from "../host/processes.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");
const MARK = "STEPSCOPE_TEST_MARK";
const mark = randomUUID();
const STEPS = 50;

let project: string;
let server: Server;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  project = createProject({ installed: false });
  const script = join(project, "parabola.ts");
  const train = [join(ROOT, "dist/stepscope.js"), "train", script];
  const { status, stderr } = spawnSync(process.execPath, train, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const environment = { [MARK]: mark };
  server = await startServer({ workspace: project, extension: ROOT, trusted: false, environment });
  browser = await launchBrowser({ width: 1600, height: 1000 });
  workbench = await Workbench.open(browser, server);
  await workbench.openFile("parabola.ts");
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});

test("Train runs nothing, and says what to do", async () => {
  await workbench.lens("▶ Train").click();
  expect(await workbench.notification("trusted")).toBe(
    "Training runs the code of this workspace, and the workspace is not trusted. Trust it to train; recorded runs can be viewed without.",
  );
  expect(listRuns(project).runs).toHaveLength(1);
  expect(processesWith(MARK, mark).filter(({ command }) => command.includes("sidecar"))).toEqual(
    [],
  );
  await workbench.page.keyboard.press("Escape");
});

test("the title offers the panel and not Train", async () => {
  await workbench.titleButton("Show Panel").waitFor();
  expect(await workbench.titleButton("Train").count()).toBe(0);
});

test("the last run can be viewed", async () => {
  await workbench.lens("last: loss").click();
  const { step, points } = await new PanelPage(workbench).drawn("loss", STEPS);
  expect([step, points]).toEqual([STEPS, STEPS]);
});
