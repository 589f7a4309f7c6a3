/** A run as the digits example gives it, made of formulas: the page's test needs no training. */
import type { Branches } from "../../runtime/protocol/branch.ts";
import { COMPARED_COLUMNS, type ToPageMessage } from "../../runtime/protocol/page.ts";
import type { Picture } from "../../runtime/protocol/picture.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepCurves,
  TENSOR_COLUMNS,
} from "../../runtime/protocol/steps.ts";
import { curvesOf } from "../../runtime/store/curves.ts";

const TENSORS = [
  { name: "0.weight", shape: [128, 64], sampled: 8192 },
  { name: "0.bias", shape: [128], sampled: 128 },
  { name: "2.weight", shape: [128, 128], sampled: 16384 },
  { name: "2.bias", shape: [128], sampled: 128 },
  { name: "4.weight", shape: [10, 128], sampled: 1280 },
  { name: "4.bias", shape: [10], sampled: 10 },
] as const;

export const STARTED_AT = Date.UTC(2026, 0, 15, 9, 30);
const STEP_MS = 6.2;

/** Steps of the run that has ended. */
export const STEPS = 1204;
export const ENDED = { status: "completed", endedAt: STARTED_AT + 7921, steps: STEPS } as const;

export function pageRun(change: Partial<RunRecord> = {}): RunRecord {
  return {
    id: "20260115-093000-digits",
    script: "/home/ada/models/examples/digits.ts",
    args: [],
    status: "running",
    startedAt: STARTED_AT,
    pid: 4242,
    seed: 0,
    version: "0.1.0",
    adapter: {
      vendor: "google",
      architecture: "swiftshader",
      description: "SwiftShader Device (LLVM 10.0.0)",
      software: true,
    },
    tensors: TENSORS.map(tensor => ({
      ...tensor,
      group: 0,
      optimizer: "AdamW",
      momentum: true,
      adaptive: true,
    })),
    steps: 0,
    finalLoss: Number.NaN,
    findings: [],
    ...change,
  };
}

/** Noise of a step, −1 … 1: a hash, so that a step is the same in every batch. */
function noise(step: number, salt: number): number {
  const x = Math.sin(step * 12.9898 + salt * 78.233) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}

/** Loss of a step. */
export function pageLoss(step: number): number {
  const fall = 2.2 * Math.exp(-step / 160) + 0.22 * Math.exp(-step / 900) + 0.03;
  return fall * Math.exp(0.42 * noise(step, 1));
}

function gradNorm(step: number): number {
  return 2.4 * Math.exp(-step / 420) * Math.exp(0.5 * noise(step, 2)) + 0.05;
}

function stepRow(step: number): Record<string, number> {
  return {
    loss: pageLoss(step),
    lossMin: Number.NaN,
    lossMax: Number.NaN,
    gradNorm: gradNorm(step),
    weightNorm: 9 + step / 400,
    updateNorm: 0.02,
    stepToWeight: 0.002,
    travel: step / 3000,
    clippedGradNorm: Number.NaN,
    adamGain: 0.4,
    microBatches: 1,
    noiseScale: Number.NaN,
    lossScale: Number.NaN,
    skipped: 0,
    epoch: step / 45,
    time: 300 + step * STEP_MS,
    stepMs: STEP_MS,
    forwardMs: 1.1 + 0.2 * noise(step, 5),
    backwardMs: 0.8 + 0.1 * noise(step, 6),
    waitMs: step < 300 ? 0 : 2.5 + 0.5 * noise(step, 7),
    samples: 32 * step,
    gpuBytes: (48 + (step % 400) / 40) * 2 ** 20,
    heapBytes: (31 + (step % 90) / 9) * 2 ** 20,
    gpuForwardMs: 0.7 + 0.1 * noise(Math.floor(step / 8), 8),
    gpuBackwardMs: 1.3 + 0.2 * noise(Math.floor(step / 8), 9),
    gpuStepMs: 0.4 + 0.05 * noise(Math.floor(step / 8), 10),
  };
}

function tensorRow(step: number, tensor: number): Record<string, number> {
  const v = Math.exp(-step / 700) * 10 ** -(1.2 + tensor * 0.25) * Math.exp(0.08 * noise(step, 3));
  const lr = pageRate(step);
  const median = lr / (v + 1e-8);
  const step50 = lr * (0.3 + 0.05 * noise(step, 4 + tensor));
  return {
    gradNorm: gradNorm(step) * (0.8 - 0.12 * tensor) * Math.exp(0.2 * noise(step, tensor)),
    effectiveLrP5: median / 4,
    effectiveLrP50: median,
    effectiveLrP95: median * 14,
    // The first layer's weights of pixels that are always white stand still in the end.
    stepSizeP5: tensor > 0 ? step50 / 25 : step < 300 ? step50 * 10 ** (-step / 20) : 0,
    stepSizeP50: step50,
    stepSizeP95: step50 * 2.6,
  };
}

/** Warm-up, then a cosine. */
export function pageRate(step: number): number {
  return step < 100 ? (2e-3 * step) / 100 : 1e-3 * (1 + Math.cos((Math.PI * (step - 100)) / 2000));
}

/** Steps `first` … `first + count − 1`; those in `nan` have a loss that is NaN. */
export function pageBatch(first: number, count: number, nan: readonly number[] = []): StepBatch {
  const steps: number[] = [];
  const lr: number[] = [];
  const tensors: number[] = [];
  for (let step = first; step < first + count; step++) {
    const row = stepRow(step);
    if (nan.includes(step)) row.loss = Number.NaN;
    steps.push(...STEP_COLUMNS.map(name => row[name] ?? 0));
    lr.push(pageRate(step));
    for (let tensor = 0; tensor < TENSORS.length; tensor++) {
      const values = tensorRow(step, tensor);
      tensors.push(...TENSOR_COLUMNS.map(name => values[name] ?? 0));
    }
  }
  return {
    firstStep: first,
    count,
    groups: 1,
    tensorCount: TENSORS.length,
    steps: Float64Array.from(steps),
    lr: Float64Array.from(lr),
    tensors: Float32Array.from(tensors),
  };
}

/** The first steps of a run to compare with: a loss `factor` times as high. */
export function pageCurves(count: number, factor: number): StepCurves {
  const { columns, ...curves } = curvesOf(pageBatch(1, count), COMPARED_COLUMNS, true);
  const loss = Float64Array.from(columns.loss ?? [], value => factor * value);
  return { ...curves, columns: { ...columns, loss } };
}

/** The message that shows the run that has ended, or what differs from it. */
export function hydrate(
  change: Partial<Extract<ToPageMessage, { type: "hydrate" }>> = {},
): ToPageMessage {
  return {
    type: "hydrate",
    run: pageRun(ENDED),
    runFolder: "/runs/20260115-093000-digits",
    batches: [pageBatch(1, STEPS)],
    logs: [
      { level: "info", text: "1438 training images, 359 test images", time: STARTED_AT, step: 0 },
      { level: "info", text: "epoch 26: test accuracy 97.8 %", time: STARTED_AT, step: STEPS },
    ],
    metrics: [],
    ...change,
  };
}

/** The loss along an update that goes too far, as step `step` of the run has it. */
export function pageLine(step: number): Picture {
  const loss = (x: number) => 0.31 - 0.05 * x + 0.04 * x ** 2 + 0.004 * Math.sin(4 * x);
  const xs = Float64Array.from({ length: 61 }, (_, i) => -1.25 + i / 16);
  const line = {
    xs,
    losses: xs.map(loss),
    from: 0,
    fromLoss: loss(0),
    to: 1,
    toLoss: loss(1),
    slope: -0.05 + 0.016,
    lr: 1e-3,
  };
  return { view: "line", step, done: 63, total: 63, line, path: [] };
}

/** A valley with a way into it. */
export function pageSurface(view: "plane" | "random", step: number): Picture {
  const [xs, ys] = [25, 25].map(count =>
    Float64Array.from({ length: count }, (_, i) => -1 + (2 * i) / (count - 1)),
  ) as [Float64Array, Float64Array];
  const losses = Float64Array.from({ length: 625 }, (_, i) => {
    const [x, y] = [xs[i % 25] ?? 0, ys[Math.floor(i / 25)] ?? 0];
    return 0.02 + (x + 0.2 - 0.4 * y ** 2) ** 2 + 0.15 * (y - 0.1) ** 2;
  });
  const path = [0.75, 0.5, 0.3, 0.15, 0.05, 0].map((far, i) => ({
    step: step - 5 + i,
    x: far * 0.9,
    y: -far * far + (i % 2 ? 0.08 : -0.08) * far,
  }));
  const surface = { names: ["component 1", "component 2"] as const, xs, ys, losses };
  return { view, step, done: 625, total: 625, surface, path };
}

/** Five learning rates from a step on, of which the greatest explodes; `done` steps of them are known. */
export function pageBranches(step: number, steps: number, done = 5 * steps): Branches {
  const factors = [0.25, 0.5, 1, 2, 4];
  const loss = (factor: number, i: number) =>
    factor === 4
      ? pageLoss(step) * 1.7 ** i
      : (0.2 + pageLoss(step) * Math.exp(-0.12 * factor * i)) * (1 + 0.1 * Math.sin(i * 2.1));
  const branches = factors.flatMap((factor, k) => {
    const taken = Math.min(Math.max(done - k * steps, 0), factor === 4 ? steps - 4 : steps);
    if (taken === 0) return [];
    const losses = Float64Array.from({ length: taken }, (_, i) =>
      i === steps - 5 && factor === 4 ? Number.POSITIVE_INFINITY : loss(factor, i),
    );
    const change = { type: "set", group: 0, name: "lrFactor", value: factor } as const;
    return { factor, lr: factor * 1e-3, losses, changes: [change] };
  });
  return { step, steps, count: factors.length, branches, isOver: done === 5 * steps };
}
