import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findRun } from "../../runtime/cli/find.ts";
import { crc32c } from "../../runtime/exchange/crc32c.ts";
import { eventRecord, fileHeader, readEvents } from "../../runtime/exchange/eventFile.ts";
import { type ExportFormat, exportRun } from "../../runtime/exchange/export.ts";
import { importEvents } from "../../runtime/exchange/importEvents.ts";
import { listRuns, summarize } from "../../runtime/store/list.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { storeExampleRun } from "./run-example.ts";

/** Made by test/fixtures/events.py with Google's protobuf. */
const EVENTS = readFileSync(join(import.meta.dirname, "../fixtures/events.tfevents"));

const SIMPLE = [
  {
    wallTime: 1700000001.5,
    step: 1,
    values: [
      ["loss", 2.5],
      ["lr/0", Math.fround(0.001)],
    ],
  },
  {
    wallTime: 1700000003,
    step: 300,
    values: [
      ["loss", Number.NaN],
      ["größe", Math.fround(1e-30)],
    ],
  },
] as const;

describe("event files of TensorBoard", () => {
  test("have the checksum of RFC 3720", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  });

  test("are written byte for byte as protobuf writes them", () => {
    const bytes = Buffer.concat([fileHeader(1700000000.25), ...SIMPLE.map(eventRecord)]);
    expect(bytes).toEqual(EVENTS.subarray(0, bytes.length));
  });

  test("are read with scalars in every form, and without what is none", () => {
    expect([...readEvents(EVENTS)]).toEqual([
      ...SIMPLE,
      {
        wallTime: 1700000005,
        step: 3_000_000_000,
        values: [
          ["content", 0.5],
          ["listed", 0.25],
          ["double", 0.1],
        ],
      },
    ]);
  });

  test("that are cut short end there, and damaged ones say where", () => {
    expect([...readEvents(EVENTS.subarray(0, EVENTS.length - 3))]).toEqual(SIMPLE);
    const damaged = Buffer.from(EVENTS);
    damaged[60] = 0xff;
    expect(() => [...readEvents(damaged)]).toThrow(/The record at byte \d+ does not match its/);
    damaged[0] = 0xff;
    expect(() => [...readEvents(damaged)]).toThrow(/The record at byte 0 has a length/);
  });
});

describe("a run is exported", () => {
  let project: string;
  let folder: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "stepscope-export-"));
    writeFileSync(join(project, "package.json"), "{}");
    folder = storeExampleRun(
      project,
      [{ level: "info", text: "begin", time: 1, step: 1 }],
      [{ name: "val/loss", value: 0.25, time: 2000, step: 2 }],
    );
  });

  afterEach(() => rmSync(project, { recursive: true }));

  function write(format: ExportFormat): string {
    const path = join(project, "out");
    const reader = openRun(folder);
    expect([...exportRun(reader, format, path)]).toEqual([2]);
    reader.close();
    return path;
  }

  test("as CSV: a line a step, and a line a step and tensor", () => {
    const path = write("csv");
    const steps = readFileSync(join(path, "steps.csv"), "utf8").split("\r\n");
    expect(steps).toHaveLength(4);
    expect(steps[0]).toMatch(/^step,epoch,loss,gradNorm,.*lr\/0,ms\/step$/);
    expect(steps[1]).toMatch(/^1,\d+,1,1001,/);
    expect(steps[2]).toMatch(/^2,.*,0\.5,/);
    const tensors = readFileSync(join(path, "tensors.csv"), "utf8").split("\r\n");
    expect(tensors.map(line => line.split(",", 2).join(" "))).toEqual([
      "step tensor",
      "1 w",
      "1 b",
      "2 w",
      "2 b",
      "",
    ]);
    expect(tensors[0]).toContain("effectiveLr/p50");
    const metrics = readFileSync(join(path, "metrics.csv"), "utf8");
    expect(metrics).toBe("step,name,value,time\r\n2,val/loss,0.25,2000\r\n");
  });

  test("as JSON: the lines of train --json, logs at their steps", () => {
    const lines = readFileSync(write("json"), "utf8").trim().split("\n");
    expect(lines.map(line => JSON.parse(line).type)).toEqual([
      "run",
      "step",
      "step",
      "log",
      "metric",
      "end",
    ]);
  });

  test("for TensorBoard: every step's loss, rates and statistics of tensors", () => {
    const path = write("tensorboard");
    const [name = "", ...others] = readdirSync(path);
    expect(name).toContain("tfevents");
    expect(others).toEqual([]);
    const events = [...readEvents(readFileSync(join(path, name)))];
    expect(events.map(({ step }) => step)).toEqual([1, 2, 2]);
    expect(events[2]).toEqual({ wallTime: 2, step: 2, values: [["val/loss", 0.25]] });
    const last = new Map(events[1]?.values);
    expect(last.get("loss")).toBe(0.5);
    expect(last.get("lr/0")).toBe(Math.fround(1e-3));
    expect(last.has("stepSize/p50/w")).toBe(true);
  });

  test("not over what is there, and not by half", () => {
    const path = join(project, "out");
    const reader = openRun(folder);
    const half = exportRun(reader, "csv", path);
    half.next();
    expect(existsSync(path)).toBe(true);
    half.return();
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, "");
    expect(() => exportRun(reader, "csv", path).next()).toThrow(`${path} exists already.`);
    reader.close();
  });

  test("is found by its folder, its id, a part of it, or as the newest", () => {
    const id = findRun(folder).record.id;
    expect(findRun(undefined, project).record.id).toBe(id);
    expect(findRun(id, project).folder).toBe(folder);
    expect(findRun(id.slice(-4), project).folder).toBe(folder);
    storeExampleRun(project);
    expect(() => findRun("digits", project)).toThrow(/^Several runs have "digits" in their name: /);
    expect(() => findRun("cats", project)).toThrow('There is no run "cats" in ');
    rmSync(join(project, ".stepscope"), { recursive: true });
    expect(() => findRun(undefined, project)).toThrow("There are no runs in ");
  });
});

describe("event files are imported", () => {
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "stepscope-import-"));
    mkdirSync(join(project, "logs/baseline"), { recursive: true });
    mkdirSync(join(project, "logs/wide"));
    for (const name of ["baseline", "wide"]) {
      writeFileSync(join(project, `logs/${name}/events.out.tfevents.17`), EVENTS);
    }
  });

  afterEach(() => rmSync(project, { recursive: true }));

  test("a run a folder, with every scalar at its step", () => {
    const folders = [...importEvents(join(project, "logs"), project)];
    expect(folders.map(folder => summarize(folder).notes.name).sort()).toEqual([
      "baseline",
      "wide",
    ]);
    const { runs, unreadable } = listRuns(project);
    expect(unreadable).toEqual([]);
    expect(runs[0]?.record).toMatchObject({
      status: "completed",
      startedAt: 1700000001500,
      endedAt: 1700000005000,
    });
    const reader = openRun(folders[0] ?? "");
    expect(reader.metrics().map(({ name, step }) => `${step} ${name}`)).toEqual([
      "1 loss",
      "1 lr/0",
      "300 loss",
      "300 größe",
      "3000000000 content",
      "3000000000 listed",
      "3000000000 double",
    ]);
    reader.close();
  });

  test("one file alone; what is none, or damaged, is said", () => {
    const file = join(project, "logs/wide/events.out.tfevents.17");
    expect([...importEvents(file, project)]).toHaveLength(1);
    writeFileSync(file, Buffer.from(EVENTS).fill(0xff, 0, 4));
    expect(() => [...importEvents(file, project)]).toThrow(`${file}: The record at byte 0 has a `);
    mkdirSync(join(project, "empty"));
    expect(() => [...importEvents(join(project, "empty"), project)]).toThrow(
      "There is no event file in ",
    );
  });
});
