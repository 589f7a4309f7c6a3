/** What a person reads in VS Code when a run cannot start, or fails. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, startServer } from "../host/server.ts";
import { useWindow } from "./window.ts";

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

const folder = mkdtempSync(join(tmpdir(), "stepscope-failures-"));
let server: Server;

beforeAll(async () => {
  write("scripts/throws.ts", THROWS);
  write("scripts/broken.ts", BROKEN);
  write("scripts/idle.ts", 'import "stepscope";\n');
  write(
    "scripts/diverges.ts",
    THROWS.replace("step < 7", "step < 70")
      .replace("0.1", "3")
      .replace(/throw.*/, ""),
  );
  // The same script in a folder whose settings name a Node that is none.
  write("elsewhere/nowhere.ts", THROWS);
  write("elsewhere/.vscode/settings.json", { "stepscope.nodePath": "/missing/node" });
  const folders = ["scripts", "elsewhere"].map(path => ({ path }));
  const workspace = write("failures.code-workspace", { folders });
  server = await startServer({ workspace, extension: ROOT });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const window = useWindow("failures", () => server, { width: 1600, height: 1000 });

test("a Node that is none is named, and the panel says the same", async () => {
  const workbench = window();
  await workbench.openFile("nowhere.ts");
  await workbench.lens("▶ Train").click();
  const advice =
    /Training needs Node\.js [\d.]+ or newer\. Install it from https:\/\/nodejs\.org, or set stepscope\.nodePath\. \/missing\/node is no Node\./;
  await workbench.webview().getByText(advice).first().waitFor();
  await workbench.webview().getByRole("heading", { name: "could not be started" }).waitFor();
  expect(await workbench.notification("nodejs.org")).toMatch(advice);
});

test("a script that throws is told once, and the panel keeps what was measured", async () => {
  const workbench = window();
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
  const workbench = window();
  await workbench.openFile("broken.ts");
  await workbench.titleButton("Train").click();
  const page = workbench.webview();
  await page.getByRole("heading", { name: "broken.ts does not compile" }).waitFor();
  expect(await page.getByRole("alert").textContent()).toContain("already been declared");
  await workbench.openFile("throws.ts");
  await page.getByRole("button", { name: "broken.ts:3:7" }).click();
  await workbench.page.locator('.tab.active[data-resource-name="broken.ts"]').waitFor();
  await workbench.statusBarItem(/^Ln 3, Col 7$/).waitFor();
  await workbench.statusBarItem(/broken\.ts does not compile/).waitFor();
  expect(await workbench.notification("does not compile")).toBe(
    'broken.ts does not compile: The symbol "a" has already been declared (broken.ts:3:7). Correct it, and train again.',
  );
});

test("a script without a step has no loss, and one with a fault no check mark", async () => {
  const workbench = window();
  await workbench.openFile("idle.ts");
  await workbench.titleButton("Train").click();
  await workbench.webview().getByText("No step was taken").first().waitFor();
  await workbench
    .statusBarItem(/^\s*idle\.ts\s*$/)
    .locator(".codicon-check")
    .waitFor();
  await workbench.openFile("diverges.ts");
  await workbench.lens("▶ Train").click();
  await workbench
    .statusBarItem(/loss .* too high/)
    .locator(".codicon-warning")
    .waitFor();
});

/** Writes a file of the workspace, and returns its path. */
function write(name: string, content: string | object): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}
