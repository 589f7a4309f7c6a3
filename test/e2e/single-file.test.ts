/** A script in a window without a folder, and without a project around it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { PanelPage } from "../host/panel.ts";
import { type Server, startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");

/** A ball on a parabola that goes on until it is stopped. */
const SCRIPT = `
import { nn, optim, tensor } from "stepscope";

const x = new nn.Parameter(tensor([4]));
const optimizer = new optim.SGD([x], { lr: 1e-3 });
for (;;) {
  const loss = x.square().sum();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
  await new Promise(resolve => setTimeout(resolve, 20));
}
`;

const folder = mkdtempSync(join(tmpdir(), "stepscope-single-"));
let server: Server;
let browser: Browser;

beforeAll(async () => {
  const script = join(folder, "train.ts");
  writeFileSync(script, SCRIPT);
  server = await startServer({ workspace: script, extension: ROOT });
  browser = await launchBrowser({ width: 1400, height: 900 });
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("it trains with the bundled runtime, and is found again after a reload", async () => {
  const workbench = await Workbench.open(browser, server);
  const panel = new PanelPage(workbench);
  await workbench.clickLens("▶ Train", "■ Stop");
  const before = await panel.drawn("loss", 20);
  await workbench.reload();
  await workbench.lens("■ Stop").waitFor();
  // A browser forgets the layout of a window without a folder.
  await workbench.titleButton("Show Panel").click();
  const after = await panel.drawn("loss", before.step + 20);
  expect(after.points).toBe(after.step);
  await workbench.screenshot("single-file");
  await panel.stop();
  await panel.status("Stopped");
});
