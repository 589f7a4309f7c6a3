/** `stepscope view`, as a user has it: a run that trains, watched in a browser. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SidecarConnection } from "../../runtime/client/connection.ts";
import { CLI, LOOP, TrainingProject } from "../gpu/training-project.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { storeExampleRun } from "../unit/run-example.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const PICTURES = join(import.meta.dirname, "../../artifacts/page");

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

let project: TrainingProject;
let run: SidecarConnection;
let browser: Browser;
let command: ChildProcess;
let address: string;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  project = new TrainingProject();
  project.write("a.ts", `${LOOP}await steps(1e9);`);
  const other = storeExampleRun(project.folder);
  run = (await project.start("a.ts")).connection;
  command = spawn(process.execPath, [CLI, "view", run.runFolder, other], { cwd: project.folder });
  address = await addressOf(command);
  browser = await launchBrowser({ scale: 1 });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  command?.kill("SIGKILL");
  run?.stop();
  const survivors = await project.survivors();
  project.remove();
  expect(survivors).toEqual([]);
});

test("without the token, or by another name, there is nothing", async () => {
  const { origin, pathname } = new URL(address);
  for (const path of ["/", "/feed", "/panel.js", `${pathname.slice(0, -2)}/`, `${pathname}a/b`]) {
    expect((await fetch(origin + path)).status, path).toBe(403);
  }
  expect((await fetch(`${address}index.html`)).status).toBe(404);
  expect((await fetch(`${address}posts`, { method: "POST", body: "{}" })).status).toBe(400);
  const [response] = await once(get(address, { headers: { host: "example.com" } }), "response");
  expect(response.statusCode).toBe(403);
  response.resume();
});

test("the run is there from its first step, goes on, and can be held and stopped", async () => {
  const page = await browser.context.newPage();
  const problems: string[] = [];
  page.on("pageerror", error => problems.push(String(error)));
  page.on("console", entry => entry.type() === "error" && problems.push(entry.text()));
  await page.goto(address);
  const step = async () => {
    const text = (await page.textContent("[data-fact=step]")) ?? "";
    return Number(text.replace(/\D/g, "") || "NaN");
  };
  await expect.poll(step, PATIENCE).toBeGreaterThan(0);
  const legend = page.locator("[data-chart=loss] .legend");
  await expect.poll(() => legend.textContent(), PATIENCE).toMatch(/^this run.*digits\.ts/);
  const first = await step();
  await expect.poll(step, PATIENCE).toBeGreaterThan(first);
  // What it asks the record for comes.
  const histogram = page.locator("[data-chart=stepHistogram]");
  await expect.poll(() => histogram.getAttribute("data-last-value"), PATIENCE).toBeTruthy();
  expect(await page.getByRole("button", { name: "Train again" }).count()).toBe(0);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect.poll(() => page.textContent(".status"), PATIENCE).toBe("Paused");
  // The page may still be behind.
  const held = project.runs()[0]?.steps ?? Number.NaN;
  await expect.poll(step, PATIENCE).toBe(held);
  await page.getByRole("textbox", { name: "Learning rate" }).fill("0.05");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await expect.poll(step, PATIENCE).toBe(held + 1);
  const changes = () => project.runs()[0]?.changes;
  const change = { step: held + 1, group: 0, name: "lr", from: 0.1, to: 0.05 };
  await expect.poll(changes, PATIENCE).toEqual([change]);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect.poll(step, PATIENCE).toBeGreaterThan(held + 1);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect.poll(() => page.textContent(".status"), PATIENCE).toBe("Stopped");
  await expect.poll(step, PATIENCE).toBe(project.runs()[0]?.steps);
  // What is compared is the page's own affair from then on.
  await page.getByRole("button", { name: /^Remove digits\.ts/ }).click();
  await expect.poll(() => legend.isVisible(), PATIENCE).toBe(false);
  await page.getByRole("button", { name: "Compare…" }).click();
  expect(await page.getByRole("checkbox", { name: /digits\.ts/ }).isChecked()).toBe(false);
  await page.keyboard.press("Escape");
  await page.screenshot({ path: join(PICTURES, "browser.png") });
  await page.getByRole("slider", { name: "Loss by step" }).focus();
  const download = page.waitForEvent("download");
  await page.keyboard.press("Control+S");
  expect((await download).suggestedFilename()).toBe(`${project.runs()[0]?.id}-loss.png`);

  // The stored run comes again, and as it was seen, also in another page; a server that has gone is told.
  await page.getByRole("slider", { name: "Gradient norm by step" }).press("Delete");
  await page.reload();
  await expect.poll(step, PATIENCE).toBe(project.runs()[0]?.steps);
  const other = await browser.context.newPage();
  await other.goto(address);
  await other.getByRole("slider", { name: "Loss by step" }).waitFor();
  expect(await other.getByRole("slider", { name: "Gradient norm by step" }).count()).toBe(0);
  await other.close();
  command.kill("SIGINT");
  expect(await once(command, "exit")).toEqual([0, null]);
  await expect.poll(() => page.isVisible(".connection"), PATIENCE).toBe(true);
  expect(problems.filter(text => !text.includes("net::ERR_"))).toEqual([]);
});

test("the parabola does what the learning rate of its slider says, against the threshold 2 / λ", async () => {
  const curvature = 2; // of x²
  project.write("parabola.ts", readFileSync(join(EXAMPLES, "parabola.ts"), "utf8"));
  const { connection } = await project.start("parabola.ts");
  connection.control({ type: "runTo", step: 1 });
  const viewer = spawn(process.execPath, [CLI, "view", connection.runFolder], {
    cwd: project.folder,
  });
  const page = await browser.context.newPage();
  await page.goto(await addressOf(viewer));
  const card = page.locator("[data-chart=loss]");
  const drawn = async () => Number(await card.getAttribute("data-last-step"));
  await expect.poll(drawn, PATIENCE).toBe(1);
  for (const lr of [0.1, 0.5, 1, 1.1]) {
    await page.getByLabel("Number of steps").fill("1");
    await page.getByRole("button", { name: "Go back to that step" }).click();
    // The thumb stands at tenths of a decade and their tenths.
    await page.getByLabel("Learning rate, as a power of ten").fill(Math.log10(lr).toFixed(2));
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = await drawn();
      await page.getByRole("button", { name: "Step", exact: true }).click();
      await expect.poll(drawn, PATIENCE).toBe(before + 1);
      losses.push(Number(await card.getAttribute("data-last-value")));
    }
    // Each step multiplies x by 1 − η λ.
    const factor = (1 - lr * curvature) ** 2;
    const [first = Number.NaN, ...later] = losses;
    later.forEach((loss, i) => {
      expect(loss / first, `η ${lr}`).toBeCloseTo(factor ** (i + 1), 4);
    });
    const last = losses.at(-1) ?? Number.NaN;
    const trend = Math.abs(last / first - 1) < 1e-4 ? 0 : Math.sign(last - first);
    expect(trend, `η ${lr}`).toBe(Math.sign(lr - 2 / curvature));
  }
  await page.screenshot({ path: join(PICTURES, "parabola.png") });
  await page.close();
  connection.stop();
  viewer.kill("SIGINT");
  await once(viewer, "exit");
});

test("learning rates are tried from a held run, one is taken, and taken back", async () => {
  project.write("b.ts", `${LOOP}await steps(1e9);`);
  const { connection } = await project.start("b.ts");
  connection.control({ type: "runTo", step: 3 });
  const viewer = spawn(process.execPath, [CLI, "view", connection.runFolder], {
    cwd: project.folder,
  });
  const page = await browser.context.newPage();
  await page.goto(await addressOf(viewer));
  // Keys are those of the buttons that can be seen.
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.keyboard.press("b");
  await page.keyboard.press("Enter");
  const card = page.locator("[data-chart=branches]");
  await expect
    .poll(() => card.locator(".picture-text").textContent(), PATIENCE)
    .toMatch(/^From step 3, 20 steps each\. The lowest loss at the end, .*, is that of η 0\.4\./);
  const record = () => project.runs().find(({ id }) => connection.runFolder.endsWith(id));
  expect(record()).toMatchObject({ steps: 3, paused: true });
  await page.screenshot({ path: join(PICTURES, "branches.png") });
  await card.getByRole("button", { name: "Take η 0.4" }).click();
  const change = { step: 4, group: 0, name: "lrFactor", from: 1, to: 4 };
  await expect.poll(() => record()?.changes, PATIENCE).toEqual([change]);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Take the last change back" }).click();
  await expect.poll(() => record()?.rewinds, PATIENCE).toMatchObject([{ to: 3 }]);
  await page.close();
  connection.stop();
  viewer.kill("SIGINT");
  await once(viewer, "exit");
});

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error("no standard output");
  for await (const line of createInterface(stdout)) {
    const found = /http:\/\/\S+/.exec(line)?.[0];
    if (found) return found;
  }
  throw new Error("No address was printed.");
}
