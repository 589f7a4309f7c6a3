/** Histograms of step sizes: which steps leave one, how they are kept, and how they are read. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Cadence } from "../../runtime/insight/histograms.ts";
import { histogramsOf, wordsOf } from "../../runtime/protocol/histogram.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { RunWriter } from "../../runtime/store/writer.ts";
import { exampleRun } from "./run-example.ts";

/** Three tensors, the second of which had no step. */
const FIRST = Float32Array.of(2, 0.5, -3, 10, 20, 0, 1, 0.25, 4, 7);
const SECOND = Float32Array.of(0, 3, 0.5, -1, 1, 2, 3, 0);

test("words are those of a tensor; one without a step has a 0", () => {
  expect([...wordsOf(FIRST, 0)]).toEqual([2, 0.5, -3, 10, 20]);
  expect([...wordsOf(FIRST, 1)]).toEqual([0]);
  expect([...wordsOf(FIRST, 2)]).toEqual([1, 0.25, 4, 7]);
  expect([...wordsOf(FIRST, 3)]).toEqual([]);
});

test("of a long run about 512 + 256 · log₂(n / 512) are kept, those of the beginning among them", () => {
  const cadence = new Cadence();
  const taken = Array.from({ length: 100_000 }, (_, i) => i).filter(() => cadence.next());
  expect(taken.slice(0, 513)).toEqual(Array.from({ length: 513 }, (_, i) => i));
  expect(taken.length).toBeGreaterThan(2000);
  expect(taken.length).toBeLessThan(512 + 256 * Math.log2(100_000 / 512) + 256);
});

test("a run keeps them, and gives those of a tensor behind a step", () => {
  const project = mkdtempSync(join(tmpdir(), "stepscope-histograms-"));
  try {
    const record = exampleRun();
    const { folder } = createRunFolder(join(project, "train.ts"));
    const writer = new RunWriter(folder, record, "");
    const rest = { record, batches: [], logs: [], metrics: [] };
    writer.add({ ...rest, histograms: [{ step: 1, words: FIRST }] });
    writer.add({ ...rest, histograms: [{ step: 3, words: SECOND }] });
    const reader = openRun(folder);
    const first = reader.histograms(0, 0);
    expect([...first.steps]).toEqual([1, 3]);
    expect([...histogramsOf(first)]).toEqual([
      { step: 1, lr: 0.5, lowest: -3, counts: Float32Array.of(10, 20) },
      { step: 3, lr: Number.NaN, lowest: 0, counts: new Float32Array() },
    ]);
    expect([...histogramsOf(reader.histograms(1, 1))]).toEqual([
      { step: 3, lr: 0.5, lowest: -1, counts: Float32Array.of(1, 2, 3) },
    ]);
    expect([...reader.histograms(7, 0).words]).toEqual([]);
    reader.close();
    writer.close();

    // A run that was recorded before there were any.
    const database = new DatabaseSync(join(folder, "run.sqlite"));
    database.exec("DROP TABLE histogram");
    database.close();
    const older = openRun(folder);
    expect([...older.histograms(0, 0).steps]).toEqual([]);
    expect(older.damage).toBeUndefined();
    older.close();
  } finally {
    rmSync(project, { recursive: true });
  }
});
