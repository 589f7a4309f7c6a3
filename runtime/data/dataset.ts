import { formatShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Column, readColumn, takeRows } from "./rows.ts";

/**
 * A set of samples that a `DataLoader` reads. An own one implements these two members, for example
 * to read files or to change images at random.
 */
export interface Dataset<Batch> {
  /** Number of samples. */
  readonly length: number;
  /** The samples of these numbers as one batch: usually a tuple of tensors, one sample a row. */
  batch(indices: Int32Array): Batch | Promise<Batch>;
}

/**
 * Samples that lie in tensors: sample i is row i of each. A batch is a tuple of tensors, gathered in
 * host memory: all samples together may be larger than what fits on the GPU.
 */
export class TensorDataset<Tensors extends readonly Tensor[]> implements Dataset<Tensors> {
  readonly tensors: Tensors;
  readonly length: number;
  #columns: Promise<readonly Column[]> = Promise.resolve([]);
  /** In-place changes of the tensors when they were read. */
  #versions: readonly number[] = [];

  /** @throws RangeError if the tensors differ in their first dimension. */
  constructor(...tensors: Tensors) {
    this.length = commonLength(tensors);
    this.tensors = tensors;
  }

  async batch(indices: Int32Array): Promise<Tensors> {
    if (this.tensors.some((source, i) => this.#versions[i] !== source.version)) {
      this.#versions = this.tensors.map(({ version }) => version);
      this.#columns = Promise.all(this.tensors.map(readColumn));
    }
    const batch: readonly Tensor[] = (await this.#columns).map(column => takeRows(column, indices));
    return batch as Tensors;
  }
}

function commonLength(tensors: readonly Tensor[]): number {
  if (tensors.length === 0) throw new RangeError("TensorDataset: give it at least one tensor");
  const lengths = tensors.map(({ shape }) => shape[0]);
  const shapes = tensors.map(({ shape }) => formatShape(shape)).join(" and ");
  if (lengths.includes(undefined)) {
    throw new RangeError(`TensorDataset: a tensor without dimensions has no rows, got ${shapes}`);
  }
  if (lengths.some(length => length !== lengths[0])) {
    throw new RangeError(
      `TensorDataset: size mismatch between tensors: ${shapes} differ in their first dimension, ` +
        "which counts the samples",
    );
  }
  return lengths[0] ?? 0;
}
