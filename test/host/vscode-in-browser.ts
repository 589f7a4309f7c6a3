#!/usr/bin/env node
/**
 * A VS Code executable for `runTests({ vscodeExecutablePath })` of @vscode/test-electron on machines
 * that cannot run the desktop one: the server from npm and a headless browser around it. It takes
 * the same command line, prints what the extension host prints, and exits as the test suite does.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { launchBrowser } from "./chromium.ts";
import { startServer } from "./server.ts";

const SUITE_TIMEOUT = 10 * 60_000;
const ARTIFACTS = join(import.meta.dirname, "../../artifacts");

/** What a server without its native modules, or without a network, says of itself. */
const NOISE =
  /^(Error: Could not locate the bindings|Cannot find module '.\/build\/Release\/watchdog|Resolv|Creating a socket|Updating additional builtin|getaddrinfo|\[(Service Worker|AgentHost|AccountPolicyGate|reconnection-grace-time))/;

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { extensionDevelopmentPath: { type: "string" }, extensionTestsPath: { type: "string" } },
});
const { extensionDevelopmentPath: extension, extensionTestsPath: tests } = values;
if (typeof extension !== "string" || typeof tests !== "string") {
  throw new Error(
    "usage: vscode-in-browser.ts --extensionDevelopmentPath=… --extensionTestsPath=…",
  );
}

process.exitCode = await runSuite(extension, tests, positionals[0] ?? extension);

/** Runs the suite in a fresh VS Code that shows `workspace`; its exit code. */
async function runSuite(extension: string, tests: string, workspace: string): Promise<number> {
  await using server = await startServer({
    workspace: resolve(workspace),
    extension: resolve(extension),
    tests: resolve(tests),
  });
  await using browser = await launchBrowser();
  const page = await browser.context.newPage();
  const finished = Promise.withResolvers<number>();
  const timer = setTimeout(() => {
    console.error(`The test suite did not end in ${SUITE_TIMEOUT / 60_000} minutes.`);
    finished.resolve(1);
  }, SUITE_TIMEOUT);
  // The two functions that a VS Code in a browser looks for when it runs a test suite.
  await page.exposeFunction("codeAutomationExit", finished.resolve);
  await page.exposeFunction("codeAutomationLog", printLog);
  page.once("crash", () => finished.reject(new Error("The browser page of VS Code crashed.")));
  void server.ended.then(() => finished.reject(new Error("The VS Code server ended.")));
  await page.goto(server.url);
  try {
    const code = await finished.promise;
    if (code !== 0) {
      await mkdir(ARTIFACTS, { recursive: true });
      await page.screenshot({ path: join(ARTIFACTS, "extension-tests-failed.png") });
    }
    return code;
  } finally {
    clearTimeout(timer);
  }
}

function printLog(_level: string, parts: readonly unknown[]): void {
  const text = parts
    .map(part => (typeof part === "string" ? part : JSON.stringify(part)))
    .join(" ");
  if (!NOISE.test(text)) console.log(text);
}
