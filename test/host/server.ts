/**
 * VS Code as a server, from npm: a real workbench and a real extension host, opened in a browser.
 * It needs no display, no system library and no download but npm's own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { installOnce } from "./archive.ts";

/** Version of the npm package `code-server`; it carries VS Code 1.139.1. */
const VERSION = "4.139.1";
const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, ".vscode-test", `vscode-server-${VERSION}`);
const VSCODE = "node_modules/code-server/lib/vscode";
const NPM_INSTALL = ["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"];

const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;

/** Settings of every server: nothing that asks, greets, or fetches. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "security.workspace.trust.startupPrompt": "never",
  "git.enabled": false,
  "editor.minimap.enabled": false,
  // A server lists the files of all processes every two seconds to find them; a desktop VS Code does not.
  "remote.autoForwardPorts": false,
};

export interface ServerOptions {
  /** Folder to open, a `.code-workspace` of several, or a script, which is opened without a folder. */
  readonly workspace: string;
  /** Extension to load from source. */
  readonly extension?: string;
  /** Module whose `run()` is executed in the extension host, which then ends. */
  readonly tests?: string;
  /** A packaged extension to install. */
  readonly vsix?: string;
  /** Settings of the machine, on top of those of every server. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** False: the workspace is in restricted mode, as one whose authors nobody knows. */
  readonly trusted?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * True: only who knows the token of the address may connect. Without it whoever is on this machine may, as
   * the webviews' origins of webviewOrigins.ts have to.
   */
  readonly token?: boolean;
  /** Where the server's own messages go; nowhere unless given. */
  readonly log?: (line: string) => void;
}

/** A running server with a fresh data folder; disposing it ends all its processes. */
export interface Server extends AsyncDisposable {
  /** Address to open in a browser; it carries the token, if the server asks for one. */
  readonly url: string;
  /** Folder of the extensions that are installed. */
  readonly extensions: string;
  /** Resolves when the server has ended. */
  readonly ended: Promise<void>;
}

/** Installs the server into .vscode-test, once, and says so. Returns its folder. */
export async function installServer(): Promise<string> {
  await installOnce(FOLDER, async folder => {
    console.log(`Installing a VS Code server (code-server ${VERSION}, 600 MB) into .vscode-test …`);
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
    await npm([...NPM_INSTALL, "--save-exact", `code-server@${VERSION}`], folder);
    console.log("Installing the packages of the VS Code server …");
    await npm(NPM_INSTALL, join(folder, VSCODE));
    // The compiler behind completion and types in the editor.
    await npm(NPM_INSTALL, join(folder, VSCODE, "extensions"));
    console.log("VS Code server installed.");
  });
  return join(FOLDER, VSCODE);
}

async function npm(args: readonly string[], folder: string): Promise<void> {
  const child = spawn("npm", args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code !== 0) throw new Error(`npm ${args.join(" ")} failed with exit code ${code}`);
}

/** Starts a server on a free port of this machine alone. Throws when it does not get ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const folder = await installServer();
  const data = await mkdtemp(join(tmpdir(), "stepscope-vscode-"));
  try {
    await mkdir(join(data, "data/Machine"), { recursive: true });
    const settings = JSON.stringify({ ...SETTINGS, ...options.settings });
    await writeFile(join(data, "data/Machine/settings.json"), settings);
    if (options.vsix !== undefined) await installExtension(folder, data, options.vsix);
    return await launch(folder, data, options);
  } catch (error) {
    await rm(data, { recursive: true, force: true });
    throw error;
  }
}

async function launch(folder: string, data: string, options: ServerOptions): Promise<Server> {
  const token = options.token ? randomUUID() : undefined;
  const child = spawn(process.execPath, serverArguments(folder, data, token, options.trusted), {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: ending the group leaves no extension host behind.
    detached: true,
  });
  const ended = new Promise<void>(resolve => child.once("exit", () => resolve()));
  const killGroup = () => signal(child, "SIGKILL");
  process.once("exit", killGroup);
  const stop = async () => {
    signal(child, "SIGTERM");
    const timer = setTimeout(killGroup, STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
    killGroup();
    process.off("exit", killGroup);
    await rm(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const port = await ready(child, options.log);
    const url = address(port, token, options);
    return { url, extensions: join(data, "extensions"), ended, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverArguments(
  folder: string,
  data: string,
  token: string | undefined,
  trusted = true,
): string[] {
  return [
    join(folder, "out/server-main.js"),
    "--host=127.0.0.1",
    "--port=0",
    token === undefined ? "--without-connection-token" : `--connection-token=${token}`,
    "--accept-server-license-terms",
    // Lets the address name an extension in development and its tests.
    "--enable-smoke-test-driver",
    `--server-data-dir=${data}`,
    "--disable-telemetry",
    ...(trusted ? ["--disable-workspace-trust"] : []),
  ];
}

/** The port, once the server says that it serves. */
async function ready(child: ChildProcess, log?: (line: string) => void): Promise<number> {
  const lines: string[] = [];
  return await new Promise<number>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`The VS Code server ${why}\n${lines.slice(-20).join("\n")}`));
    const timer = setTimeout(
      () => fail(`was not ready in ${START_TIMEOUT / 1000} s`),
      START_TIMEOUT,
    );
    child.once("error", reject);
    child.once("exit", code => fail(`ended with exit code ${code}`));
    const listen = (line: string) => {
      log?.(line);
      lines.push(line);
      const port = /Web UI available at http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    // Both streams are read to the end: a full pipe would stop the server.
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface(stream).on("line", listen);
    }
  });
}

function address(port: number, token: string | undefined, options: ServerOptions): string {
  const authority = `127.0.0.1:${port}`;
  const remote = (path: string) => `vscode-remote://${authority}${path}`;
  const payload: [string, string][] = [];
  if (options.extension) payload.push(["extensionDevelopmentPath", remote(options.extension)]);
  if (options.tests) payload.push(["extensionTestsPath", remote(options.tests)]);
  const { workspace } = options;
  const query = new URLSearchParams(token === undefined ? {} : { tkn: token });
  if (workspace.endsWith(".ts")) {
    query.set("ew", "true");
    payload.push(["openFile", remote(workspace)]);
  } else {
    query.set(workspace.endsWith(".code-workspace") ? "workspace" : "folder", workspace);
  }
  if (payload.length > 0) query.set("payload", JSON.stringify(payload));
  return `http://${authority}/?${query}`;
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    // Nobody is left in the group: what was wanted.
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

async function installExtension(folder: string, data: string, vsix: string): Promise<void> {
  const args = [
    join(folder, "out/server-main.js"),
    `--server-data-dir=${data}`,
    "--accept-server-license-terms",
    "--install-extension",
    vsix,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise<number | null>(resolve => child.once("close", resolve));
  if (code !== 0) throw new Error(`VS Code did not install ${vsix}:\n${output}`);
}
