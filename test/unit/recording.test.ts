import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SidecarMessage } from "../../runtime/protocol/messages.ts";
import { Recording } from "../../runtime/sidecar/recording.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { openRun, type RunReader } from "../../runtime/store/reader.ts";
import { exampleBatch, exampleFinding, exampleRun } from "./run-example.ts";

let project: string;
let recording: Recording;
let reader: RunReader;
let told: SidecarMessage[];

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-recording-"));
  const script = join(project, "a.ts");
  writeFileSync(script, "");
  const { folder } = createRunFolder(script);
  told = [];
  recording = new Recording(folder, exampleRun({ script }), message => told.push(message));
  reader = openRun(folder);
});

afterEach(() => {
  recording.close({ status: "completed" });
  reader.close();
  rmSync(project, { recursive: true });
});

const print = (text: string) => recording.log({ level: "info", text, time: 0 });
const texts = () => told.flatMap(message => (message.type === "log" ? [message.log.text] : []));

test("what is told is stored already, and counted for newcomers", () => {
  print("before");
  recording.steps(exampleBatch(1, 3));
  print("after");
  expect(told).toEqual([]);
  const { run, logs } = recording.stored;
  expect(run.steps).toBe(3);
  expect(logs).toBe(2);
  expect(reader.record().steps).toBe(3);
  expect(reader.logs().map(({ text, step }) => [text, step])).toEqual([
    ["before", 0],
    ["after", 3],
  ]);
  expect(told.map(({ type }) => type)).toEqual(["log", "log", "steps"]);
});

test("metrics are stored before they are told, whatever their value", () => {
  const values = [0.5, Number.NaN, Number.NEGATIVE_INFINITY];
  const metrics = values.map((value, step) => ({ name: "val/loss", value, step, time: 1.5 }));
  recording.metrics(metrics);
  expect(recording.stored.metrics).toBe(3);
  expect(reader.metrics()).toEqual(metrics);
  expect(reader.metrics(2)).toEqual(metrics.slice(0, 2));
  expect(told).toEqual(metrics.map(metric => ({ type: "metric", metric })));
});

test("a finding is told as it changes, and the record keeps its latest version", () => {
  const finding = exampleFinding();
  const cleared = exampleFinding({ state: "cleared", step: 40 });
  const other = exampleFinding({ id: "lr.slow:2", code: "lr.slow" });
  recording.findings([finding, other]);
  recording.commit();
  recording.findings([cleared]);
  recording.commit();
  expect(told).toEqual([finding, other, cleared].map(f => ({ type: "finding", finding: f })));
  expect(reader.record().findings).toEqual([cleared, other]);
});

test("one record of output has an end", () => {
  print("x".repeat(1024 * 1024 + 5));
  recording.commit();
  expect(texts()[0]).toMatch(/^x+… \(5 characters more\)$/);
});

test("output beyond 64 MiB is told and not stored, and one log says so", () => {
  const mebibyte = "x".repeat(1024 * 1024);
  for (let i = 0; i < 70; i++) print(mebibyte);
  recording.commit();
  print("later");
  recording.commit();
  expect(reader.logs().length).toBe(64);
  expect(texts().filter(text => text === mebibyte)).toHaveLength(70);
  expect(texts().at(-1)).toBe("later");
  expect(texts().filter(text => text.includes("has printed very much"))).toHaveLength(1);
  expect(recording.stored.logs).toBe(64);
});
