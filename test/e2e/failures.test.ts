/** What a person reads in VS Code when a run cannot start, or fails. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");

const THROWS = `import { nn, optim, tensor } from "stepscope";
const x = new nn.Parameter(tensor([4]));
const optimizer = new optim.SGD([x], { lr: 0.1 });
for (let step = 0; step < 7; step++) {
  const loss = x.square().sum();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}
throw new Error("out of ideas");
`;

const BROKEN = `import { nn } from "stepscope";
const a = 1;
const a = 3;
`;

let project: string;
let server: Server;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  project = createProject({ installed: false });
  writeFileSync(join(project, "throws.ts"), THROWS);
  writeFileSync(join(project, "broken.ts"), BROKEN);
  server = await startServer({ workspace: project, extension: ROOT });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});

// A browser of its own: VS Code keeps the layout there, and the next test would begin with this one's.
beforeEach(async context => {
  setNode(context.task.name.includes("Node") ? "/missing/node" : "");
  browser = await launchBrowser({ width: 1600, height: 1000 });
  workbench = await Workbench.open(browser, server);
});
afterEach(async context => {
  if (context.task.result?.state === "fail") await workbench.screenshot("failures-failed");
  await browser[Symbol.asyncDispose]();
});

test("a Node that is none is named, and the panel says the same", async () => {
  await workbench.openFile("parabola.ts");
  await workbench.lens("▶ Train").click();
  const advice =
    /Training needs Node\.js [\d.]+ or newer\. Install it from https:\/\/nodejs\.org, or set stepscope\.nodePath\. \/missing\/node is no Node\./;
  await workbench.webview().getByText(advice).first().waitFor();
  expect(await workbench.notification("nodejs.org")).toMatch(advice);
});

test("a script that throws is told once, and the panel keeps what was measured", async () => {
  await workbench.openFile("throws.ts");
  await workbench.lens("▶ Train").click();
  await workbench.webview().getByText("out of ideas").first().waitFor();
  expect(
    await workbench.webview().locator('[data-chart="loss"]').getAttribute("data-last-step"),
  ).toBe("7");
  expect(await workbench.notification("failed")).toBe("throws.ts failed: out of ideas");
  // VS Code itself may still say that it activates extensions.
  const told = workbench.page
    .locator(".notifications-center .notification-list-item-message")
    .filter({ hasNotText: "Activating Extensions" });
  expect(await told.count()).toBe(1);
});

test("a script that does not compile says why in the panel", async () => {
  await workbench.openFile("broken.ts");
  await workbench.titleButton("Train").click();
  await workbench.webview().getByText("already been declared").first().waitFor();
  expect(await workbench.notification("failed")).toContain("broken.ts failed: ");
});

/** The setting of the workspace that names the Node. */
function setNode(path: string): void {
  mkdirSync(join(project, ".vscode"), { recursive: true });
  const settings = { "stepscope.nodePath": path };
  writeFileSync(join(project, ".vscode/settings.json"), JSON.stringify(settings));
}
