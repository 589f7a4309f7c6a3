/** Time from a key stroke to the frame that shows it, in a real VS Code, beside a loop that trains. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchBrowser } from "../../host/chromium.ts";
import { PanelPage } from "../../host/panel.ts";
import { createProject } from "../../host/project.ts";
import { startServer } from "../../host/server.ts";
import { Workbench } from "../../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** A fast typist, in milliseconds from key to key. */
const KEY_INTERVAL_MS = 100;
const TEXT = "what a batch says of the whole ";

/**
 * From the time stamp that the browser gives a key to the end of the next frame. The frame's own work
 * is done when a message that it has posted arrives.
 */
const OBSERVE = `
  window.keyFrames = [];
  addEventListener("keydown", ({ timeStamp }) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => keyFrames.push(performance.now() - timeStamp);
      port2.postMessage(undefined);
    });
  }, true);
`;

/** Milliseconds from key to frame, of every key of so many seconds: at rest, and while a loop trains. */
export interface Typing {
  readonly resting: readonly number[];
  readonly training: readonly number[];
}

/** Types into digits.ts, for `seconds` without a run and for as long beside one at full speed. */
export async function measureTyping(seconds: number): Promise<Typing> {
  const project = createProject({ installed: true });
  const digits = join(project, "digits.ts");
  const endless = readFileSync(digits, "utf8").replace("epoch <= 30", "epoch <= 1_000_000");
  writeFileSync(digits, endless);
  try {
    await using server = await startServer({ workspace: project, extension: ROOT });
    await using browser = await launchBrowser({ width: 1600, height: 1000 });
    const workbench = await Workbench.open(browser, server);
    await workbench.openFile("digits.ts");
    await workbench.lens("▶ Train").waitFor();
    await workbench.page.evaluate(OBSERVE);
    const resting = await type(workbench, seconds);
    await workbench.clickLens("▶ Train", "■ Stop");
    await new PanelPage(workbench).drawn("loss", 100);
    const training = await type(workbench, seconds);
    await workbench.clickLens("■ Stop", "▶ Train");
    return { resting, training };
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** Types a comment at the end of the first line, for so many seconds. */
async function type({ page }: Workbench, seconds: number): Promise<number[]> {
  await page.locator(".view-line").first().click();
  await page.keyboard.press("End");
  await page.evaluate("keyFrames.length = 0");
  const keys = (seconds * 1000) / KEY_INTERVAL_MS;
  const text = TEXT.repeat(Math.ceil(keys / TEXT.length)).slice(0, keys);
  await page.keyboard.type(text, { delay: KEY_INTERVAL_MS });
  return page.evaluate<number[]>("keyFrames");
}
