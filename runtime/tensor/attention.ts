/** Scaled dot-product attention (Vaswani et al. 2017). */
import { arange } from "./creation.ts";
import { dropout } from "./dropout.ts";
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
 * @throws RangeError if the shapes do not fit together.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const shapes = [query, key, value].map(({ shape }) => formatShape(shape)).join(", ");
  const fits = [query, key, value].every(({ ndim }) => ndim >= 2);
  if (!fits || query.shape.at(-1) !== key.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new RangeError(
      `scaledDotProductAttention: query, key and value ${shapes} should be [..., L, E], ` +
        "[..., S, E] and [..., S, Ev]",
    );
  }
  return attentionWeights(query, key, options).matmul(value);
}

/** How much each query looks at each key, [..., L, S], after dropout. @internal */
export function attentionWeights(query: Tensor, key: Tensor, options: AttentionOptions): Tensor {
  const { attnMask, isCausal = false, dropoutP = 0 } = options;
  const scale = options.scale ?? 1 / Math.sqrt(query.shape.at(-1) ?? 1);
  const scores = query.matmul(key.transpose(-2, -1)).mul(scale);
  return dropout(masked(scores, attnMask, isCausal).softmax(-1), dropoutP);
}

function masked(scores: Tensor, mask: Tensor | undefined, isCausal: boolean): Tensor {
  if (isCausal) {
    if (mask) {
      throw new RangeError("scaledDotProductAttention: give attnMask or isCausal, not both");
    }
    const [queries = 0, keys = 0] = scores.shape.slice(-2);
    const visible = arange(queries).unsqueeze(1).ge(arange(keys));
    return scores.where(visible, Number.NEGATIVE_INFINITY);
  }
  if (!mask) return scores;
  if (mask.dtype !== "bool" && mask.dtype !== "float32") {
    throw new TypeError(
      `scaledDotProductAttention: attnMask should be bool or float32, got ${mask.dtype}`,
    );
  }
  broadcastShapes(scores.shape, mask.shape, "scaledDotProductAttention: scores and attnMask");
  return mask.dtype === "bool" ? scores.where(mask, Number.NEGATIVE_INFINITY) : scores.add(mask);
}
