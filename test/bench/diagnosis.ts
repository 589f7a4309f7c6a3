/**
 * `npm run bench:diagnosis`: what the diagnosis of a step takes of the CPU, in microseconds, with nothing else of a run:
 * the learning rate's verdict alone, and with all rules for a model of some tensors. CPU time, so that a busy machine
 * counts less; the median of a few rounds.
 */
import { diagnose, startDiagnosis } from "../../runtime/insight/diagnosis/diagnose.ts";
import { LiveDiagnosis } from "../../runtime/insight/diagnosis/live.ts";
import type { RunPlan, StepRecord } from "../../runtime/insight/diagnosis/record.ts";
import { median } from "../../runtime/insight/diagnosis/signals.ts";
import type { TensorRecord } from "../../runtime/protocol/run.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../../runtime/protocol/steps.ts";

const STEPS = 4000;
const ROUNDS = 9;
const BATCH = 16;

const plan: RunPlan = {
  usualRate: 1e-2,
  momentum: 0,
  plannedSteps: undefined,
  lr: 1e-3,
  scheduled: false,
  parameters: 10_000,
  pretrained: false,
  fromZero: false,
  resumed: false,
  guess: Number.NaN,
  group: 0,
};

/** Numbers of a step of a run that learns: with noise, so that nothing is told. */
function numbersAt(t: number) {
  const noise = 1 + 0.1 * Math.sin(12.9898 * t);
  return {
    loss: 2.3 * Math.exp(-t / 800) * noise,
    gradNorm: noise,
    weightNorm: 10,
    updateNorm: 0.02 * noise,
    travel: 0.02 * t ** 0.5,
  };
}

function verdictAlone(): void {
  let state = startDiagnosis(plan);
  for (let t = 0; t < STEPS; t++) {
    const record: StepRecord = { t, lr: plan.lr, tensors: 8, ...numbersAt(t) };
    [state] = diagnose(state, record);
  }
}

function withRules(tensors: number): () => void {
  const records: TensorRecord[] = Array.from({ length: tensors }, (_, i) => ({
    name: `${i >> 1}.${i % 2 === 0 ? "weight" : "bias"}`,
    shape: i % 2 === 0 ? [32, 32] : [32],
    group: 0,
    optimizer: "Adam",
    adaptive: true,
    momentum: true,
    sampled: 0,
  }));
  const batches = Array.from({ length: STEPS / BATCH }, (_, i) => batchAt(i * BATCH, tensors));
  return () => {
    const live = new LiveDiagnosis(false);
    live.tensors(records);
    live.groups([{ group: 0, options: { eps: "1e-8", weightDecay: "0.01" } }]);
    for (const batch of batches) live.steps(batch);
  };
}

function batchAt(from: number, tensorCount: number): StepBatch {
  const ofTensor: Readonly<Record<string, number>> = {
    nonFinite: 0,
    epsDominated: 0,
    signFlips: 0.4,
  };
  const rows = Array.from({ length: BATCH }, (_, row) => numbersAt(from + row));
  return {
    firstStep: from + 1,
    count: BATCH,
    groups: 1,
    tensorCount,
    lr: new Float64Array(BATCH).fill(plan.lr),
    steps: Float64Array.from(
      rows.flatMap(numbers => {
        const all: Readonly<Record<string, number>> = { microBatches: 1, skipped: 0, ...numbers };
        return STEP_COLUMNS.map(name => all[name] ?? Number.NaN);
      }),
    ),
    tensors: Float32Array.from(
      rows.flatMap((_, row) =>
        Array.from({ length: tensorCount }).flatMap((_, tensor) =>
          TENSOR_COLUMNS.map((name, i) => ofTensor[name] ?? 1e-3 * (1 + i + ((row + tensor) % 7))),
        ),
      ),
    ),
  };
}

/** CPU time of a step, in µs. */
function cost(run: () => void): string {
  run();
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / STEPS;
  });
  return `${median(rounds).toFixed(1)} µs`;
}

console.log("| of a step | CPU time |\n|---|---|");
console.log(`| the verdict on the learning rate | ${cost(verdictAlone)} |`);
for (const tensors of [8, 64]) {
  console.log(`| with all rules, ${tensors} tensors | ${cost(withRules(tensors))} |`);
}
