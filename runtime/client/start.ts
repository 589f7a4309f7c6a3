/** Starts sidecars, and finds those that run. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CHECKPOINTS_FOLDER,
  CHECKPOINTS_VARIABLE,
  RESUME_VARIABLE,
} from "../protocol/checkpoint.ts";
import { LAUNCH_VARIABLE, type LaunchOptions } from "../protocol/launch.ts";
import type { ProbeOptions } from "../protocol/probe.ts";
import type { OverrideRecord } from "../protocol/run.ts";
import { writeNotes } from "../store/notes.ts";
import { createRunFolder, createTemporaryFolder, SIDECAR_LOG } from "../store/paths.ts";
import { livingSidecars, socketPath } from "../store/registry.ts";
import {
  type Address,
  connectTo,
  type MessageListener,
  type SidecarConnection,
} from "./connection.ts";
import { findNode } from "./node.ts";

export interface StartOptions {
  /** The training file. */
  readonly script: string;
  /** The script's own arguments. */
  readonly args?: readonly string[];
  /** Working folder of the script; that of this process if left out. */
  readonly cwd?: string;
  readonly seed?: number;
  readonly overrides?: OverrideRecord;
  /** Tags of the run in the list of runs. */
  readonly tags?: readonly string[];
  /** The checkpoint, or the folder of them, that the script is to go on from. */
  readonly resume?: string;
  /** Has the learning rate tried out instead of a run: nothing is kept. */
  readonly probe?: ProbeOptions;
  /**
   * Milliseconds that the run goes on when the last client has gone; a minute if left out, and to its
   * end if infinite.
   */
  readonly graceMs?: number;
  /** The step behind which the loop is held; none if left out. */
  readonly runTo?: number;
  /** GPU memory for states that the run can go back to, in bytes; 256 MiB if left out, 0 for none. */
  readonly rewindBytes?: number;
  /** The sidecar's entry: dist/sidecar.js. */
  readonly sidecar: string;
  /** The Node to run it with; searched for if left out. */
  readonly node?: string;
  /** Starts the process; it is one of its own, which nobody holds, if left out. */
  readonly launch?: (command: SidecarCommand) => SidecarProcess | Promise<SidecarProcess>;
}

/** How a sidecar is started: `node entry ...args`. */
export interface SidecarCommand {
  readonly node: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables on top of those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** File for what the process prints; it exists. */
  readonly log: string;
}

/** A process that was started. */
export interface SidecarProcess {
  /** How it ended; undefined while it lives. */
  readonly ended: string | undefined;
  kill(): void;
}

/** What files are called that Node runs, or that are compiled for it. */
const SCRIPT_NAME = /\.[cm]?[jt]s$|\.[jt]sx$/;

/** There is no such training file. */
export class ScriptNotFoundError extends Error {}

const DEFAULT_GRACE_MS = 60_000;
const DEFAULT_REWIND_BYTES = 256 * 1024 ** 2;
const POLL_MS = 10;

/** What the system may take to put away a process that was killed. */
const DYING_MS = 2000;

/** Longest that a process may take before it listens. */
const START_TIMEOUT_MS = 30_000;

/**
 * Starts a run in a process of its own, which outlives this one, and connects to it.
 * @throws if there is no such script or no Node for it, if the store cannot be written, or if the
 *   process ends before it listens: then with what it said. A script that does not compile is not
 *   among these: it comes as the `end` of the run.
 */
export async function startRun(
  options: StartOptions,
  listener: MessageListener,
): Promise<SidecarConnection> {
  const script = resolve(options.cwd ?? ".", options.script);
  const found = statSync(script, { throwIfNoEntry: false });
  if (!found) throw new ScriptNotFoundError(`There is no file ${script}.`);
  if (!found.isFile()) throw new ScriptNotFoundError(`${script} is a folder; a file is needed.`);
  if (!SCRIPT_NAME.test(script)) {
    throw new ScriptNotFoundError(
      `${script} is no script: a TypeScript or JavaScript file is needed.`,
    );
  }
  const node = await findNode(options.node);
  const graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
  const socket = socketPath(randomBytes(8).toString("hex"));
  const { id, folder } = options.probe ? createTemporaryFolder(script) : createRunFolder(script);
  const launch: LaunchOptions = {
    id,
    runFolder: folder,
    script,
    args: options.args ?? [],
    seed: options.seed ?? 0,
    rewindBytes: options.rewindBytes ?? DEFAULT_REWIND_BYTES,
    socket,
    token: randomBytes(32).toString("hex"),
    // JSON has no infinity.
    ...(Number.isFinite(graceMs) && { graceMs }),
    ...(options.runTo !== undefined && { runTo: options.runTo }),
    ...(options.overrides && { overrides: options.overrides }),
    ...(options.probe && { probe: options.probe }),
  };
  if (options.tags) writeNotes(folder, { tags: options.tags });
  let child: SidecarProcess | undefined;
  try {
    child = await (options.launch ?? spawnDetached)(sidecarCommand(node, options, launch));
    return await connectToProcess(child, launch, listener);
  } catch (error) {
    child?.kill();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Connects to the living sidecar of a run, told by its id or its folder; undefined if none. */
export async function attachRun(
  run: string,
  listener: MessageListener,
): Promise<SidecarConnection | undefined> {
  const address = livingSidecars().find(({ id, runFolder }) => id === run || runFolder === run);
  if (!address) return undefined;
  try {
    return await connectTo(address, listener);
  } catch (error) {
    if (await isGone(address.id)) return undefined;
    throw error;
  }
}

/** Whether a sidecar that cannot be reached has ended, or does so now: its sockets are closed before its process is gone. */
async function isGone(id: string): Promise<boolean> {
  const end = performance.now() + DYING_MS;
  while (livingSidecars().some(each => each.id === id)) {
    if (performance.now() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function sidecarCommand(node: string, options: StartOptions, run: LaunchOptions): SidecarCommand {
  const log = join(run.runFolder, SIDECAR_LOG);
  closeSync(openSync(log, "a", 0o600));
  return {
    node,
    entry: options.sidecar,
    args: [run.script, ...run.args],
    cwd: options.cwd ?? process.cwd(),
    env: {
      [CHECKPOINTS_VARIABLE]:
        process.env[CHECKPOINTS_VARIABLE] ?? join(run.runFolder, CHECKPOINTS_FOLDER),
      ...(options.resume !== undefined && { [RESUME_VARIABLE]: resolve(options.resume) }),
      [LAUNCH_VARIABLE]: JSON.stringify(run),
    },
    log,
  };
}

/** Starts a process that outlives this one. */
function spawnDetached({ node, entry, args, cwd, env, log }: SidecarCommand): SidecarProcess {
  const { ELECTRON_RUN_AS_NODE: _, ...inherited } = process.env;
  const output = openSync(log, "a");
  try {
    const child = spawn(node, [entry, ...args], {
      cwd,
      env: { ...inherited, ...env },
      stdio: ["ignore", output, output],
      detached: true,
      windowsHide: true,
    });
    // It must not keep this process alive.
    child.unref();
    let ended: string | undefined;
    child.once("exit", (code, signal) => {
      ended = `ended (${signal ?? `exit code ${code}`})`;
    });
    child.once("error", ({ message }) => {
      ended = `did not start: ${message}`;
    });
    return {
      get ended() {
        return ended;
      },
      kill: () => void child.kill("SIGKILL"),
    };
  } finally {
    closeSync(output);
  }
}

/** Knocks until the process listens, or has ended. */
async function connectToProcess(
  child: SidecarProcess,
  address: Address,
  listener: MessageListener,
): Promise<SidecarConnection> {
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += POLL_MS) {
    try {
      return await connectTo(address, listener);
    } catch (error) {
      if (!isNotListening(error)) throw error;
    }
    if (child.ended) break;
    await sleep(POLL_MS);
  }
  const words = readFileSync(join(address.runFolder, SIDECAR_LOG), "utf8").trim();
  const reason = child.ended ?? "did not listen in time";
  throw new Error(`The training process ${reason}.${words && `\n${words}`}`);
}

function isNotListening(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ECONNREFUSED";
}
