/**
 * `npm run pictures`: takes the README's pictures of the product as it is built, in a real VS Code in a
 * headless browser, and writes them into docs/pictures/.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { launchBrowser } from "../test/host/chromium.ts";
import { PanelPage } from "../test/host/panel.ts";
import { createProject } from "../test/host/project.ts";
import { startServer } from "../test/host/server.ts";
import { Workbench } from "../test/host/workbench.ts";

const ROOT = join(import.meta.dirname, "..");
const OUTPUT = join(ROOT, "docs/pictures");

/** Wide enough for what stands behind the lines of the example. */
const WINDOW = { width: 1800, height: 1000 };

/** Time for what is seen to be drawn, and to be done with its moves. */
const SETTLED_MS = 2500;

/** Step behind which the loop is held. */
const HELD_AT = 400;

/** Learning rates that are compared with that of the example. */
const RATES = ["1e-4", "2e-2"];

const project = createProject({ installed: true });
const digits = join(project, "digits.ts");
const example = readFileSync(digits, "utf8");
mkdirSync(OUTPUT, { recursive: true });
try {
  for (const rate of RATES) trainInTerminal(rate);
  writeFileSync(digits, example);
  writeFileSync(join(project, "overshoot.ts"), example.replace("lr: 2e-3", "lr: 0.3"));
  const settings = { "editor.fontSize": 12, "breadcrumbs.enabled": false };
  await using server = await startServer({ workspace: project, extension: ROOT, settings });
  await using browser = await launchBrowser(WINDOW);
  const workbench = await Workbench.open(browser, server);
  try {
    await takeFinding(workbench);
    await takeHeldLoop(workbench);
    await takeRuns(workbench);
  } catch (error) {
    await workbench.screenshot("pictures-failed");
    throw error;
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** Trains the digits with a learning rate, for somewhat longer than the loop that will be held. */
function trainInTerminal(rate: string): void {
  const text = example.replace("lr: 2e-3", `lr: ${rate}`).replace("epoch <= 30", "epoch <= 10");
  writeFileSync(digits, text);
  const cli = join(ROOT, "dist/stepscope.js");
  execFileSync(process.execPath, [cli, "train", digits], { cwd: project, stdio: "ignore" });
}

/** A learning rate that is too high, marked at its literal, with what is said of it. */
async function takeFinding(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await hold(workbench, "overshoot.ts");
  await workbench.command("Stepscope: Run until a Finding");
  const mark = page.locator(".squiggly-warning, .squiggly-error").first();
  await mark.waitFor();
  await workbench.webview().locator(".picture-text", { hasText: "began" }).waitFor();
  // The letters above it take the pointer.
  await mark.hover({ force: true });
  await settle(workbench);
  await keep("finding", await page.screenshot());
  await stop(workbench);
}

/** The whole window, and the loss around the place where the loop is held. */
async function takeHeldLoop(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await page.keyboard.press("Control+b");
  await hold(workbench, "digits.ts");
  await workbench.command("Stepscope: Run to Step…");
  // The palette has gone, and what is asked for has come: typed before, it would get into the script.
  await page.locator(".quick-input-widget", { hasText: "Step behind which" }).waitFor();
  await page.locator(".quick-input-widget input").fill(`${HELD_AT}`);
  await page.keyboard.press("Enter");
  await new PanelPage(workbench).drawn("loss", HELD_AT);
  await workbench.lens(`step ${HELD_AT}`).waitFor();
  await showTop(workbench);
  await keep("window", await page.screenshot());

  const picture = workbench.webview().locator("[data-chart=picture]");
  await picture.scrollIntoViewIfNeeded();
  await settle(workbench);
  await keep("picture", await picture.screenshot());
  await stop(workbench);
}

/** The list of runs, and three of them over one another. */
async function takeRuns(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await page.locator('.activitybar a[aria-label="Stepscope"]').click();
  const rows = page.locator('.pane-body .monaco-list-row[aria-label^="digits.ts"]');
  await rows.first().click();
  for (const row of [1, 2]) await rows.nth(row).click({ modifiers: ["ControlOrMeta"] });
  await rows.nth(1).hover();
  await settle(workbench);
  await keep("runs", await page.screenshot({ clip: { x: 0, y: 36, width: 470, height: 300 } }));

  await rows.nth(1).locator('a[aria-label^="Compare"]').click();
  await workbench.webview().getByText("Differences").click();
  await showTop(workbench);
  await keep("comparison", await page.locator("iframe.webview.ready").screenshot());
}

/** Opens a file without the side bar, and trains it up to its first step. */
async function hold(workbench: Workbench, file: string): Promise<void> {
  await workbench.openFile(file);
  await workbench.page.keyboard.press("Control+b");
  await workbench.lens("▶ Train").waitFor();
  await workbench.command("Stepscope: Train Step by Step");
  await workbench.lens("Resume").waitFor();
}

async function stop(workbench: Workbench): Promise<void> {
  await workbench.command("Stepscope: Stop Training");
  await workbench.lens("▶ Train").waitFor();
}

/** Scrolls the panel to its top, when what is drawn above it has its height. */
async function showTop(workbench: Workbench): Promise<void> {
  await settle(workbench);
  await workbench.webview().locator("html").evaluate("scrollTo(0, 0)");
  await settle(workbench);
}

async function settle({ page }: Workbench): Promise<void> {
  await page.waitForTimeout(SETTLED_MS);
}

async function keep(name: string, png: Buffer): Promise<void> {
  const file = join(OUTPUT, `${name}.webp`);
  const { size } = await sharp(png).webp({ quality: 85, effort: 6 }).toFile(file);
  console.log(`${file}: ${Math.round(size / 1024)} KiB`);
}
