/** A run of more steps than are sent to a page, out of the store that recorded it, in a real browser. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PageServer } from "../../runtime/page/server.ts";
import { PageSession } from "../../runtime/page/session.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { formatExact } from "../../webview/data/format.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { cutBatches, store } from "../unit/long-run.ts";

const PICTURES = join(import.meta.dirname, "../../artifacts/page");
const PATIENCE = { timeout: 20_000 };
const LAST = 34_000;

let project: string;
let folder: string;
let server: PageServer;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  project = mkdtempSync(join(tmpdir(), "stepscope-long-"));
  folder = store(project, cutBatches(1, LAST));
  server = new PageServer({
    view: () => undefined,
    assets: join(import.meta.dirname, "../../dist/webview"),
    open: post => new PageSession(folder, [], post),
  });
  const address = await server.listen();
  browser = await launchBrowser({ width: 900, height: 1500 });
  page = await browser.context.newPage();
  await page.goto(address);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.close();
  rmSync(project, { recursive: true });
});

/** Whether the chart of the effective learning rate has what it draws of the run. */
async function isDrawn(): Promise<boolean> {
  const chart = page.locator("[data-chart=effectiveLr]");
  const isWhole = (await chart.getAttribute("data-last-step")) === String(LAST);
  return isWhole && (await chart.getAttribute("aria-busy")) === "false";
}

/** What the chart says at the crosshair. */
async function median(): Promise<string> {
  return (await page.locator("[data-chart=effectiveLr] .chart-value").textContent()) ?? "";
}

test("all of it is drawn, and its last step is read exactly", async () => {
  await expect.poll(isDrawn, PATIENCE).toBe(true);
  const reader = openRun(folder);
  const [last] = [...reader.steps(LAST)];
  reader.close();
  const loss = page.locator("[data-chart=loss]");
  expect(await loss.getAttribute("data-last-value")).toBe(String(1 / LAST));
  expect(last?.tensorCount).toBe(8);
  const chart = page.locator("[data-chart=effectiveLr]");
  await expect
    .poll(() => chart.locator(".chart-steps").textContent(), PATIENCE)
    .toMatch(/points of 34\u202f000 steps/);
  await page.screenshot({ path: join(PICTURES, "long.png") });
});

test("a zoom brings what is narrower, and the crosshair reads it", async () => {
  const chart = page.locator("[data-chart=effectiveLr]");
  const plot = chart.locator(".plot");
  await plot.focus();
  // A step in the second half, of which every number is kept.
  for (let i = 0; i < 3; i++) await page.keyboard.press("PageDown");
  const shown = async () => {
    const [from, to] = ["aria-valuemin", "aria-valuemax"].map(name => plot.getAttribute(name));
    return Number(await to) - Number(await from);
  };
  // A key zooms what is drawn.
  for (let width = await shown(); width > 200; width = await shown()) {
    await page.keyboard.press("+");
    await expect.poll(shown, PATIENCE).toBeLessThan(width);
  }
  await expect.poll(isDrawn, PATIENCE).toBe(true);
  await page.keyboard.press("Home");
  const step = Number(await plot.getAttribute("aria-valuenow"));
  const reader = openRun(folder);
  const column = "effectiveLrP50";
  const { mean } = reader.bins({ column, tensors: [0], width: 1, from: step, to: step });
  reader.close();
  expect(step).toBeGreaterThan(LAST - 20_000);
  await expect
    .poll(() => plot.getAttribute("aria-valuetext"), PATIENCE)
    .toContain(`median ${formatExact(mean[0] ?? Number.NaN)}`);
  expect(await median()).not.toBe("NaN");
});
