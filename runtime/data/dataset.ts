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
  /**
   * The samples of these numbers as one batch: usually a tuple of tensors, one sample a row.
   * @param random gives a loader's uniform numbers in [0, 1) for this batch: equal ones in a worker,
   *   read ahead, or after the run was resumed.
   */
  batch(indices: Int32Array, random?: () => number): Batch | Promise<Batch>;
}

/** A set that gives one sample at a time, which the loader's `collate` makes a batch of. */
export interface SampleDataset<Sample> {
  /** Number of samples. */
  readonly length: number;
  /** @param random gives a loader's uniform numbers in [0, 1) for this sample, as for `Dataset`. */
  sample(index: number, random?: () => number): Sample | Promise<Sample>;
}

/**
 * A stream of samples, in the order in which they come, such as the lines of a file larger than
 * memory: PyTorch's `IterableDataset`. Each pass begins the iteration anew.
 */
export type IterableDataset<Sample> = AsyncIterable<Sample> | Iterable<Sample>;

/** Whatever a loader can read. @internal */
export type AnyDataset =
  | Dataset<unknown>
  | SampleDataset<unknown>
  | AsyncIterable<unknown>
  | Iterable<unknown>;

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
