/** A record and step batches as a sidecar would make them, for tests of what handles them. */
import { join } from "node:path";
import type { Finding } from "../../runtime/protocol/finding.ts";
import type { LogRecord } from "../../runtime/protocol/messages.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import { COMPARED_COLUMNS } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepCurves,
  TENSOR_COLUMNS,
} from "../../runtime/protocol/steps.ts";
import { curvesOf } from "../../runtime/store/curves.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";

export function exampleRun(change: Partial<RunRecord> = {}): RunRecord {
  return {
    id: "20261122-213055-digits-4f2a",
    script: "/project/digits.ts",
    args: ["--epochs", "3"],
    status: "running",
    startedAt: 1_795_383_055_000,
    pid: process.pid,
    seed: 0,
    version: "0.1.0",
    tensors: [
      {
        name: "w",
        shape: [3, 2],
        group: 0,
        optimizer: "Adam",
        momentum: true,
        adaptive: true,
        sampled: 6,
      },
      {
        name: "b",
        shape: [3],
        group: 0,
        optimizer: "Adam",
        momentum: true,
        adaptive: true,
        sampled: 3,
      },
    ],
    steps: 0,
    finalLoss: Number.NaN,
    findings: [],
    ...change,
  };
}

export function exampleFinding(change: Partial<Finding> = {}): Finding {
  return {
    id: "lr.tooLarge:1",
    code: "lr.tooLarge",
    severity: "warning",
    state: "raised",
    title: "Learning rate ≈ 5× too high",
    message: "The weights move too far. Try 0.06.",
    about: { type: "hyperparameter", name: "lr", group: 0 },
    confidence: 0.97,
    since: 16,
    step: 16,
    evidence: [
      {
        name: "travel",
        value: 6.3,
        expected: [0.2, 0.8],
        text: "They moved 6.3 times their norm.",
      },
      { name: "fresh slopes uphill", value: 0.7, text: "7 in 10 steps overshoot." },
    ],
    suggestion: { target: "lr", from: 0.3, to: 0.06, range: [0.03, 0.13] },
    ...change,
  };
}

/** Steps `firstStep` to `firstStep + count - 1`, every value told by its place; loss is 1 / step. */
export function exampleBatch(firstStep: number, count: number, tensorCount = 2): StepBatch {
  const steps = Float64Array.from(
    { length: count * STEP_COLUMNS.length },
    (_, i) => firstStep * 1000 + i,
  );
  for (let row = 0; row < count; row++) steps[row * STEP_COLUMNS.length] = 1 / (firstStep + row);
  return {
    firstStep,
    count,
    groups: 1,
    tensorCount,
    steps,
    lr: new Float64Array(count).fill(1e-3),
    tensors: Float32Array.from(
      { length: count * tensorCount * TENSOR_COLUMNS.length },
      (_, i) => firstStep + i / 7,
    ),
  };
}

/** Stores a finished run of two steps under the project; returns its folder. */
export function storeExampleRun(
  project: string,
  logs: readonly LogRecord[] = [],
  metrics: readonly MetricRecord[] = [],
): string {
  const { id, folder } = createRunFolder(join(project, "digits.ts"));
  const record = exampleRun({ id });
  const writer = new RunWriter(folder, record, "const answer = 42;\n");
  const batch = exampleBatch(1, 2);
  const ended = { ...afterBatch(record, batch), status: "completed" as const, endedAt: 2 };
  writer.add({ record: ended, batches: [batch], logs, metrics });
  writer.close();
  return folder;
}

/** The same by columns, as they are sent of a run that is compared. */
export function exampleCurves(firstStep: number, count: number): StepCurves {
  return curvesOf(exampleBatch(firstStep, count, 0), COMPARED_COLUMNS, true);
}
