import type { Tensor } from "../tensor/tensor.ts";
import { MultiheadAttention } from "./attention.ts";
import { checkSize } from "./checks.ts";
import { Dropout } from "./dropout.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";

export interface TransformerEncoderLayerOptions {
  /** Width of the feed-forward part. 2048 by default. */
  dimFeedforward?: number;
  /** Probability of each of the dropouts. 0.1 by default. */
  dropout?: number;
  /** Between the two feed-forward layers. "relu" by default. */
  activation?: "relu" | "gelu" | ((x: Tensor) => Tensor);
  layerNormEps?: number;
  /** [N, L, E] and not [L, N, E]. False by default. */
  batchFirst?: boolean;
  /** Normalises before attention and feed-forward, not behind them. False by default. */
  normFirst?: boolean;
  bias?: boolean;
}

export interface EncoderCallOptions {
  /** [L, L]: bool, true where a place must not look at another; or float32, added to the scores. */
  mask?: Tensor | undefined;
  /** [N, L]: true for places that nobody looks at. */
  srcKeyPaddingMask?: Tensor | undefined;
  /** Place i looks at places 0 … i only. */
  isCausal?: boolean;
}

/** Self-attention and a feed-forward network, each with a residual (Vaswani et al. 2017). */
export class TransformerEncoderLayer extends Module<[src: Tensor, options?: EncoderCallOptions]> {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly normFirst: boolean;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #arguments: readonly [number, number, TransformerEncoderLayerOptions];

  /**
   * @param dModel features of each place.
   * @param nhead attention heads, which must divide the features.
   */
  constructor(dModel: number, nhead: number, options: TransformerEncoderLayerOptions = {}) {
    super();
    const { dimFeedforward = 2048, dropout = 0.1, activation = "relu", bias = true } = options;
    const { layerNormEps: eps = 1e-5, batchFirst = false, normFirst = false } = options;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.dropout = new Dropout({ p: dropout });
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.norm1 = new LayerNorm(dModel, { eps, bias });
    this.norm2 = new LayerNorm(dModel, { eps, bias });
    this.dropout1 = new Dropout({ p: dropout });
    this.dropout2 = new Dropout({ p: dropout });
    this.normFirst = normFirst;
    this.#activation = activationOf(activation);
    this.#arguments = [dModel, nhead, options];
  }

  forward(src: Tensor, options: EncoderCallOptions = {}): Tensor {
    if (this.normFirst) {
      const attended = src.add(this.#attend(this.norm1.forward(src), options));
      return attended.add(this.#feed(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(src.add(this.#attend(src, options)));
    return this.norm2.forward(attended.add(this.#feed(attended)));
  }

  /** A layer of the same form with the same values. */
  clone(): TransformerEncoderLayer {
    const copy = new TransformerEncoderLayer(...this.#arguments);
    copy.loadStateDict(this.stateDict());
    return copy.train(this.training);
  }

  #attend(x: Tensor, { mask, srcKeyPaddingMask, isCausal = false }: EncoderCallOptions): Tensor {
    const [attended] = this.selfAttn.forward(x, x, x, {
      attnMask: mask,
      keyPaddingMask: srcKeyPaddingMask,
      isCausal,
      needWeights: false,
    });
    return this.dropout1.forward(attended);
  }

  #feed(x: Tensor): Tensor {
    const hidden = this.dropout.forward(this.#activation(this.linear1.forward(x)));
    return this.dropout2.forward(this.linear2.forward(hidden));
  }
}

/** Encoder layers one after the other: `numLayers` copies of one, and a normalisation if given. */
export class TransformerEncoder extends Module<[src: Tensor, options?: EncoderCallOptions]> {
  readonly layers: readonly TransformerEncoderLayer[];
  readonly norm: LayerNorm | undefined;

  /** @param options `norm` is applied to the output of the last layer. */
  constructor(
    encoderLayer: TransformerEncoderLayer,
    numLayers: number,
    options: { norm?: LayerNorm } = {},
  ) {
    super();
    checkSize("TransformerEncoder", "numLayers", numLayers);
    this.layers = Array.from({ length: numLayers }, () => encoderLayer.clone());
    this.norm = options.norm;
  }

  forward(src: Tensor, options: EncoderCallOptions = {}): Tensor {
    const encoded = this.layers.reduce((x, layer) => layer.forward(x, options), src);
    return this.norm ? this.norm.forward(encoded) : encoded;
  }
}

function activationOf(
  activation: NonNullable<TransformerEncoderLayerOptions["activation"]>,
): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  if (activation === "relu") return x => x.relu();
  if (activation === "gelu") return x => x.gelu();
  throw new RangeError(
    `TransformerEncoderLayer: activation should be "relu", "gelu" or a function, got "${activation}"`,
  );
}
