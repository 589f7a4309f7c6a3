import { arange } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkSize } from "./checks.ts";
import { normal } from "./draw.ts";
import { type EmbeddingOptions, embedding } from "./functional/embedding.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * A learned vector for each number: int32 indices of any shape become [..., embeddingDim]. The
 * weight, [numEmbeddings, embeddingDim], starts standard normal.
 */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | undefined;
  readonly maxNorm: number | undefined;
  readonly normType: number;
  weight: Parameter;

  /**
   * @param options `paddingIdx`: a row that starts at zero and learns nothing; −1 is the last. `maxNorm`: rows that
   *   are read and are longer are shortened to that first; `normType`, 2 by default, says which norm.
   */
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super();
    this.numEmbeddings = checkSize("Embedding", "numEmbeddings", numEmbeddings);
    this.embeddingDim = checkSize("Embedding", "embeddingDim", embeddingDim);
    this.paddingIdx = checkPadding(options.paddingIdx, numEmbeddings);
    this.maxNorm = options.maxNorm;
    this.normType = options.normType ?? 2;
    if (this.maxNorm !== undefined && !(this.maxNorm > 0)) {
      throw new RangeError(`Embedding: maxNorm should be above 0, got ${this.maxNorm}`);
    }
    const start = normal([numEmbeddings, embeddingDim], 0, 1);
    const learns = arange(numEmbeddings)
      .ne(this.paddingIdx ?? -1)
      .unsqueeze(1);
    this.weight = new Parameter(this.paddingIdx === undefined ? start : start.where(learns, 0));
  }

  forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType } = this;
    return embedding(input, this.weight, { paddingIdx, maxNorm, normType });
  }
}

function checkPadding(index: number | undefined, rows: number): number | undefined {
  if (index === undefined) return undefined;
  if (!Number.isInteger(index) || index < -rows || index >= rows) {
    throw new RangeError(
      `Embedding: paddingIdx ${index} is out of range: there are rows 0 … ${rows - 1}`,
    );
  }
  return index < 0 ? index + rows : index;
}
