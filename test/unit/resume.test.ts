/** Which checkpoints `stepscope train --resume` goes on from. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resumable } from "../../runtime/cli/resume.ts";
import { storeExampleRun } from "./run-example.ts";

test("a run can be resumed when it has a checkpoint", () => {
  const project = mkdtempSync(join(tmpdir(), "stepscope-resume-"));
  try {
    writeFileSync(join(project, "package.json"), "{}");
    const folder = storeExampleRun(project);
    const lacks = "has no checkpoint. A script saves them by";
    expect(() => resumable(folder)).toThrow(lacks);
    const checkpoints = join(folder, "checkpoints");
    mkdirSync(checkpoints);
    // What a killed process left is none.
    writeFileSync(join(checkpoints, ".step-5.safetensors.0123abcd.tmp"), "half");
    expect(() => resumable(folder)).toThrow(lacks);
    writeFileSync(join(checkpoints, "step-5.safetensors"), "whole");
    const { run, ...rest } = resumable(folder);
    expect(run.args).toEqual(["--epochs", "3"]);
    expect(rest).toEqual({ checkpoints });
  } finally {
    rmSync(project, { recursive: true });
  }
});
