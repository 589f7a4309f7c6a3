/** Long runs of series that are hard to sum up, in the store as a sidecar would write them. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepColumn,
  TENSOR_COLUMNS,
  type TensorColumn,
} from "../../runtime/protocol/steps.ts";
import { RUN_DATABASE } from "../../runtime/store/paths.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { randomNumbers } from "./random.ts";
import { exampleRun } from "./run-example.ts";

/** Values of a tensor by step that are hard to sum up. */
const SERIES: Readonly<Record<string, (step: number, random: () => number) => number>> = {
  noise: (_, random) => random() - 0.5,
  constant: () => 0.1,
  "a single spike": step => (step === 5003 ? 1e30 : 1e-3),
  "bursts of NaN": (step, random) => (step % 1000 < 130 ? Number.NaN : random()),
  "always NaN": () => Number.NaN,
  "sixty powers of ten": (_, random) => 10 ** (60 * random() - 30) * (random() < 0.5 ? -1 : 1),
  infinities: step =>
    step % 700 === 0
      ? Number.POSITIVE_INFINITY
      : step % 900 === 0
        ? Number.NEGATIVE_INFINITY
        : step,
  "negative zero and denormal numbers": step => (step % 2 === 0 ? -0 : 1e-42),
};
/** Names of the series, which are those of the tensors. */
export const NAMES = Object.keys(SERIES);
/** The column that has them. */
export const COLUMN = "effectiveLrP50" satisfies TensorColumn;

/** The same over all parameters, by the number of the series. */
const CURVES: Readonly<Partial<Record<StepColumn, number>>> = {
  weightNorm: 0,
  stepMs: 2,
  updateNorm: 3,
  noiseScale: 4,
  stepToWeight: 5,
  travel: 6,
};

/** Columns over all parameters that are hard to sum up. */
export const CURVE_NAMES = Object.keys(CURVES) as readonly StepColumn[];

/** What a column over all parameters has at a step: of most its place. */
export function curveAt(name: StepColumn, step: number): number {
  if (name === "loss") return 1 / step;
  const series = CURVES[name];
  return series === undefined
    ? step + STEP_COLUMNS.indexOf(name) / 64
    : (SERIES[NAMES[series] ?? ""]?.(step, randomNumbers(step * 64 + series)) ?? Number.NaN);
}

/** Steps `from` to `to` (inclusive): tensor `i` has series `i` in one column, and the others tell their place. */
export function batchOf(from: number, to: number, tensorCount = NAMES.length): StepBatch {
  const count = to - from + 1;
  const width = TENSOR_COLUMNS.length;
  const tensors = new Float32Array(count * tensorCount * width);
  for (let row = 0; row < count; row++) {
    for (let tensor = 0; tensor < tensorCount; tensor++) {
      const at = (row * tensorCount + tensor) * width;
      for (let column = 0; column < width; column++)
        tensors[at + column] = from + row + column / 32;
      tensors[at + TENSOR_COLUMNS.indexOf(COLUMN)] = valueAt(tensor, from + row);
    }
  }
  return {
    firstStep: from,
    count,
    groups: 2,
    tensorCount,
    steps: Float64Array.from({ length: count * STEP_COLUMNS.length }, (_, i) =>
      curveAt(
        STEP_COLUMNS[i % STEP_COLUMNS.length] ?? "loss",
        from + Math.floor(i / STEP_COLUMNS.length),
      ),
    ),
    lr: Float64Array.from({ length: 2 * count }, (_, i) => 2 + (from * 2 + i) / 1e6),
    tensors,
  };
}

/** What a tensor has at a step: the same each time. */
export function valueAt(tensor: number, step: number): number {
  return Math.fround(
    SERIES[NAMES[tensor] ?? ""]?.(step, randomNumbers(step * 64 + tensor)) ?? Number.NaN,
  );
}

/** A run of these tensors. */
export function longRun(): RunRecord {
  const [tensor] = exampleRun().tensors;
  return exampleRun({ tensors: NAMES.flatMap(name => (tensor ? [{ ...tensor, name }] : [])) });
}

/** Stores batches as a sidecar would, some in a transaction; returns the run's folder in `parent`. */
export function store(parent: string, batches: readonly StepBatch[], inTransaction = 3): string {
  const folder = mkdtempSync(join(parent, "run-"));
  let record = longRun();
  const writer = new RunWriter(folder, record, "");
  for (let i = 0; i < batches.length; i += inTransaction) {
    const some = batches.slice(i, i + inTransaction);
    record = some.reduce(afterBatch, record);
    if (i + inTransaction >= batches.length) record = { ...record, status: "completed" };
    writer.add({ record, batches: some, logs: [], metrics: [] });
  }
  writer.close();
  return folder;
}

/** Damages the loss of step 5000, which lies somewhere in the file of a stored run. */
export function damage(folder: string): void {
  const file = join(folder, RUN_DATABASE);
  const bytes = readFileSync(file);
  const at = bytes.indexOf(Buffer.from(Float64Array.of(1 / 5000).buffer));
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
}

/** Batches of uneven lengths that have the steps `first` to `last`. */
export function cutBatches(first: number, last: number): StepBatch[] {
  const batches: StepBatch[] = [];
  for (let step = first, length = 1; step <= last; length = (length * 7 + 3) % 611) {
    const end = Math.min(last, step + length);
    batches.push(batchOf(step, end));
    step = end + 1;
  }
  return batches;
}
