import { noGrad } from "../../tensor/autograd.ts";
import { checkTensor } from "../../tensor/checkTensor.ts";
import { ones, zeros } from "../../tensor/creation.ts";
import { hostValues } from "../../tensor/hostValues.ts";
import { formatShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

export interface EmbeddingOptions {
  readonly paddingIdx?: number | undefined;
  readonly maxNorm?: number | undefined;
  readonly normType?: number | undefined;
}

/**
 * Rows of a table: `weight[input]`.
 * @param input numbers of rows, int32, of any shape
 * @param weight [rows, size]
 * @param options `paddingIdx`: a row that learns nothing. `maxNorm`: rows that are read and are longer are
 *   shortened to that first, in the weight itself; `normType` says which norm, 2 by default.
 * @returns the shape of the input with `size` behind it
 * @throws RangeError for a row that does not exist; one that was computed on the GPU reads the last.
 */
export function embedding(input: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  checkTensor("embedding", input);
  const [rows = 0, size = 0] = weight.shape;
  if (weight.ndim !== 2) {
    throw new RangeError(`embedding: the weight is [rows, size], got ${formatShape(weight.shape)}`);
  }
  if (input.dtype !== "int32" && input.dtype !== "uint32") {
    throw new TypeError(`embedding: expects int32 indices, got ${input.dtype}. Use to("int32")`);
  }
  const stray = hostValues(input)?.find(row => row < 0 || row >= rows);
  if (stray !== undefined) {
    throw new RangeError(
      `embedding: index ${stray} is out of range: the weight ${formatShape(weight.shape)} has ` +
        `rows 0 … ${rows - 1}`,
    );
  }
  if (options.maxNorm !== undefined) {
    shorten(weight, input.reshape(-1), options.maxNorm, options.normType);
  }
  const picked = weight.indexSelect(0, input.reshape(-1)).reshape([...input.shape, size]);
  const { paddingIdx } = options;
  if (paddingIdx === undefined) return picked;
  return picked.detach().where(input.eq(paddingIdx).unsqueeze(-1), picked);
}

/** Shortens the rows that are named, and longer than `maxNorm`, to that: PyTorch's `embedding_renorm_`. */
function shorten(weight: Tensor, rows: Tensor, maxNorm: number, normType = 2): void {
  noGrad(() => {
    const norms = weight.norm(normType, 1, true);
    const isRead = zeros(weight.shape[0] ?? 0, 1)
      .indexAdd(0, rows, ones(rows.numel, 1))
      .gt(0);
    const factor = norms.add(1e-7).reciprocal().mul(maxNorm);
    weight.mul_(factor.where(isRead.logicalAnd(norms.gt(maxNorm)), 1));
  });
}
