/** A window of VS Code that the tests of a file share: to start one takes longer than most of what they do in it. */
import { afterAll, afterEach, beforeEach } from "vitest";
import { type Browser, type BrowserOptions, launchBrowser } from "../host/chromium.ts";
import type { Server } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

/**
 * Gives each test a window without editors and notifications, in a browser with these options: the one of
 * the test before, or a new one behind a test that failed.
 *
 * @param name of the picture that is kept of a failure
 * @returns the window of the running test
 */
export function useWindow(
  name: string,
  server: () => Server,
  options: BrowserOptions,
): () => Workbench {
  let browser: Browser | undefined;
  let workbench: Workbench | undefined;
  const close = async () => {
    await browser?.[Symbol.asyncDispose]();
    browser = undefined;
    workbench = undefined;
  };
  beforeEach(async () => {
    if (workbench) return workbench.clear();
    browser = await launchBrowser(options);
    workbench = await Workbench.open(browser, server());
  });
  afterEach(async context => {
    if (context.task.result?.state !== "fail") return;
    await workbench?.screenshot(`${name}-failed`);
    await close();
  });
  afterAll(close);
  return () => {
    if (!workbench) throw new Error("No test is running");
    return workbench;
  };
}
