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
import { batchOf, cutBatches, damage, NAMES, store as storeLongRun, valueAt } from "./long-run.ts";
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
    expect(() => [...readEvents(damaged)]).toThrow(/This is no event file of TensorBoard/);
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
    expect(steps[0]).toMatch(
      /^step,epoch,loss,gradNorm,.*lr\/0,samples,ms\/step,.*ms\/gpu\/step,bytes\/gpu,bytes\/heap$/,
    );
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

  describe("that is long", () => {
    const last = 25_000;

    beforeEach(() => {
      folder = storeLongRun(project, cutBatches(1, last), 30);
    });

    function writeAll(format: ExportFormat): string {
      const path = join(project, format);
      const reader = openRun(folder);
      expect([...exportRun(reader, format, path)].at(-1)).toBe(last);
      reader.close();
      return path;
    }

    /** What is kept of a series: what comes before the exact steps, in bins of 64. */
    function expectedBins(tensor: number, from: number, to: number) {
      const finite: number[] = [];
      for (let step = from; step <= to; step++) {
        const value = valueAt(tensor, step);
        if (Number.isFinite(value)) finite.push(value);
      }
      const sum = finite.reduce((a, b) => a + b, 0);
      return { finite, mean: Math.fround(sum / finite.length) };
    }

    test("as JSON: with bins where steps have no tensors any more", () => {
      const lines = readFileSync(writeAll("json"), "utf8").trim().split("\n");
      const objects = lines.map(line => JSON.parse(line));
      const steps = objects.filter(({ type }) => type === "step");
      const bins = objects.filter(({ type }) => type === "bins");
      expect(steps).toHaveLength(last);
      const exact = steps.findIndex(({ params }) => Object.keys(params).length > 0);
      // Each step is there once: in a bin, or by itself.
      let next = 1;
      for (const { from, to } of bins) {
        expect(from).toBe(next);
        next = to + 1;
      }
      expect([next, last - exact]).toEqual([exact + 1, expect.any(Number)]);
      expect(last - exact).toBeGreaterThanOrEqual(20_000);
      for (const [tensor, name] of NAMES.entries()) {
        for (const { from, to, params } of bins) {
          const found = params[name].effectiveLr.p50;
          const { finite, mean } = expectedBins(tensor, from, to);
          expect(found.finite).toBe(finite.length);
          if (finite.length === 0) {
            expect(found).toMatchObject({ min: "NaN", mean: "NaN", max: "NaN" });
            continue;
          }
          expect([found.min + 0, found.max + 0]).toEqual([
            Math.min(...finite) + 0,
            Math.max(...finite) + 0,
          ]);
          const size = Math.max(...finite.map(Math.abs));
          expect(Math.abs(found.mean - mean)).toBeLessThanOrEqual(size * 2 ** -20);
        }
      }
    });

    test("as CSV: with a line a bin and tensor", () => {
      const [names = "", ...lines] = readFileSync(join(writeAll("csv"), "bins.csv"), "utf8")
        .trim()
        .split("\r\n");
      expect(names).toMatch(
        /^from,to,tensor,gradNorm\/min,gradNorm\/mean,gradNorm\/max,gradNorm\/finite,/,
      );
      const columns = names.split(",").length;
      expect(lines.every(line => line.split(",").length === columns)).toBe(true);
      expect(lines[0]).toMatch(/^1,63,noise,/);
      expect(lines[NAMES.length]).toMatch(/^64,127,noise,/);
    });

    test("for TensorBoard: with the means of bins at their last steps", () => {
      // Of eight tensors there is one.
      const batches = Array.from({ length: last / 500 }, (_, i) =>
        batchOf(i * 500 + 1, (i + 1) * 500, 1),
      );
      folder = storeLongRun(project, batches);
      const path = writeAll("tensorboard");
      const [name = ""] = readdirSync(path);
      const tag = `effectiveLr/p50/${NAMES[0]}`;
      const found = [...readEvents(readFileSync(join(path, name)))].flatMap(({ step, values }) =>
        values.filter(([each]) => each === tag).map(([, value]) => ({ step, value })),
      );
      expect(found.slice(0, 2).map(({ step }) => step)).toEqual([63, 127]);
      expect(found[0]?.value).toBeCloseTo(expectedBins(0, 1, 63).mean, 6);
      expect(found.at(-1)?.step).toBe(last);
      const steps = found.map(({ step }) => step);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    });

    test("and is damaged: what can be read is there, and what cannot is said", () => {
      damage(folder);
      const reader = openRun(folder);
      const path = join(project, "damaged");
      expect(() => [...exportRun(reader, "csv", path)]).toThrow(/Damaged at step 4096: /);
      reader.close();
      const lines = readFileSync(join(path, "bins.csv"), "utf8").trim().split("\r\n");
      expect(lines.at(-1)).toMatch(/^4032,4095,/);
    });
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
    expect(() => [...importEvents(file, project)]).toThrow(
      `${file}: This is no event file of TensorBoard`,
    );
    writeFileSync(file, "");
    expect(() => [...importEvents(file, project)]).toThrow(`There are no scalars in ${file}`);
    mkdirSync(join(project, "empty"));
    expect(() => [...importEvents(join(project, "empty"), project)]).toThrow(
      "There is no event file in ",
    );
  });
});
