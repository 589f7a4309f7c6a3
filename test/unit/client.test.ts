/** What the client needs before a sidecar runs: a Node, a private folder, a process that starts. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectTo } from "../../runtime/client/connection.ts";
import { findNode, isRecent } from "../../runtime/client/node.ts";
import { attachRun, startRun } from "../../runtime/client/start.ts";
import { RUN_DATABASE, runsFolder } from "../../runtime/store/paths.ts";
import { isAlive, thisProcess } from "../../runtime/store/process.ts";
import {
  livingSidecars,
  type Registration,
  register,
  runtimeFolder,
  socketPath,
  unregister,
} from "../../runtime/store/registry.ts";

let folder: string;
const environment = { ...process.env };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stepscope-client-"));
  // A project of its own, whatever lies in the folders above.
  writeFileSync(join(folder, "package.json"), "{}");
  process.env.XDG_RUNTIME_DIR = folder;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const name of ["XDG_RUNTIME_DIR", "TMPDIR"]) {
    const before = environment[name];
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
});

/** A program at `path` in the test's folder that does what a line of shell says. */
function program(path: string, line: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${line}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe("the Node for a sidecar", () => {
  test("is 22.15 or newer", () => {
    for (const version of ["22.15.0", "22.20.1", "24.0.0"]) expect(isRecent(version)).toBe(true);
    for (const version of ["22.14.9", "20.20.0", "8.0.0"]) expect(isRecent(version)).toBe(false);
  });

  test("is this process's own, unless one is named", async () => {
    expect(await findNode(undefined, {})).toBe(process.execPath);
    const chosen = program("chosen/node", "echo 24.1.0");
    const named = program("named/node", "echo 23.0.0");
    expect(await findNode(undefined, { STEPSCOPE_NODE: named })).toBe(named);
    expect(await findNode(chosen, { STEPSCOPE_NODE: named })).toBe(chosen);
  });

  test("that is named and too old, or none at all, is not replaced in silence", async () => {
    const old = program("old/node", "echo 20.1.0");
    await expect(findNode(old, {})).rejects.toThrow(
      `Training needs Node.js 22.15 or newer. Tried:\n  - ${old}: 20.1.0\n` +
        "Install it from https://nodejs.org, or name one: STEPSCOPE_NODE=/path/to/node.",
    );
    const none = program("none/node", "exit 1");
    await expect(findNode(none, {})).rejects.toThrow(`${none}: no Node`);
    await expect(findNode(join(folder, "gone"), {})).rejects.toThrow("gone: no Node");
  });

  test("is never Electron: then it is the first on PATH that will do, or a version manager's", async () => {
    const electron = process.versions;
    Object.defineProperty(process, "versions", { value: { ...electron, electron: "35.0.0" } });
    try {
      const old = program("a/node", "echo 18.0.0");
      const recent = program("b/node", "echo 22.16.0");
      const HOME = join(folder, "home");
      const PATH = [dirname(old), join(folder, "gone"), dirname(recent)].join(delimiter);
      expect(await findNode(undefined, { PATH, HOME })).toBe(recent);
      program("home/.nvm/versions/node/v9.0.0/bin/node", "echo 9.0.0");
      program("home/.nvm/versions/node/v22.9.0/bin/node", "echo 22.9.0");
      const managed = program("home/.nvm/versions/node/v24.2.0/bin/node", "echo 24.2.0");
      expect(await findNode(undefined, { PATH: dirname(old), HOME })).toBe(managed);
    } finally {
      Object.defineProperty(process, "versions", { value: electron });
    }
  });
});

describe("a process that does not listen", () => {
  test("is told of with its last words, and leaves nothing behind", async () => {
    const script = join(folder, "a.ts");
    writeFileSync(script, "");
    const broken = program(
      "broken/node",
      'case "$1" in --print) echo 24.0.0;; *) echo no memory; exit 9;; esac',
    );
    const start = startRun({ script, sidecar: "sidecar.js", node: broken }, () => {});
    await expect(start).rejects.toThrow("The training process ended (exit code 9).\nno memory");
    expect(readdirSync(runsFolder(folder))).toEqual([]);
    expect(livingSidecars()).toEqual([]);
  });
});

describe("a process that listens and does not answer", () => {
  test("is given up after a while", async () => {
    const server = createServer(client => client.resume());
    const socket = join(folder, "silent.sock");
    await new Promise<void>(resolve => server.listen(socket, resolve));
    const address = { socket, token: "", runFolder: folder };
    await expect(connectTo(address, () => {}, 50)).rejects.toThrow("The sidecar does not answer.");
    await new Promise(resolve => server.close(resolve));
  });
});

describe("a process that is started a second time", () => {
  test("ends before it touches what the first has recorded", async () => {
    const script = join(folder, "a.ts");
    writeFileSync(script, "");
    const start = startRun(
      {
        script,
        sidecar: join(import.meta.dirname, "../../runtime/sidecar/main.ts"),
        node: process.execPath,
        launch: ({ node, entry, args, cwd, env, log }) => {
          const recorded = join(dirname(log), RUN_DATABASE);
          writeFileSync(recorded, "the first run");
          const { stderr } = spawnSync(node, [entry, ...args], {
            cwd,
            env: { ...process.env, ...env },
          });
          writeFileSync(log, stderr);
          expect(readFileSync(recorded, "utf8")).toBe("the first run");
          return { ended: "ended", kill: () => {} };
        },
      },
      () => {},
    );
    await expect(start).rejects.toThrow("The run of this process is recorded already.");
  });
});

describe("a folder for sockets that others can look into", () => {
  test("is refused before anything is made of the run", async () => {
    const script = join(folder, "a.ts");
    writeFileSync(script, "");
    chmodSync(runtimeFolder(), 0o755);
    const start = startRun({ script, sidecar: "sidecar.js", node: process.execPath }, () => {});
    await expect(start).rejects.toThrow("must belong to you and be closed to others");
    expect(existsSync(runsFolder(folder))).toBe(false);
  });
});

describe("the folder for sockets", () => {
  test("is private, and must be", () => {
    const path = runtimeFolder();
    expect(dirname(path)).toBe(folder);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    chmodSync(path, 0o755);
    expect(() => runtimeFolder()).toThrow(`${path} must belong to you and be closed to others`);
  });

  test("keeps socket paths short", () => {
    process.env.XDG_RUNTIME_DIR = join(folder, "x".repeat(100));
    const path = socketPath("0123456789abcdef");
    expect(path.length).toBeLessThanOrEqual(100);
    expect(existsSync(dirname(path))).toBe(true);
  });

  test("knows living sidecars, and forgets dead ones with their sockets", () => {
    const entry = (id: string, process: Registration["process"]): Registration => ({
      id,
      process,
      socket: socketPath(id),
      token: "t",
      runFolder: join(folder, id),
      script: join(folder, "a.ts"),
    });
    const living = entry("living", thisProcess());
    const dead = entry("dead", { ...thisProcess(), pid: 2 ** 30 });
    for (const each of [living, dead]) register(each);
    writeFileSync(dead.socket, "");
    writeFileSync(join(runtimeFolder(), "half.json"), '{ "id": ');
    expect(statSync(join(runtimeFolder(), "living.json")).mode & 0o077).toBe(0);
    expect(livingSidecars()).toEqual([living]);
    expect(existsSync(dead.socket)).toBe(false);
    unregister(living);
    expect(livingSidecars()).toEqual([]);
  });

  test("has no living sidecar whose sockets are closed, and whose process goes a little later", async () => {
    // Only its system knows when another process began.
    const program = `
      const { thisProcess } = await import(${JSON.stringify(
        new URL("../../runtime/store/process.ts", import.meta.url),
      )});
      console.log(JSON.stringify(thisProcess()));
      setTimeout(() => process.exit(), 300);`;
    const dying = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    const exit = once(dying, "exit");
    const [line] = await once(dying.stdout, "data");
    const identity: Registration["process"] = JSON.parse(String(line));
    const run = join(folder, "run");
    register({
      id: "dying",
      process: identity,
      socket: socketPath("dying"),
      token: "t",
      runFolder: run,
      script: join(folder, "a.ts"),
    });
    expect(isAlive(identity)).toBe(true);
    expect(await attachRun(run, () => {})).toBeUndefined();
    await exit;
  });
});
