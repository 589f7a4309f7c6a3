/** Sweeps of learning rates: which runs they are made of, what they say, and the jobs that they are written as. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parser } from "@lezer/python";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ENGINES, type Engine, type JobOptions, jobText } from "../../runtime/cli/jobs.ts";
import { type Measure, measureOf, runEnd } from "../../runtime/cli/sweepMeasure.ts";
import { rateGrid, trialsOf } from "../../runtime/cli/sweepPlan.ts";
import {
  bestOf,
  byRate,
  heldOutLines,
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

describe("what it is ranked by", () => {
  test.each([
    [undefined, undefined, { mode: "min" }],
    ["val/Loss", undefined, { metric: "val/Loss", mode: "min" }],
    ["accuracy", "max", { metric: "accuracy", mode: "max" }],
  ])("%s, %s", (metric, mode, measure) => {
    expect(measureOf(metric, mode)).toEqual(measure);
  });

  test.each([
    [
      "accuracy",
      undefined,
      "--mode: say whether a small accuracy is good (min), or a great one (max).",
    ],
    ["accuracy", "best", '--mode: expected min or max, got "best".'],
    [undefined, "max", "--mode: belongs to a --metric; of training losses the least is best."],
  ])("refuses %s, %s", (metric, mode, reason) => {
    expect(() => measureOf(metric, mode)).toThrow(reason);
  });
});

const LOSS: Measure = { mode: "min" };

describe("the results", () => {
  const result = (lr: number, value: number, status: RunStatus = "completed"): TrialResult => ({
    trial: { lr, seedOffset: 0 },
    run: exampleRun({ status }),
    loss: value,
    value,
    metrics: ["accuracy", "valLoss"],
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
    expect(bestOf(rates, LOSS)?.lr).toBe(0.1);
    expect(resultLines(rates, LOSS)).toEqual([
      "By the training loss over the last twentieth of each run.",
      "η         runs      loss      least     greatest",
      "0.01      1         0.5000    0.5000    0.5000",
      "0.1       2         0.2000    0.1000    0.3000  ← best",
      "1         2         NaN       NaN       NaN",
      "10        0",
    ]);
    expect(sweepObject("wide", rates, LOSS)).toEqual({
      type: "sweep",
      tag: "wide",
      metric: "loss",
      mode: "min",
      best: 0.1,
      rates: [
        { lr: 0.01, values: [0.5], mean: 0.5 },
        { lr: 0.1, values: [0.1, 0.3], mean: 0.2 },
        { lr: 1, values: [0.01, "NaN"], mean: "NaN" },
        { lr: 10, values: [], mean: null },
      ],
    });
  });

  test("by a metric whose great values are good the best has the greatest mean", () => {
    const measure: Measure = { metric: "accuracy", mode: "max" };
    const results = [result(0.01, 0.5), result(0.1, 0.9), result(1, Number.NaN)];
    expect(resultLines(byRate([0.01, 0.1, 1], results), measure)).toEqual([
      "By accuracy as each run logged it last: the greatest is best.",
      "η         runs      accuracy  least     greatest",
      "0.01      1         0.5000    0.5000    0.5000",
      "0.1       1         0.9000    0.9000    0.9000  ← best",
      "1         1         NaN       NaN       NaN",
    ]);
    expect(heldOutLines(results, measure)).toEqual([]);
    expect(heldOutLines(results, LOSS)).toEqual([
      "The runs also logged valLoss: --metric valLoss ranks by it.",
    ]);
  });

  test("what is best at an end of the range is said to be there", () => {
    const last = (...losses: number[]) =>
      resultLines(byRate([1, 2], [result(1, losses[0] ?? 0), result(2, losses[1] ?? 0)]), LOSS).at(
        -1,
      );
    expect(last(1, 2)).toBe("The best is the least that was tried: try smaller ones, too.");
    expect(last(2, 1)).toBe("The best is the greatest that was tried: try greater ones, too.");
    expect(last(Number.NaN, Number.NaN)).toBe("No learning rate ended with a number.");
  });

  test("the loss at the end is that of the last twentieth of the steps, a metric the one logged last", () => {
    const { id, folder: run } = createRunFolder(join(folder, "train.ts"));
    const record = exampleRun({ id });
    const writer = new RunWriter(run, record, "");
    const batch = exampleBatch(1, 40);
    const after = afterBatch(record, batch);
    const metric = (name: string, value: number) => ({ name, value, step: 40, time: 0 });
    const metrics = [metric("valLoss", 0.5), metric("accuracy", 0.9), metric("valLoss", 0.25)];
    writer.add({ record: after, batches: [batch], logs: [], metrics });
    writer.close();
    const end = runEnd(run, { metric: "valLoss", mode: "min" });
    expect(end.loss).toBeCloseTo((1 / 39 + 1 / 40) / 2, 12);
    expect(end).toMatchObject({ value: 0.25, metrics: ["accuracy", "valLoss"] });
    expect(runEnd(run, { metric: "none", mode: "min" }).value).toBeNaN();
    expect(runEnd(run, LOSS).value).toBe(end.loss);
  });
});

/** The string literals of a Python script, as they are written. @throws SyntaxError where it does not parse. */
function stringsOfPython(source: string): string[] {
  const strings: string[] = [];
  parser.parse(source).iterate({
    enter: ({ name, type, from, to }) => {
      if (type.isError) throw new SyntaxError(source.slice(Math.max(0, from - 20), to + 20));
      if (name === "String") strings.push(source.slice(from, to));
    },
  });
  return strings;
}

describe("a job", () => {
  const options: JobOptions = {
    script: "train.ts",
    args: [],
    rates: rateGrid("1e-4..1e-1"),
    seeds: 3,
    measure: LOSS,
    parallel: undefined,
    tag: "sweep",
  };
  const odd: JobOptions = {
    ...options,
    script: 'a "b" & c.ts',
    args: ["--name", "it's\n#2", "$HOME"],
    parallel: 4,
    measure: { metric: 'val "loss"', mode: "max" },
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

  test.each([options, odd])("for Ray is Python with the words that are meant: $script", job => {
    const words = [job.script, ...job.args, job.tag, job.measure.metric ?? "loss"];
    const literals = words.map(word => JSON.stringify(word));
    const source = jobText("ray", job);
    expect(stringsOfPython(source)).toEqual(expect.arrayContaining(literals));
    expect(() => stringsOfPython(source.replace("for line in", "for in"))).toThrow(SyntaxError);
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
