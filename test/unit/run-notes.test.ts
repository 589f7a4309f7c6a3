import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listRuns, summarize } from "../../runtime/store/list.ts";
import { readNotes, writeNotes } from "../../runtime/store/notes.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { matches, runName } from "../../runtime/store/summary.ts";
import { deleteRuns, restoreRuns } from "../../runtime/store/trash.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { exampleBatch, exampleRun } from "./run-example.ts";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-notes-"));
  writeFileSync(join(project, "tsconfig.json"), "{}");
});

afterEach(() => rmSync(project, { recursive: true }));

/** A finished run; returns its folder. */
function writeRun(): string {
  const { folder } = createRunFolder(join(project, "digits.ts"));
  const record = exampleRun();
  const writer = new RunWriter(folder, record, "");
  const batch = exampleBatch(1, 5);
  const ended = { ...afterBatch(record, batch), status: "completed" as const, endedAt: 2 };
  writer.add({ record: ended, batches: [batch], logs: [], metrics: [] });
  writer.close();
  return folder;
}

const folders = () => listRuns(project).runs.map(({ folder }) => folder);

describe("notes", () => {
  test("are empty at first, change one by one, and are read back", () => {
    const folder = writeRun();
    expect(readNotes(folder)).toEqual({ name: "", note: "", tags: [], starred: false });
    writeNotes(folder, { name: "baseline", tags: ["wide"] });
    writeNotes(folder, { starred: true });
    expect(readNotes(folder)).toEqual({
      name: "baseline",
      note: "",
      tags: ["wide"],
      starred: true,
    });
  });

  test("that are damaged count as none", () => {
    const folder = writeRun();
    writeFileSync(join(folder, "notes.json"), '{"tags": 3}');
    expect(readNotes(folder).tags).toEqual([]);
    writeFileSync(join(folder, "notes.json"), "{");
    expect(readNotes(folder).name).toBe("");
  });
});

describe("a summary", () => {
  test("has the last learning rate, and the name of the script or of the user", () => {
    const folder = writeRun();
    const batch = exampleBatch(5, 1);
    expect(summarize(folder).rate).toBe(batch.lr[0]);
    expect(runName(summarize(folder))).toBe(basename(exampleRun().script));
    writeNotes(folder, { name: "baseline" });
    expect(runName(summarize(folder))).toBe("baseline");
  });

  test("is found by words in any order, by tags and by its star", () => {
    const folder = writeRun();
    writeNotes(folder, { name: "Baseline", note: "before the fix", tags: ["wide"] });
    const summary = summarize(folder);
    for (const filter of ["", "base", "FIX baseline", "completed", "#wide"]) {
      expect(matches(summary, filter), filter).toBe(true);
    }
    for (const filter of ["deep", "base deep", "#base", "★"]) {
      expect(matches(summary, filter), filter).toBe(false);
    }
    writeNotes(folder, { starred: true });
    expect(matches(summarize(folder), "★")).toBe(true);
  });
});

describe("a deleted run", () => {
  test("is out of the list, and comes back as it was", () => {
    const [first, second] = [writeRun(), writeRun()];
    const deleted = deleteRuns([first]);
    expect(folders()).toEqual([second]);
    restoreRuns(deleted);
    expect(folders().sort()).toEqual([first, second].sort());
  });

  test("is removed for good by a deletion a week later", () => {
    const [old = ""] = deleteRuns([writeRun()]);
    const weekAgo = new Date(Date.now() - 7.1 * 24 * 3600 * 1000);
    utimesSync(old, weekAgo, weekAgo);
    const [fresh = ""] = deleteRuns([writeRun()]);
    expect(existsSync(old)).toBe(false);
    expect(existsSync(fresh)).toBe(true);
    restoreRuns([old, fresh]);
    expect(folders()).toHaveLength(1);
  });
});
