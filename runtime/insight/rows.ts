/** From the words that statistics kernels leave (kernels/statistics.ts) to the columns of a step. */
import { ROW } from "../kernels/statistics.ts";
import { TENSOR_COLUMNS, type TensorColumn } from "../protocol/steps.ts";

/** What the host knows of a tensor in a step. */
export interface RowContext {
  readonly elements: number;
  /** η */
  readonly lr: number;
  /** Whether the tensor had a gradient. */
  readonly updated: boolean;
  /** Whether the effective learning rate differs between elements (Adam). */
  readonly adaptive: boolean;
  /**
   * Whether a script made the step by hand: sizes are not in units of η, `nonFinite` is a float, and
   * what only an optimizer knows is not there.
   */
  readonly byHand: boolean;
  /** Whether there was a running mean before this step, whose signs can be compared. */
  readonly hasMomentum: boolean;
}

/** Sums over tensors, in float64. */
export interface Totals {
  gradSquares: number;
  weightSquares: number;
  updateSquares: number;
  travelSquares: number;
  gainSquares: number;
  /** Elements behind gainSquares. */
  gainElements: number;
}

const COLUMN = Object.fromEntries(TENSOR_COLUMNS.map((name, i) => [name, i])) as Record<
  TensorColumn,
  number
>;

/**
 * Writes the columns of one tensor to `out` at `to`, and adds it to the totals.
 * @param words the rows that were read back, as integers; the tensor's begins at `from`.
 * @param floats the same memory as floats.
 * @returns Σθ² before the update.
 */
export function decodeRow(
  words: Uint32Array,
  floats: Float32Array,
  from: number,
  context: RowContext,
  totals: Totals,
  out: Float32Array,
  to: number,
): number {
  const { elements, lr, updated, adaptive, byHand, hasMomentum } = context;
  const word = (index: number): number => words[from + index] ?? 0;
  const float = (index: number): number => floats[from + index] ?? Number.NaN;
  const set = (column: TensorColumn, value: number): void => {
    out[to + COLUMN[column]] = value;
  };

  const weightSquares = float(ROW.weightSquares);
  const updateSquares = updated ? float(ROW.updateSquares) : 0;
  totals.weightSquares += weightSquares;
  totals.updateSquares += updateSquares;
  totals.travelSquares += float(ROW.travelSquares);
  out.fill(Number.NaN, to, to + TENSOR_COLUMNS.length);
  set("weightNorm", Math.sqrt(weightSquares));
  set("updateNorm", Math.sqrt(updateSquares));
  set("stepToWeight", Math.sqrt(updateSquares / weightSquares));
  if (!updated) return weightSquares;

  const gradSquares = float(ROW.gradSquares);
  totals.gradSquares += gradSquares;
  set("gradNorm", Math.sqrt(gradSquares));
  set("nonFinite", byHand ? float(ROW.nonFinite) : word(ROW.nonFinite));
  if (hasMomentum) set("signFlips", word(ROW.signFlips) / elements);

  const stepSquares = float(ROW.stepSquares);
  const unit = byHand ? 1 : lr;
  set("stepSizeRms", unit * Math.sqrt(stepSquares / elements));
  // Extremes and percentiles of values with NaN among them are NaN, as PyTorch's are.
  if (!Number.isNaN(stepSquares)) {
    set("stepSizeMin", unit * float(ROW.stepMin));
    set("stepSizeMax", unit * float(ROW.stepMax));
  }
  if (byHand) return weightSquares;
  if (!Number.isNaN(stepSquares)) {
    set("stepSizeP5", lr * float(ROW.stepP5));
    set("stepSizeP50", lr * float(ROW.stepP50));
    set("stepSizeP95", lr * float(ROW.stepP95));
  }
  if (!adaptive) {
    const rate = lr * float(ROW.rateMin);
    for (let i = COLUMN.effectiveLrMin; i <= COLUMN.effectiveLrRms; i++) out[to + i] = rate;
    return weightSquares;
  }
  totals.gainSquares += stepSquares;
  totals.gainElements += elements;
  set("epsDominated", word(ROW.epsDominated) / elements);
  const rateSquares = float(ROW.rateSquares);
  set("effectiveLrRms", lr * Math.sqrt(rateSquares / elements));
  if (!Number.isNaN(rateSquares)) {
    set("effectiveLrMin", lr * float(ROW.rateMin));
    set("effectiveLrP5", lr * float(ROW.rateP5));
    set("effectiveLrP50", lr * float(ROW.rateP50));
    set("effectiveLrP95", lr * float(ROW.rateP95));
    set("effectiveLrMax", lr * float(ROW.rateMax));
  }
  return weightSquares;
}
