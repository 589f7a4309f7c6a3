/** Scaled dot-product attention (Vaswani et al. 2017). */
import { isFloat } from "../kernels/op.ts";
import { lowered } from "./autocast.ts";
import { arange } from "./creation.ts";
import { dropout } from "./dropout.ts";
import { where } from "./elementwise.ts";
import { canFuse, fusedAttention } from "./fusedAttention.ts";
import { broadcastShapes, formatShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

export interface AttentionOptions {
  /** [..., L, S]: bool, true where a query may look at a key; or float32, added to the scores. */
  readonly attnMask?: Tensor | undefined;
  /** Query i looks at keys 0 … i only. Not together with a mask. */
  readonly isCausal?: boolean;
  /** Probability with which a weight is dropped. 0 by default; layers pass it while they train. */
  readonly dropoutP?: number;
  /** 1 / √E by default. */
  readonly scale?: number;
}

/**
 * softmax(q kᵀ · scale + mask) v.
 * @param query [..., L, E]
 * @param key [..., S, E]
 * @param value [..., S, Ev]
 * @returns [..., L, Ev]
 * @throws RangeError if the shapes do not fit together; TypeError if the dtypes differ.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  return attend(lowered(query), lowered(key), lowered(value), options);
}

function attend(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions): Tensor {
  const shapes = [query, key, value].map(({ shape }) => formatShape(shape)).join(", ");
  const fits = [query, key, value].every(({ ndim }) => ndim >= 2);
  if (!fits || query.shape.at(-1) !== key.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new RangeError(
      `scaledDotProductAttention: query, key and value ${shapes} should be [..., L, E], ` +
        "[..., S, E] and [..., S, Ev]",
    );
  }
  if (key.dtype !== query.dtype || value.dtype !== query.dtype) {
    throw new TypeError(
      "scaledDotProductAttention: expects query, key and value of the same dtype, got " +
        `${query.dtype}, ${key.dtype} and ${value.dtype}`,
    );
  }
  const { attnMask, isCausal = false, dropoutP = 0 } = options;
  const composed = (q: Tensor, k: Tensor, v: Tensor) => attentionWeights(q, k, options).matmul(v);
  if (dropoutP > 0 || attnMask?.requiresGrad || !canFuse(query, key, value)) {
    return composed(query, key, value);
  }
  const scale = scaleOf(query, options);
  const mask = additive(query, key, attnMask, isCausal);
  return fusedAttention(query, key, value, { mask, isCausal, scale, composed });
}

/** How much each query looks at each key, [..., L, S], after dropout. @internal */
export function attentionWeights(query: Tensor, key: Tensor, options: AttentionOptions): Tensor {
  const { attnMask, isCausal = false, dropoutP = 0 } = options;
  const scores = query.matmul(key.transpose(-2, -1)).mul(scaleOf(query, options));
  const mask = additive(query, key, attnMask, isCausal);
  return dropout(masked(mask ? scores.add(mask) : scores, isCausal).softmax(-1), dropoutP);
}

function scaleOf(query: Tensor, { scale }: AttentionOptions): number {
  return scale ?? 1 / Math.sqrt(query.shape.at(-1) ?? 1);
}

function masked(scores: Tensor, isCausal: boolean): Tensor {
  if (!isCausal) return scores;
  const [queries = 0, keys = 0] = scores.shape.slice(-2);
  const visible = arange(queries).unsqueeze(1).ge(arange(keys));
  return scores.where(visible, Number.NEGATIVE_INFINITY);
}

/** The mask as numbers that are added to the scores. */
function additive(
  query: Tensor,
  key: Tensor,
  mask: Tensor | undefined,
  isCausal: boolean,
): Tensor | undefined {
  if (!mask) return undefined;
  if (isCausal) {
    throw new RangeError("scaledDotProductAttention: give attnMask or isCausal, not both");
  }
  if (mask.dtype !== "bool" && !isFloat(mask.dtype)) {
    throw new TypeError(
      `scaledDotProductAttention: attnMask should be bool or float32, got ${mask.dtype}`,
    );
  }
  const batches = broadcastShapes(query.shape.slice(0, -2), key.shape.slice(0, -2), "attention");
  const scores = [...batches, query.shape.at(-2) ?? 1, key.shape.at(-2) ?? 1];
  broadcastShapes(scores, mask.shape, "scaledDotProductAttention: scores and attnMask");
  return mask.dtype === "bool" ? where(mask, 0, Number.NEGATIVE_INFINITY).to("float32") : mask;
}
