/** What stands in the editor while a file trains, in a real VS Code in a real browser. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { PanelPage } from "../host/panel.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Generous: many tests may share the machine. */
const SOON = { timeout: 20_000 };

/** Keys of two seconds. */
const TYPED = 20;

/** Counts the batches of steps that the page gets. A text: the tests are compiled without the types of a page. */
const COUNT = `
  globalThis.batches = 0;
  addEventListener("message", ({ data }) => {
    if (data.type === "steps") globalThis.batches += 1;
  });
`;

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

test("while someone types the panel gets steps twice a second, and misses none", async () => {
  const panel = new PanelPage(workbench);
  await workbench.clickLens("▶ Train", "■ Stop");
  await panel.drawn("loss", 20);
  await workbench.page.locator(".view-line").first().click();
  await workbench.page.keyboard.press("End");
  await workbench.page.keyboard.type("a");
  const chart = workbench.webview().locator('[data-chart="loss"]');
  await chart.evaluate(COUNT);
  const begin = performance.now();
  await workbench.page.keyboard.type("b".repeat(TYPED), { delay: 100 });
  const messages = Number(await chart.evaluate("batches"));
  const seconds = (performance.now() - begin) / 1000;
  expect(messages).toBeGreaterThan(0);
  // Two a second, and what was under way when it began; without that it is fifteen a second.
  expect(messages).toBeLessThan(4 * seconds);
  const { step, points } = await panel.drawn("loss", 40);
  expect(points).toBe(step);
  await panel.stop();
});
