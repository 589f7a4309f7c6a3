/** What stands in the editor while a file trains, in a real VS Code in a real browser. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Generous: many tests may share the machine. */
const SOON = { timeout: 20_000 };

let project: string;
let server: Server;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  project = createProject({ installed: false, endless: true });
  const settings = { "stepscope.inlineValues.layers": true };
  server = await startServer({ workspace: project, extension: ROOT, settings });
  browser = await launchBrowser({ width: 2400, height: 1000 });
  workbench = await Workbench.open(browser, server);
});
afterEach(async context => {
  if (context.task.result?.state === "fail") await workbench.screenshot("at-the-line-failed");
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});

test("values stand behind their lines until the file is edited", async () => {
  await workbench.openFile("digits.ts");
  await workbench.clickLens("▶ Train", "■ Stop");
  await expect.poll(async () => (await workbench.behindLines()).length, SOON).toBe(3);
  const [layers, loss, step] = await workbench.behindLines();
  expect(layers).toMatch(/^0\.weight \|Δθ\| [\d.e-]+ · 0\.bias \|Δθ\| [\d.e-]+ · 2\.weight \|Δθ\|/);
  expect(loss).toMatch(/^loss [\d.e-]+ [▁-█]+$/);
  expect(step).toMatch(/^‖g‖ [\d.]+ · step:weight [\d.e-]+ · η 0\.002$/);

  await workbench.screenshot("at-the-line");

  await workbench.page.locator(".view-line", { hasText: "let epoch" }).click();
  await workbench.page.keyboard.press("Home");
  await workbench.page.keyboard.type(" ");
  await expect.poll(() => workbench.behindLines(), SOON).toEqual([]);
  await workbench.clickLens("■ Stop", "▶ Train");
});

test("the side bar lists the run", async () => {
  await workbench.page.locator('.activitybar a[aria-label="Stepscope"]').click();
  const row = workbench.page.locator('.pane-body .monaco-list-row[aria-label^="digits.ts"]');
  await row.waitFor();
  expect(await row.getAttribute("aria-label")).toMatch(
    /^digits\.ts, stopped, loss [\d.e-]+ · η 0\.002 · \d+/,
  );
  await row.hover();
  await workbench.screenshot("runs-tree");
});
