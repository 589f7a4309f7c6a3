/** Steps of a made-up run: as noisy as measured ones, each told by its number alone, and quick to make. */

import type { RunRecord, TensorRecord } from "../../../runtime/protocol/run.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../../../runtime/protocol/steps.ts";

const LOSS = STEP_COLUMNS.indexOf("loss");
const TIME = STEP_COLUMNS.indexOf("time");

/** Steps after which the noise of tensors begins anew; a prime, so that it fits into no bin. */
const PERIOD = 1009;

/** What is added to a value at a step: the same each time, in [−1, 1). */
function noise(at: number): number {
  const x = Math.sin(at * 12.9898) * 43_758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}

/** Loss of a step. */
export function lossAt(step: number): number {
  return (0.05 + 2 * Math.exp(-step / 30_000)) * Math.exp(0.3 * noise(step));
}

/** Makes batches of a run with so many tensors. */
export class MadeUpRun {
  readonly tensors: readonly TensorRecord[];
  /** One period of the noise of all columns of tensors. */
  private readonly pattern: Float32Array;

  constructor(tensorCount: number) {
    this.tensors = Array.from({ length: tensorCount }, (_, i) => ({
      name: `layers.${i >> 1}.${i % 2 === 0 ? "weight" : "bias"}`,
      shape: i % 2 === 0 ? [64, 64] : [64],
      group: 0,
      optimizer: "AdamW",
      momentum: true,
      adaptive: true,
      sampled: 64,
    }));
    const row = tensorCount * TENSOR_COLUMNS.length;
    this.pattern = Float32Array.from({ length: PERIOD * row }, (_, i) => {
      const isCount = TENSOR_COLUMNS[i % TENSOR_COLUMNS.length] === "nonFinite";
      return isCount ? 0 : 1e-3 * Math.exp(noise(i));
    });
  }

  /** Steps `firstStep` to `firstStep + count − 1`; each takes a millisecond. */
  batch(firstStep: number, count: number): StepBatch {
    const { tensors: records, pattern } = this;
    const width = STEP_COLUMNS.length;
    const steps = new Float64Array(count * width);
    const row = records.length * TENSOR_COLUMNS.length;
    const tensors = new Float32Array(count * row);
    for (let i = 0; i < count; i++) {
      const step = firstStep + i;
      steps.fill(Math.exp(0.2 * noise(step + 0.5)), i * width, (i + 1) * width);
      steps[i * width + LOSS] = lossAt(step);
      steps[i * width + TIME] = step;
      const from = (step % PERIOD) * row;
      tensors.set(pattern.subarray(from, from + row), i * row);
    }
    const lr = new Float64Array(count).fill(1e-3);
    return { firstStep, count, groups: 1, tensorCount: records.length, steps, lr, tensors };
  }

  /** What a run with these tensors is at first. */
  record(id: string, script: string): RunRecord {
    return {
      id,
      script,
      args: [],
      status: "running",
      startedAt: Date.now(),
      pid: process.pid,
      seed: 0,
      version: "0.1.0",
      tensors: this.tensors,
      steps: 0,
      finalLoss: Number.NaN,
      findings: [],
    };
  }
}
