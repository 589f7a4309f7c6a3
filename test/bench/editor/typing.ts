/** Time from a key stroke to the frame that shows it, in a real VS Code, with and without a loop that trains. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, launchBrowser } from "../../host/chromium.ts";
import { PanelPage } from "../../host/panel.ts";
import { createProject } from "../../host/project.ts";
import { type Server, startServer } from "../../host/server.ts";
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

/** A window that was just opened still starts its language server, in milliseconds. */
const SETTLE_MS = 10_000;

/** Where somebody types. */
export const PLACES = ["without", "resting", "training"] as const;

/**
 * Milliseconds from key to frame of every key: in a window without this extension, in one with it while
 * nothing runs, and while a loop trains there.
 */
export type Typing = Readonly<Record<(typeof PLACES)[number], readonly number[]>>;

/**
 * Types into digits.ts for `seconds` in each place, and does so `turns` times, so that all of them have
 * their part of what else the machine does.
 */
export async function measureTyping(seconds: number, turns: number): Promise<Typing> {
  const project = createProject({ installed: true });
  const digits = join(project, "digits.ts");
  const endless = readFileSync(digits, "utf8").replace("epoch <= 30", "epoch <= 1_000_000");
  writeFileSync(digits, endless);
  const times = { without: [], resting: [], training: [] } as Record<keyof Typing, number[]>;
  try {
    await using server = await startServer({ workspace: project, extension: ROOT });
    await using browser = await launchBrowser({ width: 1600, height: 1000 });
    for (let turn = 0; turn < turns; turn++) {
      const plain = await open(browser, withoutExtension(server));
      times.without.push(...(await type(plain, seconds)));
      await plain.page.close();
      const workbench = await open(browser, server);
      times.resting.push(...(await type(workbench, seconds)));
      await workbench.clickLens("▶ Train", "■ Stop");
      await new PanelPage(workbench).drawn("loss", 100);
      times.training.push(...(await type(workbench, seconds)));
      await workbench.clickLens("■ Stop", "▶ Train");
      await workbench.page.close();
    }
    return times;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** The same server, whose windows do not load the extension that is developed. */
function withoutExtension(server: Server): Server {
  const url = new URL(server.url);
  url.searchParams.delete("payload");
  return { ...server, url: url.href };
}

/** A window that shows digits.ts, and has come to rest. */
async function open(browser: Browser, server: Server): Promise<Workbench> {
  const workbench = await Workbench.open(browser, server);
  await workbench.openFile("digits.ts");
  await workbench.page.waitForTimeout(SETTLE_MS);
  await workbench.page.evaluate(OBSERVE);
  return workbench;
}

/** Types a comment at the end of the first line, for so many seconds, and takes it back. */
async function type(workbench: Workbench, seconds: number): Promise<number[]> {
  const { page } = workbench;
  await page.locator(".view-line").first().click();
  await page.keyboard.press("End");
  await page.evaluate("keyFrames.length = 0");
  const keys = (seconds * 1000) / KEY_INTERVAL_MS;
  const text = TEXT.repeat(Math.ceil(keys / TEXT.length)).slice(0, keys);
  await page.keyboard.type(text, { delay: KEY_INTERVAL_MS });
  const frames = await page.evaluate<number[]>("keyFrames");
  await workbench.command("File: Revert File");
  return frames;
}
