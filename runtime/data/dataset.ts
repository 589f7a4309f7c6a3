import { tensor } from "../tensor/creation.ts";
import { formatShape, numel } from "../tensor/shape.ts";
import type { Tensor, TensorData } from "../tensor/tensor.ts";

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
  #columns: readonly Column[] = [];

  /** @throws RangeError if the tensors differ in their first dimension. */
  constructor(...tensors: Tensors) {
    this.length = commonLength(tensors);
    this.tensors = tensors;
  }

  async batch(indices: Int32Array): Promise<Tensors> {
    if (this.tensors.some((source, i) => this.#columns[i]?.version !== source.version)) {
      this.#columns = await Promise.all(this.tensors.map(readColumn));
    }
    const batch: readonly Tensor[] = this.#columns.map(column => takeRows(column, indices));
    return batch as Tensors;
  }
}

/** A tensor of a data set in host memory. */
interface Column {
  readonly source: Tensor;
  /** In-place changes of the source when it was read. */
  readonly version: number;
  readonly data: TensorData;
}

async function readColumn(source: Tensor): Promise<Column> {
  const { version } = source;
  return { source, version, data: await source.data() };
}

function takeRows({ source, data }: Column, indices: Int32Array): Tensor {
  const { dtype } = source;
  const [, ...rowShape] = source.shape;
  const size = numel(rowShape);
  const rows = new (arrayType(data))(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const start = (indices[i] ?? 0) * size;
    rows.set(data.subarray(start, start + size), i * size);
  }
  return tensor(rows, { dtype, shape: [indices.length, ...rowShape] });
}

/** The array type that `tensor` takes for what `Tensor.data` gives. */
function arrayType(data: TensorData) {
  if (data instanceof Float32Array) return Float32Array;
  return data instanceof Int32Array ? Int32Array : Uint32Array;
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
