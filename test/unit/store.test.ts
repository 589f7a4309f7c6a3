import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LogRecord } from "../../runtime/protocol/messages.ts";
import {
  joinBatches,
  STEP_COLUMNS,
  type StepBatch,
  stepValue,
} from "../../runtime/protocol/steps.ts";
import { listRuns } from "../../runtime/store/list.ts";
import { createRunFolder, newRunId, projectFolder, runsFolder } from "../../runtime/store/paths.ts";
import { isAlive, thisProcess } from "../../runtime/store/process.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { exampleBatch, exampleRun } from "./run-example.ts";

let project: string;

const PLANNED = [{ group: 0, steps: [1, 40], lr: [1e-3, 0], isOpen: false }];

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-store-"));
  writeFileSync(join(project, "package.json"), "{}");
});

afterEach(() => rmSync(project, { recursive: true }));

/** A finished run of `batches` batches of `rows` steps each. */
function writeRun(batches: number, rows: number, logs: LogRecord[] = []): string {
  const { folder } = createRunFolder(join(project, "digits.ts"));
  let record = exampleRun({ planned: PLANNED });
  const writer = new RunWriter(folder, record, "const answer = 42;\n");
  for (let i = 0; i < batches; i++) {
    const batch = exampleBatch(1 + i * rows, rows);
    record = afterBatch(record, batch);
    writer.add({ record, batches: [batch], logs: i === 0 ? logs : [], metrics: [] });
  }
  writer.add({
    record: { ...record, status: "completed", endedAt: 2 },
    batches: [],
    logs: [],
    metrics: [],
  });
  writer.close();
  return folder;
}

function lossesOf(batches: Iterable<StepBatch>): number[] {
  return [...batches].flatMap(batch =>
    Array.from({ length: batch.count }, (_, row) => stepValue(batch, row, "loss")),
  );
}

const inverse = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => 1 / (from + i));

describe("a run in the store", () => {
  test("is read back as it was written", () => {
    const log: LogRecord = { level: "warn", text: "η is high\n…", time: 12.5, step: 3 };
    const folder = writeRun(4, 5, [log]);
    const reader = openRun(folder);
    expect(reader.record()).toEqual(
      exampleRun({
        status: "completed",
        endedAt: 2,
        steps: 20,
        finalLoss: 1 / 20,
        planned: PLANNED,
      }),
    );
    expect(reader.logs()).toEqual([log]);
    expect(reader.logs(0)).toEqual([]);
    expect(reader.source()).toBe("const answer = 42;\n");
    const written = [0, 1, 2, 3].map(i => exampleBatch(1 + i * 5, 5));
    expect([...reader.steps()]).toEqual([joinBatches(written)]);
    expect(reader.damage).toBeUndefined();
    reader.close();
    expect(readdirSync(folder)).toEqual(["run.sqlite"]);
  });

  test("gives any range of steps, across batches and inside of one", () => {
    const reader = openRun(writeRun(6, 5));
    for (let from = 1; from <= 31; from++) {
      for (let to = from; to <= 33; to++) {
        expect(lossesOf(reader.steps(from, to))).toEqual(inverse(from, Math.min(to, 30)));
      }
    }
    reader.close();
  });

  test("comes in chunks, a new one where the tensors change", () => {
    const { folder } = createRunFolder(join(project, "a.ts"));
    const writer = new RunWriter(folder, exampleRun(), "");
    const batches = [exampleBatch(1, 700), exampleBatch(701, 700), exampleBatch(1401, 10, 3)];
    writer.add({ record: exampleRun({ steps: 1410 }), batches, logs: [], metrics: [] });
    writer.close();
    const reader = openRun(folder);
    expect([...reader.steps()]).toEqual(batches);
    reader.close();
  });

  test("keeps losses that are no numbers", () => {
    const { folder } = createRunFolder(join(project, "a.ts"));
    const writer = new RunWriter(folder, exampleRun(), "");
    for (const finalLoss of [Number.NaN, Number.POSITIVE_INFINITY]) {
      writer.add({ record: exampleRun({ finalLoss }), batches: [], logs: [], metrics: [] });
      const reader = openRun(folder);
      expect(reader.record().finalLoss).toBe(finalLoss);
      reader.close();
    }
    writer.close();
  });

  test("adds nothing of a transaction that fails", () => {
    const { folder } = createRunFolder(join(project, "a.ts"));
    const writer = new RunWriter(folder, exampleRun(), "");
    const batches = [exampleBatch(1, 5), exampleBatch(1, 5)];
    expect(() =>
      writer.add({ record: exampleRun({ steps: 5 }), batches, logs: [], metrics: [] }),
    ).toThrow();
    writer.add({
      record: exampleRun({ steps: 2 }),
      batches: [exampleBatch(1, 2)],
      logs: [],
      metrics: [],
    });
    const reader = openRun(folder);
    expect(lossesOf(reader.steps())).toEqual([1, 1 / 2]);
    reader.close();
    writer.close();
  });
});

/** Starts a process that writes a step a millisecond until it is killed; resolves once it does. */
async function startWriter(folder: string) {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url));
  const program = `
    const { RunWriter, afterBatch } = await import(${url("../../runtime/store/writer.ts")});
    const { exampleRun, exampleBatch } = await import(${url("./run-example.ts")});
    let record = exampleRun({ pid: process.pid });
    const writer = new RunWriter(${JSON.stringify(folder)}, record, "");
    for (let step = 1; ; step++) {
      record = afterBatch(record, exampleBatch(step, 1));
      writer.add({ record, batches: [exampleBatch(step, 1)], logs: [], metrics: [] });
      if (step === 10) console.log("ready");
      await new Promise(resolve => setTimeout(resolve, 1));
    }`;
  const writer = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(writer.stdout, "data");
  return writer;
}

describe("a run that is being written", () => {
  test("is read meanwhile, and is crashed once its process was killed", async () => {
    const { folder } = createRunFolder(join(project, "live.ts"));
    const writer = await startWriter(folder);
    const reader = openRun(folder);
    let seen = 0;
    for (let round = 0; round < 20; round++) {
      const { steps, status } = reader.record();
      expect(status).toBe("running");
      expect(lossesOf(reader.steps(1, steps))).toEqual(inverse(1, steps));
      expect(steps).toBeGreaterThanOrEqual(seen);
      seen = steps;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    expect(seen).toBeGreaterThan(10);
    writer.kill("SIGKILL");
    await once(writer, "exit");
    writeFileSync(join(folder, "sidecar.log"), "FATAL ERROR: heap out of memory\n");
    for (const after of [reader, openRun(folder)]) {
      const record = after.record();
      expect(record.status).toBe("crashed");
      expect(record.error?.message).toBe(
        `The process of the run (${writer.pid}) ended without closing it.\n` +
          "FATAL ERROR: heap out of memory",
      );
      expect(lossesOf(after.steps())).toEqual(inverse(1, record.steps));
      expect(record.steps).toBeGreaterThanOrEqual(seen);
      after.close();
    }
  });
});

test("a record from before the last columns opens, without these", () => {
  const { folder } = createRunFolder(join(project, "digits.ts"));
  const all = exampleBatch(1, 3);
  const known = STEP_COLUMNS.indexOf("forwardMs");
  const width = STEP_COLUMNS.length;
  const older = Array.from(all.steps).filter((_, i) => i % width < known);
  const record = exampleRun();
  const writer = new RunWriter(folder, record, "");
  const batch = { ...all, steps: Float64Array.from(older) };
  writer.add({ record: { ...record, steps: 3 }, batches: [batch], logs: [], metrics: [] });
  writer.close();
  const reader = openRun(folder);
  const expected = all.steps.map((value, i) => (i % width < known ? value : Number.NaN));
  expect([...reader.steps()][0]?.steps).toEqual(expected);
  const [curves] = [...reader.curves(["loss", "heapBytes"])];
  expect(curves?.columns.loss).toEqual(Float64Array.of(1, 1 / 2, 1 / 3));
  expect(curves?.columns.heapBytes).toEqual(new Float64Array(3).fill(Number.NaN));
  expect(reader.damage).toBeUndefined();
  reader.close();
});

describe("a damaged run", () => {
  test("is read up to the damage", () => {
    const folder = writeRun(40, 25);
    const file = join(folder, "run.sqlite");
    const bytes = readFileSync(file);
    // The bytes of the loss of step 501, somewhere in the file.
    const at = bytes.indexOf(Buffer.from(Float64Array.of(1 / 501).buffer));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
    const reader = openRun(folder);
    expect(lossesOf(reader.steps())).toEqual(inverse(1, 500));
    expect(reader.damage).toBe("Damaged at step 501: checksum differs");
    expect(reader.record().steps).toBe(1000);
    expect(lossesOf(reader.steps(601, 620))).toEqual(inverse(601, 620));
    reader.close();
  });

  test("that was cut short is read as far as it goes", () => {
    const folder = writeRun(40, 25);
    const file = join(folder, "run.sqlite");
    const whole = readFileSync(file).length;
    truncateSync(file, Math.floor(whole / 8192) * 4096);
    const reader = openRun(folder);
    expect(reader.record().status).toBe("completed");
    const losses = lossesOf(reader.steps());
    expect(losses.length).toBeGreaterThan(100);
    expect(losses).toEqual(inverse(1, losses.length));
    expect(reader.damage).toMatch(/^Damaged/);
    reader.close();
  });

  test("of which nothing is left says so, and does not hide the others", () => {
    const whole = writeRun(1, 1);
    const broken = writeRun(1, 1);
    writeFileSync(join(broken, "run.sqlite"), "no database at all ".repeat(100));
    expect(() => openRun(broken)).toThrow(
      `The run in ${broken} cannot be read: file is not a database`,
    );
    const { runs, unreadable } = listRuns(project);
    expect(runs.map(run => run.folder)).toEqual([whole]);
    expect(unreadable.map(run => run.folder)).toEqual([broken]);
  });

  test("that is missing says so", () => {
    expect(() => openRun(join(project, "nowhere"))).toThrow("There is no run in");
  });
});

describe("where runs are kept", () => {
  test("in the nearest project above the script, hidden from git", () => {
    const inner = join(project, "a", "b");
    mkdirSync(inner, { recursive: true });
    expect(projectFolder(join(inner, "train.ts"))).toBe(project);
    writeFileSync(join(project, "a", "tsconfig.json"), "{}");
    expect(projectFolder(join(inner, "train.ts"))).toBe(join(project, "a"));
    const { folder, id } = createRunFolder(join(inner, "train.ts"));
    expect(folder).toBe(join(project, "a", ".stepscope", "runs", id));
    expect(readFileSync(join(project, "a", ".stepscope", ".gitignore"), "utf8")).toBe("*\n");
    expect(listRuns(join(project, "a"))).toEqual({ runs: [], unreadable: [] });
    expect(listRuns(project)).toEqual({ runs: [], unreadable: [] });
  });

  test("under ids that sort by time", () => {
    const id = newRunId("/a/My digits (2).ts", new Date("2026-11-22T21:30:55Z"));
    expect(id).toMatch(/^20261122-213055000-My-digits-2-[0-9a-f]{4}$/);
    expect(newRunId("/a/b.ts", new Date("2026-11-22T21:30:55.001Z")) > id).toBe(true);
  });

  test("or nowhere, and then it says why", () => {
    writeFileSync(join(project, ".stepscope"), "a file in the way");
    expect(() => createRunFolder(join(project, "a.ts"))).toThrow(
      `Runs are kept in ${runsFolder(project)}, but it cannot be written: `,
    );
  });
});

describe("a process", () => {
  test("is known by more than its number", () => {
    const self = thisProcess();
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, pid: 2 ** 30 })).toBe(false);
    expect(isAlive({ ...self, seenAt: 0 })).toBe(false);
    if (process.platform === "linux") expect(isAlive({ ...self, started: "x:1" })).toBe(false);
  });
});

test("a run on a medium that cannot be written is read", () => {
  const folder = writeRun(2, 5);
  chmodSync(join(folder, "run.sqlite"), 0o444);
  chmodSync(folder, 0o555);
  const reader = openRun(folder);
  expect(lossesOf(reader.steps())).toEqual(inverse(1, 10));
  reader.close();
  chmodSync(folder, 0o755);
});
