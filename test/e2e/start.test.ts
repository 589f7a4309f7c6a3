import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { processesWith } from "../host/processes.ts";
import { installServer } from "../host/server.ts";

const START = join(import.meta.dirname, "../host/start.ts");
const MARK = "STEPSCOPE_TEST_MARK";

let started: ChildProcess | undefined;
afterEach(() => started?.kill("SIGKILL"));

test("npm start prints an address that answers, and Ctrl-C leaves no process", async () => {
  await installServer();
  const mark = randomUUID();
  const child = spawn(process.execPath, [START], {
    // Without a display and without a desktop VS Code on PATH.
    env: { HOME: process.env.HOME, PATH: "/nowhere", [MARK]: mark },
    stdio: ["ignore", "pipe", "inherit"],
  });
  started = child;
  const exited = new Promise<number | null>(resolve => child.once("exit", resolve));

  const url = await addressOf(child);
  const answer = await fetch(url, { redirect: "manual" });
  expect(answer.status).toBeLessThan(400);
  // The secret in the address is needed: other users of the machine are kept out.
  const stranger = await fetch(new URL("/", url));
  expect(stranger.status).toBe(403);
  expect(processesWith(MARK, mark).length).toBeGreaterThan(1);

  child.kill("SIGINT");
  expect(await exited).toBe(0);
  expect(processesWith(MARK, mark)).toEqual([]);
});

async function addressOf(child: ChildProcess): Promise<string> {
  const lines: string[] = [];
  if (!child.stdout) throw new Error("no standard output");
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url) return url;
  }
  throw new Error(`No address was printed:\n${lines.join("\n")}`);
}
