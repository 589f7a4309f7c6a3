/**
 * Finds the Node that runs the sidecar. Electron run as Node will not do: it forbids the external
 * array buffers that the GPU maps.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** First version with `module.registerHooks`; it also has `node:sqlite` without a flag. */
const MINIMUM = [22, 15] as const;

export const MINIMUM_NODE = MINIMUM.join(".");

/** Names a Node to use before all others. */
export const NODE_VARIABLE = "STEPSCOPE_NODE";

const VERSION_TIMEOUT_MS = 10_000;

const executable = process.platform === "win32" ? "node.exe" : "node";

/** A Node that was looked at and cannot be used; without a version it did not start. */
export interface RefusedNode {
  readonly path: string;
  readonly version?: string;
}

/** No Node is recent enough. The message names those that were tried, and what to install. */
export class NodeNotFoundError extends Error {
  readonly refused: readonly RefusedNode[];

  constructor(refused: readonly RefusedNode[]) {
    const tried = refused.map(({ path, version }) => `\n  - ${path}: ${version ?? "no Node"}`);
    super(
      `Training needs Node.js ${MINIMUM_NODE} or newer. Tried:${tried.join("") || " nothing on PATH"}` +
        `\nInstall it from https://nodejs.org, or name one: ${NODE_VARIABLE}=/path/to/node.`,
    );
    this.name = "NodeNotFoundError";
    this.refused = refused;
  }
}

/**
 * The path of a Node that can run the sidecar: `chosen` (a setting) or STEPSCOPE_NODE and nothing
 * else where one is given, else this process's own, those on PATH, those of version managers.
 * Throws a NodeNotFoundError.
 */
export async function findNode(chosen?: string, env = process.env): Promise<string> {
  const named = chosen || env[NODE_VARIABLE];
  const refused: RefusedNode[] = [];
  for (const path of named ? [named] : await candidates(env)) {
    const version = await nodeVersion(path);
    if (version && isRecent(version)) return path;
    // A place on the list where nothing is installed is no news.
    if (version || named) refused.push({ path, ...(version && { version }) });
  }
  throw new NodeNotFoundError(refused);
}

async function candidates(env: NodeJS.ProcessEnv): Promise<string[]> {
  const own = process.versions.electron || process.versions.bun ? [] : [process.execPath];
  const onPath = (env.PATH ?? env.Path ?? "").split(delimiter).filter(folder => folder !== "");
  const managed = await Promise.all(managerFolders(env).map(newestFirst));
  const found = [...own, ...onPath.map(folder => join(folder, executable)), ...managed.flat()];
  return [...new Set(found)];
}

/** A folder with one folder a version, and where Node lies in each. */
interface ManagerFolder {
  readonly versions: string;
  readonly inside: readonly string[];
}

function managerFolders(env: NodeJS.ProcessEnv): ManagerFolder[] {
  const home = env.HOME ?? homedir();
  const data = env.XDG_DATA_HOME ?? join(home, ".local", "share");
  if (process.platform === "win32") {
    const roaming = env.APPDATA ?? join(home, "AppData", "Roaming");
    return [
      { versions: env.NVM_HOME ?? join(roaming, "nvm"), inside: [executable] },
      { versions: join(roaming, "fnm", "node-versions"), inside: ["installation", executable] },
    ];
  }
  return [
    {
      versions: join(env.NVM_DIR ?? join(home, ".nvm"), "versions", "node"),
      inside: ["bin", executable],
    },
    {
      versions: join(env.FNM_DIR ?? join(data, "fnm"), "node-versions"),
      inside: ["installation", "bin", executable],
    },
    { versions: join(data, "mise", "installs", "node"), inside: ["bin", executable] },
    {
      versions: join(env.ASDF_DATA_DIR ?? join(home, ".asdf"), "installs", "nodejs"),
      inside: ["bin", executable],
    },
    {
      versions: join(env.VOLTA_HOME ?? join(home, ".volta"), "tools", "image", "node"),
      inside: ["bin", executable],
    },
    // Homebrew, for a VS Code that was started from the Dock and has no PATH of a shell.
    { versions: "/opt/homebrew", inside: ["node"] },
    { versions: "/usr/local", inside: ["node"] },
  ];
}

async function newestFirst({ versions, inside }: ManagerFolder): Promise<string[]> {
  const names = await readdir(versions).catch(() => []);
  return names
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
    .map(name => join(versions, name, ...inside));
}

/** The version of a Node, without the v; undefined where that is no Node, or is Electron. */
async function nodeVersion(path: string): Promise<string | undefined> {
  if (path === process.execPath && !process.versions.electron) return process.versions.node;
  try {
    const print = "process.versions.electron ? '' : process.versions.node";
    const { stdout } = await promisify(execFile)(path, ["--print", print], {
      timeout: VERSION_TIMEOUT_MS,
      windowsHide: true,
    });
    return /^\d+\.\d+\.\d+/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

/** Whether a version of Node, such as 22.15.1, can run a sidecar. */
export function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}
