import { attentionWeights, scaledDotProductAttention } from "../tensor/attention.ts";
import { arange, zeros } from "../tensor/creation.ts";
import { cat } from "../tensor/joining.ts";
import { uniform } from "../tensor/random.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkProbability, checkSize } from "./checks.ts";
import { constant, normal } from "./draw.ts";
import { linear } from "./functional/linear.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

export interface AttentionCallOptions {
  /**
   * [L, S] or [N · heads, L, S]: bool, true where a query must not look at a key (the opposite of
   * `scaledDotProductAttention`, as in PyTorch); or float32, added to the scores.
   */
  attnMask?: Tensor | undefined;
  /** [N, S], or [S] without a batch: true, or −∞, for keys that nobody looks at. */
  keyPaddingMask?: Tensor | undefined;
  /** Query i looks at keys 0 … i only. */
  isCausal?: boolean;
  /** Whether to return the attention weights, too. True by default; without them it is faster. */
  needWeights?: boolean;
  /** Whether those are the mean over the heads. True by default. */
  averageAttnWeights?: boolean;
}

/**
 * Attention by several heads, each in a part of the features (Vaswani et al. 2017): `forward(query,
 * key, value)` with [L, N, E], [S, N, E], [S, N, E], or batch first, or without N.
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, options?: AttentionCallOptions],
  [output: Tensor, weights: Tensor | undefined]
> {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  /** Sizes of keys and of values, if they are not those of queries. */
  readonly kdim: number;
  readonly vdim: number;
  /** [3 E, E]: the projections of query, key and value, one below the other, if all have one size. */
  inProjWeight: Parameter | undefined;
  /** The same where keys or values have another size: [E, E], [E, kdim] and [E, vdim]. */
  qProjWeight: Parameter | undefined;
  kProjWeight: Parameter | undefined;
  vProjWeight: Parameter | undefined;
  inProjBias: Parameter | undefined;
  readonly outProj: Linear;
  /** [1, 1, E]: a key that is learned, and its value, behind all others. */
  biasK: Parameter | undefined;
  biasV: Parameter | undefined;

  /** @throws RangeError if the heads do not divide the features. */
  constructor(
    embedDim: number,
    numHeads: number,
    options: {
      dropout?: number;
      bias?: boolean;
      batchFirst?: boolean;
      kdim?: number | undefined;
      vdim?: number | undefined;
      addBiasKv?: boolean;
    } = {},
  ) {
    super();
    const { dropout = 0, bias = true, batchFirst = false } = options;
    this.embedDim = checkSize("MultiheadAttention", "embedDim", embedDim);
    this.numHeads = checkSize("MultiheadAttention", "numHeads", numHeads);
    this.dropout = checkProbability("MultiheadAttention", dropout);
    this.batchFirst = batchFirst;
    if (embedDim % numHeads !== 0) {
      throw new RangeError(
        `MultiheadAttention: embedDim ${embedDim} should be a multiple of numHeads ${numHeads}`,
      );
    }
    this.kdim = checkSize("MultiheadAttention", "kdim", options.kdim ?? embedDim);
    this.vdim = checkSize("MultiheadAttention", "vdim", options.vdim ?? embedDim);
    if (this.kdim === embedDim && this.vdim === embedDim) {
      this.inProjWeight = xavier(3 * embedDim, embedDim);
    } else {
      this.qProjWeight = xavier(embedDim, embedDim);
      this.kProjWeight = xavier(embedDim, this.kdim);
      this.vProjWeight = xavier(embedDim, this.vdim);
    }
    this.inProjBias = bias ? new Parameter(constant([3 * embedDim], 0)) : undefined;
    this.outProj = new Linear(embedDim, embedDim, { bias });
    if (this.outProj.bias) this.outProj.bias = new Parameter(constant([embedDim], 0));
    if (options.addBiasKv) {
      // xavierNormal_ of [1, 1, E]
      const spread = Math.sqrt(2 / (2 * embedDim));
      this.biasK = new Parameter(normal([1, 1, embedDim], 0, spread));
      this.biasV = new Parameter(normal([1, 1, embedDim], 0, spread));
    }
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
  ): [output: Tensor, weights: Tensor | undefined] {
    const { needWeights = true, averageAttnWeights = true } = options;
    this.#check(query, key, value);
    const [q, k, v] = this.#project(query, key, value);
    const call = { ...this.#visible(q, k, options), dropoutP: this.training ? this.dropout : 0 };
    const weights = needWeights ? attentionWeights(q, k, call) : undefined;
    const attended = weights ? weights.matmul(v) : scaledDotProductAttention(q, k, v, call);
    const [batch = 0, , length = 0] = attended.shape;
    const joined = attended.transpose(1, 2).reshape(batch, length, this.embedDim);
    const output = this.#fromBatchFirst(this.outProj.forward(joined), query.ndim);
    const shown = averageAttnWeights ? weights?.mean(1) : weights;
    return [output, query.ndim === 2 ? shown?.squeeze(0) : shown];
  }

  /** Query, key and value of each head: [N, heads, length, E / heads]. */
  #project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const { embedDim, numHeads, inProjWeight, inProjBias, biasK, biasV } = this;
    const part = (packed: Tensor, i: number) => packed.narrow(-1, i * embedDim, embedDim);
    const heads = (x: Tensor) => {
      const [batch = 0, length = 0] = x.shape;
      return x.reshape(batch, length, numHeads, -1).transpose(1, 2);
    };
    if (inProjWeight && !biasK && query === key && key === value) {
      const packed = linear(this.#toBatchFirst(query), inProjWeight, inProjBias);
      return [heads(part(packed, 0)), heads(part(packed, 1)), heads(part(packed, 2))];
    }
    const weights = inProjWeight
      ? inProjWeight.split(embedDim)
      : [this.qProjWeight, this.kProjWeight, this.vProjWeight];
    const project = (x: Tensor, i: number, learned?: Tensor) => {
      const weight = weights[i];
      if (!weight) throw new Error(`Invariant violation: no weight of projection ${i}`);
      const y = linear(this.#toBatchFirst(x), weight, inProjBias && part(inProjBias, i));
      return heads(learned ? cat([y, learned.expand(y.shape[0] ?? 0, 1, embedDim)], 1) : y);
    };
    return [project(query, 0), project(key, 1, biasK), project(value, 2, biasV)];
  }

  /** What the queries may look at: all masks as one, added to the scores. */
  #visible(
    q: Tensor,
    k: Tensor,
    { attnMask, keyPaddingMask, isCausal = false }: AttentionCallOptions,
  ): { isCausal: boolean; attnMask?: Tensor } {
    const [batch = 0, heads = 0, queries = 0] = q.shape;
    // The key that is learned is seen by all.
    const keys = (k.shape[2] ?? 0) - (this.biasK ? 1 : 0);
    const masks: Tensor[] = [];
    if (attnMask) {
      const [plain, byHead] = [
        [queries, keys],
        [batch * heads, queries, keys],
      ];
      requireMask("attnMask", attnMask, [plain, byHead]);
      const byBatch = [batch, heads, queries, keys];
      masks.push(additive(attnMask.ndim === 3 ? attnMask.reshape(byBatch) : attnMask));
    }
    if (keyPaddingMask) {
      requireMask(
        "keyPaddingMask",
        keyPaddingMask,
        batch === 1 ? [[1, keys], [keys]] : [[batch, keys]],
      );
      masks.push(additive(keyPaddingMask.reshape(batch, 1, 1, keys)));
    }
    if (isCausal && (masks.length > 0 || this.biasK)) {
      masks.push(additive(arange(queries).unsqueeze(1).lt(arange(keys))));
    }
    const [first, ...others] = masks;
    if (!first) return { isCausal };
    const all = others.reduce((sum, mask) => sum.add(mask), first);
    return { isCausal: false, attnMask: this.biasK ? all.pad([0, 1]) : all };
  }

  #toBatchFirst(x: Tensor): Tensor {
    if (x.ndim === 2) return x.unsqueeze(0);
    return this.batchFirst ? x : x.transpose(0, 1);
  }

  #fromBatchFirst(x: Tensor, rank: number): Tensor {
    if (rank === 2) return x.squeeze(0);
    return this.batchFirst ? x : x.transpose(0, 1);
  }

  #check(query: Tensor, key: Tensor, value: Tensor): void {
    const [q, k, v] = [query.shape, key.shape, value.shape];
    const batch = this.batchFirst ? 0 : 1;
    const fits =
      (q.length === 2 || q.length === 3) &&
      k.length === q.length &&
      q.at(-1) === this.embedDim &&
      k.at(-1) === this.kdim &&
      v.at(-1) === this.vdim &&
      sameShape(k.slice(0, -1), v.slice(0, -1)) &&
      (q.length === 2 || q[batch] === k[batch]);
    if (fits) return;
    const form = this.batchFirst ? "[N, L, E], [N, S, E]" : "[L, N, E], [S, N, E]";
    throw new RangeError(
      `MultiheadAttention: query, key and value ${[q, k, v].map(formatShape).join(", ")} should be ` +
        `${form} twice, or without N, with E = ${this.embedDim}` +
        (this.inProjWeight ? "" : `, of keys ${this.kdim}, of values ${this.vdim}`),
    );
  }
}

/** Weights that start as `xavierUniform_` sets them. */
function xavier(outputs: number, inputs: number): Parameter {
  const bound = Math.sqrt(6 / (outputs + inputs));
  return new Parameter(uniform([outputs, inputs], -bound, bound));
}

/** A mask that is added: −∞ where a bool one is true. */
function additive(mask: Tensor): Tensor {
  if (mask.dtype !== "bool") return mask;
  return zeros(mask.shape).where(mask.eq(0), Number.NEGATIVE_INFINITY);
}

function requireMask(name: string, mask: Tensor, shapes: readonly (readonly number[])[]): void {
  if (!["bool", "float16", "float32"].includes(mask.dtype)) {
    throw new TypeError(`MultiheadAttention: ${name} should be bool or float32, got ${mask.dtype}`);
  }
  if (shapes.some(shape => sameShape(mask.shape, shape))) return;
  throw new RangeError(
    `MultiheadAttention: ${name} should be ${shapes.map(formatShape).join(" or ")}, got ` +
      formatShape(mask.shape),
  );
}
