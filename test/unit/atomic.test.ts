/** Files that are replaced in one step, however the process that writes them ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { removeUnfinished, writeAtomically } from "../../runtime/checkpoint/atomic.ts";
import { randomNumbers } from "./random.ts";

const folder = mkdtempSync(join(tmpdir(), "stepscope-atomic-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Each costs the start of a process: `KILLS=200` for more of them. */
const KILLS = Number(process.env.KILLS ?? 12);
const BYTES = 1 << 20;

/** Writes files full of one number without end, the next number each time. */
const WRITER = `
  import { writeAtomically } from ${JSON.stringify(
    new URL("../../runtime/checkpoint/atomic.ts", import.meta.url).href,
  )};
  const [path, first] = process.argv.slice(1);
  for (let i = Number(first); ; i = (i + 1) % 256) {
    const half = new Uint8Array(${BYTES / 2}).fill(i);
    await writeAtomically(path, [half, half]);
    process.send?.(i);
  }`;

function startWriter(path: string, first: number): ChildProcess {
  const flags = ["--input-type=module-typescript", "--eval", WRITER, path, String(first)];
  return spawn(process.execPath, flags, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

test("a process that is killed leaves the old file or the new one, whole", async () => {
  const path = join(folder, "file");
  const random = randomNumbers(8);
  let last = 0;
  let unfinished = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = startWriter(path, last);
    child.on("message", written => {
      last = Number(written);
    });
    await once(child, "message");
    await sleep(random() * 20);
    child.kill("SIGKILL");
    await once(child, "exit");
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(BYTES);
    expect(bytes.every(byte => byte === bytes[0])).toBe(true);
    // What was reported is there; one more may be.
    expect([last, (last + 1) % 256]).toContain(bytes[0]);
    unfinished += readdirSync(folder).length - 1;
    await removeUnfinished(folder);
    expect(readdirSync(folder)).toEqual(["file"]);
  }
  // Else no kill met a file that was being written.
  expect(unfinished).toBeGreaterThan(0);
}, 300_000);

test("what cannot be written leaves nothing, and the old file as it was", async () => {
  const path = join(folder, "kept");
  await writeAtomically(path, [new Uint8Array([1])]);
  const broken = async function* () {
    yield new Uint8Array([2]);
    throw new Error("no more");
  };
  await expect(writeAtomically(path, broken())).rejects.toThrow("no more");
  expect([...readFileSync(path)]).toEqual([1]);
  expect(readdirSync(folder).filter(name => name.includes("kept"))).toEqual(["kept"]);
  rmSync(path);
});
