/** A record and step batches as a sidecar would make them, for tests of what handles them. */
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../../runtime/protocol/steps.ts";

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
