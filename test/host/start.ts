/**
 * `npm start`: VS Code on examples/ with this extension in development mode. The installed desktop
 * VS Code, else a downloaded one, else a server from npm whose address is printed. Ctrl-C stops it.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { downloadedVsCode, installedVsCode } from "./desktop.ts";
import { startServer } from "./server.ts";

const ROOT = join(import.meta.dirname, "../..");
const EXAMPLES = join(ROOT, "examples");

const installed = installedVsCode();
if (installed !== undefined) {
  await runDesktop(installed, []);
} else {
  const downloaded = await downloadedVsCode();
  const profile = join(ROOT, ".vscode-test/user-data");
  if (downloaded !== undefined) await runDesktop(downloaded, [`--user-data-dir=${profile}`]);
  else await runServer();
}

async function runDesktop(executable: string, args: readonly string[]): Promise<void> {
  console.log(`Starting ${executable} on examples/. Close its window to end.`);
  const child = spawn(
    executable,
    ["--new-window", "--wait", `--extensionDevelopmentPath=${ROOT}`, ...args, EXAMPLES],
    { stdio: "inherit", shell: process.platform === "win32" },
  );
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  process.exitCode = code ?? 0;
}

async function runServer(): Promise<void> {
  console.log("No desktop VS Code here: starting a VS Code server.");
  const stopped = new Promise<void>(resolve => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, resolve);
  });
  await using server = await startServer({ workspace: EXAMPLES, extension: ROOT, token: true });
  console.log(`\nOpen this address in a browser, then click ▶ Train in digits.ts:\n`);
  console.log(`  ${server.url}\n`);
  console.log("Ctrl-C stops the server.");
  await Promise.race([stopped, server.ended]);
  console.log("Stopping …");
}
