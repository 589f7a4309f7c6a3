/**
 * What is measured at every optimizer step, as typed arrays: one row a step (and a tensor), one
 * column a quantity. Names and formulas are those of the README's table; g is the gradient, Δθ the
 * applied update. A quantity that is not defined
 * (ε of SGD) is NaN.
 */

/** Columns over all parameters. New ones are added at the end: older records have the others alone. */
export const STEP_COLUMNS = [
  /** Mean of the losses on which `backward()` was called since the last step. */
  "loss",
  /** ‖g‖₂ over all parameters, before clipping. */
  "gradNorm",
  /** ‖g‖₂ as clipping left it; NaN where nothing was clipped. */
  "clippedGradNorm",
  /** ‖θ‖₂ before the update. */
  "weightNorm",
  /** ‖Δθ‖₂. */
  "updateNorm",
  /** ‖Δθ‖ / ‖θ‖. */
  "stepToWeight",
  /** max over time of ‖θ − θ₀‖ / ‖θ₀‖. */
  "travel",
  /** rms of the step size in units of η, of adaptive optimizers: Adam |m̂| / (√v̂ + ε), 0 … 1. */
  "adamGain",
  /** Calls of `backward()` since the last step: above 1, gradients were accumulated. */
  "microBatches",
  /** Smallest loss of several micro-batches; else NaN. */
  "lossMin",
  /** Largest of them. */
  "lossMax",
  /**
   * Gradient noise scale tr Σ / |G|² in micro-batches: of so many, noise and gradient are equally
   * large. NaN without accumulation.
   */
  "noiseScale",
  /** Factor of the loss by which a GradScaler keeps float16 gradients from vanishing; else NaN. */
  "lossScale",
  /** 1 where a GradScaler found gradients that are not finite, and the step was skipped, else 0. */
  "skipped",
  /** Passes over the data loader, fractional within a pass; NaN without a loader. */
  "epoch",
  /** Milliseconds since the start of the run at which the step was queued. */
  "time",
  /** Milliseconds from the previous step to this one. */
  "stepMs",
  /**
   * Of these, by the host's clock and without a wait for the GPU: from the end of the step before to
   * `backward()`, in `backward()`, and held back until the GPU has caught up. The rest is the
   * optimizer's. NaN where that is not known (insight/phaseClock.ts).
   */
  "forwardMs",
  "backwardMs",
  "waitMs",
  /** Samples that the data loader has handed out; NaN without a loader. */
  "samples",
  /** Bytes of the GPU's buffers that are alive, and of JavaScript's heap as of a quarter second ago. */
  "gpuBytes",
  "heapBytes",
  /**
   * Milliseconds that the GPU worked on kernels of the forward pass, of the backward pass, and of the
   * optimizer and its instruments: of this step, or of the last one before that was timed, some twenty a second
   * (insight/gpuTimes.ts). NaN where the adapter tells no times.
   */
  "gpuForwardMs",
  "gpuBackwardMs",
  "gpuStepMs",
] as const;

/** Columns of one parameter tensor. */
export const TENSOR_COLUMNS = [
  "gradNorm",
  "weightNorm",
  "updateNorm",
  "stepToWeight",
  /** Share of elements with sign(g_t) ≠ sign(m_{t−1}). */
  "signFlips",
  /** Share of elements with √v̂ < ε. */
  "epsDominated",
  /** Number of gradient elements that are NaN or infinite. */
  "nonFinite",
  /** Adam η / (√v̂ + ε) per element, SGD η; of others their documentation states it. */
  "effectiveLrMin",
  "effectiveLrP5",
  "effectiveLrP50",
  "effectiveLrP95",
  "effectiveLrMax",
  "effectiveLrRms",
  /** |Δθ| per element without decoupled decay: Adam η·|m̂| / (√v̂ + ε), SGD η·|momentum|. */
  "stepSizeMin",
  "stepSizeP5",
  "stepSizeP50",
  "stepSizeP95",
  "stepSizeMax",
  "stepSizeRms",
] as const;

export type StepColumn = (typeof STEP_COLUMNS)[number];
export type TensorColumn = (typeof TENSOR_COLUMNS)[number];

/** Consecutive steps. Row-major; steps count from 1. */
export interface StepBatch {
  readonly firstStep: number;
  readonly count: number;
  /** Parameter groups: columns of `lr`. */
  readonly groups: number;
  /** Parameter tensors: rows of `tensors` in a step. */
  readonly tensorCount: number;
  /** count × STEP_COLUMNS.length */
  readonly steps: Float64Array;
  /** count × groups: η of each parameter group. */
  readonly lr: Float64Array;
  /** count × tensorCount × TENSOR_COLUMNS.length */
  readonly tensors: Float32Array;
}

/** Steps by column, without what is known of single tensors. */
export interface StepCurves {
  readonly firstStep: number;
  readonly count: number;
  /** Of each quantity that was asked for its value at every step. */
  readonly columns: Readonly<Partial<Record<StepColumn, Float64Array>>>;
  /** Parameter groups, and count × groups η of them; none where it was not asked for. */
  readonly groups: number;
  readonly lr: Float64Array;
}

const stepIndex = new Map<string, number>(STEP_COLUMNS.map((name, i) => [name, i]));
const tensorIndex = new Map<string, number>(TENSOR_COLUMNS.map((name, i) => [name, i]));

/** Value of a step column in row `row` of a batch. */
export function stepValue(batch: StepBatch, row: number, column: StepColumn): number {
  return batch.steps[row * STEP_COLUMNS.length + (stepIndex.get(column) ?? 0)] ?? Number.NaN;
}

/** Value of a tensor column in row `row` of a batch. */
export function tensorValue(
  batch: StepBatch,
  row: number,
  tensor: number,
  column: TensorColumn,
): number {
  const at = (row * batch.tensorCount + tensor) * TENSOR_COLUMNS.length;
  return batch.tensors[at + (tensorIndex.get(column) ?? 0)] ?? Number.NaN;
}

/** Rows `from` to `to` (exclusive) of a batch, without a copy. */
export function sliceBatch(batch: StepBatch, from: number, to: number): StepBatch {
  const { groups, tensorCount } = batch;
  const tensorRow = tensorCount * TENSOR_COLUMNS.length;
  return {
    firstStep: batch.firstStep + from,
    count: to - from,
    groups,
    tensorCount,
    steps: batch.steps.subarray(from * STEP_COLUMNS.length, to * STEP_COLUMNS.length),
    lr: batch.lr.subarray(from * groups, to * groups),
    tensors: batch.tensors.subarray(from * tensorRow, to * tensorRow),
  };
}

/** True if `next` starts where `batch` ends and has the same columns: they can be joined. */
export function continues(batch: StepBatch, next: StepBatch): boolean {
  return (
    next.firstStep === batch.firstStep + batch.count &&
    next.groups === batch.groups &&
    next.tensorCount === batch.tensorCount
  );
}

/** Batches, each of which continues the one before it, as one. Throws on an empty list. */
export function joinBatches(batches: readonly StepBatch[]): StepBatch {
  const [first] = batches;
  if (!first) throw new RangeError("There is no batch to join.");
  if (batches.length === 1) return first;
  const sum = (length: (batch: StepBatch) => number) =>
    batches.reduce((total, batch) => total + length(batch), 0);
  const joined = {
    ...first,
    count: sum(batch => batch.count),
    steps: new Float64Array(sum(batch => batch.steps.length)),
    lr: new Float64Array(sum(batch => batch.lr.length)),
    tensors: new Float32Array(sum(batch => batch.tensors.length)),
  };
  let row = 0;
  for (const batch of batches) {
    joined.steps.set(batch.steps, row * STEP_COLUMNS.length);
    joined.lr.set(batch.lr, row * first.groups);
    joined.tensors.set(batch.tensors, row * first.tensorCount * TENSOR_COLUMNS.length);
    row += batch.count;
  }
  return joined;
}
