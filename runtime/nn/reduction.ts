import { noteLoss } from "../tensor/lossUse.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What becomes of the losses of a batch. */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** "mean" by default. */
  reduction?: Reduction;
}

/**
 * The reduction, "mean" by default.
 * @throws RangeError for a word that is none.
 */
export function checkReduction(loss: string, reduction: Reduction = "mean"): Reduction {
  if (reduction === "mean" || reduction === "sum" || reduction === "none") return reduction;
  throw new RangeError(`${loss}: "${reduction}" is not a reduction; use "mean", "sum" or "none"`);
}

/** The losses of a loss function as the reduction asks for them. */
export function reduced(loss: string, losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return noteLoss(loss, losses);
  return noteLoss(loss, reduction === "sum" ? losses.sum() : losses.mean());
}
