/** A process that is killed while it writes a chunk anew leaves the run as it was before, or behind it. */
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RUN_DATABASE } from "../../runtime/store/paths.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { batchOf, store } from "./long-run.ts";
import { randomNumbers } from "./random.ts";

/** `KILLS=200` for more of them. */
const KILLS = Number(process.env.KILLS ?? 3);

/** What a kill may take on a machine that does other things, too. */
const KILL_MS = 15_000;

/** Steps of a chunk, and of a batch: each eighth transaction writes a chunk. */
const CHUNK = 4096;
const BATCH = 512;

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-kills-"));
});

afterAll(() => rmSync(project, { recursive: true }));

/** Before a transaction that writes a chunk, the steps so far; behind it the milliseconds that it took. */
interface Note {
  readonly steps: number;
  readonly took?: number;
}

/** Starts a process that stores a long run and says when it writes a chunk. */
function startWriter(folder: string) {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url));
  const program = `
    const { RunWriter, afterBatch } = await import(${url("../../runtime/store/writer.ts")});
    const { batchOf, longRun } = await import(${url("./long-run.ts")});
    let record = { ...longRun(), pid: process.pid };
    const writer = new RunWriter(${JSON.stringify(folder)}, record, "");
    for (let step = 1; ; step += ${BATCH}) {
      const batch = batchOf(step, step + ${BATCH - 1});
      record = afterBatch(record, batch);
      const writesChunk = record.steps % ${CHUNK} === 0;
      if (writesChunk) await new Promise(resolve => process.send({ steps: step - 1 }, resolve));
      const begin = performance.now();
      writer.add({ record, batches: [batch], logs: [], metrics: [] });
      if (writesChunk) process.send({ steps: record.steps, took: performance.now() - begin });
    }`;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** All rows of what a run has of its steps, by table. */
function rowsOf(folder: string): ReadonlyMap<string, readonly unknown[]> {
  const database = new DatabaseSync(join(folder, RUN_DATABASE), { readOnly: true });
  try {
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const names = tables.map(({ name }) => String(name));
    const ofSteps = names.filter(name => !["run", "source"].includes(name)).sort();
    return new Map(ofSteps.map(name => [name, database.prepare(`SELECT * FROM "${name}"`).all()]));
  } finally {
    database.close();
  }
}

test(
  "whatever moment it is killed in",
  async () => {
    const random = randomNumbers(7);
    let withoutChunk = 0;
    // One of them at least is to be in the middle of a chunk.
    for (let kill = 0; kill < KILLS || withoutChunk === 0; kill++) {
      const folder = mkdtempSync(join(project, "run-"));
      const writer = startWriter(folder);
      const exit = once(writer, "exit");
      let took = Number.NaN;
      let before = Number.NaN;
      for await (const [note] of on(writer, "message") as AsyncIterable<[Note]>) {
        if (note.took !== undefined) took = note.took;
        else if (!Number.isNaN(took)) {
          before = note.steps;
          break;
        }
      }
      await sleep(took * 1.2 * random());
      writer.kill("SIGKILL");
      await exit;
      const reader = openRun(folder);
      const { status, steps } = reader.record();
      reader.close();
      expect(status).toBe("crashed");
      expect(steps).toBeGreaterThanOrEqual(before);
      if (steps === before) withoutChunk += 1;
      const whole = Array.from({ length: steps / BATCH }, (_, i) =>
        batchOf(i * BATCH + 1, (i + 1) * BATCH),
      );
      const found = rowsOf(folder);
      const unharmed = rowsOf(store(project, whole, 1));
      const differing = [...unharmed.keys()].filter(
        table => !isDeepStrictEqual(found.get(table), unharmed.get(table)),
      );
      expect(differing).toEqual([]);
    }
  },
  KILLS * KILL_MS,
);
