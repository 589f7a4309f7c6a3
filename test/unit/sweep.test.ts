/** Sweeps of learning rates: which runs they are made of, what they say, and the jobs that they are written as. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ENGINES, type Engine, type JobOptions, jobText } from "../../runtime/cli/jobs.ts";
import { rateGrid, trialsOf } from "../../runtime/cli/sweepPlan.ts";
import {
  bestOf,
  byRate,
  endLoss,
  resultLines,
  sweepObject,
  type TrialResult,
} from "../../runtime/cli/sweepResults.ts";
import type { RunStatus } from "../../runtime/protocol/run.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { exampleBatch, exampleRun } from "./run-example.ts";

const folder = mkdtempSync(join(tmpdir(), "stepscope-sweep-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the grid", () => {
  test.each([
    ["1e-4..1e-1", undefined, [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 0.1]],
    ["0.001..0.1", 3, [1e-3, 1e-2, 0.1]],
    ["0.1..0.2", undefined, [0.1, 0.2]],
    ["0.3", undefined, [0.3]],
  ])("%s in %s rates", (text, points, expected) => {
    expect(rateGrid(text, points)).toEqual(expected);
  });

  test.each([
    ["1e-1..1e-4", undefined, "--lr: expected a range such as 1e-4..1e-1, got"],
    ["1e-4..1e-3..1e-2", undefined, "--lr: expected a range such as 1e-4..1e-1, got"],
    ["0..1", undefined, '--lr: expected a learning rate above 0, such as 1e-3, got "0"'],
    ["1e-4..", undefined, '--lr: expected a learning rate above 0, such as 1e-3, got ""'],
    ["1e-4..1", 1, "--points: a range has two ends, so at least 2 are needed."],
  ])("refuses %s in %s rates", (text, points, reason) => {
    expect(() => rateGrid(text, points)).toThrow(reason);
  });

  test("is gone through once for each seed", () => {
    expect(trialsOf([0.1, 0.2], 2)).toEqual([
      { lr: 0.1, seedOffset: 0 },
      { lr: 0.2, seedOffset: 0 },
      { lr: 0.1, seedOffset: 1 },
      { lr: 0.2, seedOffset: 1 },
    ]);
  });
});

describe("the results", () => {
  const result = (lr: number, loss: number, status: RunStatus = "completed"): TrialResult => ({
    trial: { lr, seedOffset: 0 },
    run: exampleRun({ status }),
    loss,
  });

  test("the best has the least mean; one that diverged or failed is none", () => {
    const rates = byRate(
      [0.01, 0.1, 1, 10],
      [
        result(0.01, 0.5),
        result(0.1, 0.1),
        result(0.1, 0.3),
        result(1, 0.01),
        result(1, Number.NaN),
        result(10, 0, "failed"),
      ],
    );
    expect(bestOf(rates)?.lr).toBe(0.1);
    expect(resultLines(rates)).toEqual([
      "η         runs      loss      least     greatest",
      "0.01      1         0.5000    0.5000    0.5000",
      "0.1       2         0.2000    0.1000    0.3000  ← best",
      "1         2         NaN       NaN       NaN",
      "10        0",
    ]);
    expect(sweepObject("wide", rates)).toEqual({
      type: "sweep",
      tag: "wide",
      best: 0.1,
      rates: [
        { lr: 0.01, losses: [0.5], mean: 0.5 },
        { lr: 0.1, losses: [0.1, 0.3], mean: 0.2 },
        { lr: 1, losses: [0.01, "NaN"], mean: "NaN" },
        { lr: 10, losses: [], mean: null },
      ],
    });
  });

  test("what is best at an end of the range is said to be there", () => {
    const last = (...losses: number[]) =>
      resultLines(byRate([1, 2], [result(1, losses[0] ?? 0), result(2, losses[1] ?? 0)])).at(-1);
    expect(last(1, 2)).toBe("The best is the least that was tried: try smaller ones, too.");
    expect(last(2, 1)).toBe("The best is the greatest that was tried: try greater ones, too.");
    expect(last(Number.NaN, Number.NaN)).toBe("No learning rate ended with a number.");
  });

  test("the loss at the end is that of the last twentieth of the steps", () => {
    const { id, folder: run } = createRunFolder(join(folder, "train.ts"));
    const record = exampleRun({ id });
    const writer = new RunWriter(run, record, "");
    const batch = exampleBatch(1, 40);
    const after = afterBatch(record, batch);
    writer.add({ record: after, batches: [batch], logs: [], metrics: [] });
    writer.close();
    expect(endLoss(run)).toBeCloseTo((1 / 39 + 1 / 40) / 2, 12);
  });
});

function hasPython(): boolean {
  return spawnSync("python3", ["--version"]).status === 0;
}

describe("a job", () => {
  const options: JobOptions = {
    script: "train.ts",
    args: [],
    rates: rateGrid("1e-4..1e-1"),
    seeds: 3,
    parallel: undefined,
    tag: "sweep",
  };
  const odd: JobOptions = {
    ...options,
    script: 'a "b" & c.ts',
    args: ["--name", "it's\n#2", "$HOME"],
    parallel: 4,
    tag: "Größe_1",
  };
  const FILES: Readonly<Record<Engine, string>> = {
    slurm: "sweep.slurm.sh",
    kubernetes: "sweep.kubernetes.yaml",
    ray: "sweep.ray.py",
  };

  test.each(ENGINES)("for %s is the one in docs/jobs", engine => {
    const file = join(import.meta.dirname, "../../docs/jobs", FILES[engine]);
    expect(jobText(engine, options)).toBe(readFileSync(file, "utf8"));
  });

  test.each([options, odd])("for Slurm is understood by bash: $script", job => {
    const file = join(folder, "job.sh");
    writeFileSync(file, jobText("slurm", job));
    execFileSync("bash", ["-n", file]);
  });

  // Python is not among what the other tests need.
  test.skipIf(!hasPython()).each([options, odd])("for Ray compiles: $script", job => {
    const file = join(folder, "job.py");
    writeFileSync(file, jobText("ray", job));
    execFileSync("python3", ["-m", "py_compile", file]);
  });

  test("for Kubernetes is YAML whose shell is the one that is meant", () => {
    const job = parse(jobText("kubernetes", odd));
    expect(job).toMatchObject({
      kind: "Job",
      metadata: { name: "gr-e-1" },
      spec: { completionMode: "Indexed", completions: 21, parallelism: 4 },
    });
    const [container] = job.spec.template.spec.containers;
    const file = join(folder, "pod.sh");
    // What is started says what it was given.
    const shell = container.args[0].replace("exec stepscope", "printf '%s|' stepscope");
    writeFileSync(file, shell);
    const env = { ...process.env, JOB_COMPLETION_INDEX: "8" };
    const words = execFileSync("sh", [file], { cwd: folder, env }).toString().split("|");
    expect(words.slice(0, -1)).toEqual([
      "stepscope",
      "train",
      odd.script,
      ...["--lr", "0.000316", "--seed-offset", "1", "--tag", odd.tag, "--json", "--"],
      ...odd.args,
    ]);
  });

  test("for Slurm and Kubernetes limits how many tasks run at a time", () => {
    expect(jobText("slurm", odd)).toContain("#SBATCH --array=0-20%4\n");
    expect(jobText("kubernetes", odd)).toContain("parallelism: 4\n");
    expect(jobText("ray", odd)).toContain("while len(waiting) >= 4:");
  });
});
