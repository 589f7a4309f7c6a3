/** Data sets made of others. */
import { permutation } from "../tensor/permutation.ts";
import { hostGenerator } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "./dataset.ts";
import { joinRows, takeRows } from "./rows.ts";

/** Some samples of a data set: PyTorch's `Subset`. Sample i is number `indices[i]` of the other. */
export class Subset<Batch> implements Dataset<Batch> {
  readonly dataset: Dataset<Batch>;
  readonly indices: Int32Array;

  /** @throws RangeError if a number is none of a sample. */
  constructor(dataset: Dataset<Batch>, indices: ArrayLike<number>) {
    this.dataset = dataset;
    this.indices = Int32Array.from(indices, index => {
      if (Number.isInteger(index) && index >= 0 && index < dataset.length) return index;
      throw new RangeError(`Subset: there is no sample ${index} among ${dataset.length}`);
    });
  }

  get length(): number {
    return this.indices.length;
  }

  batch(indices: Int32Array, random?: () => number): Batch | Promise<Batch> {
    return this.dataset.batch(this.select(indices), random);
  }

  /** The numbers that samples have in the other data set. @internal */
  select(indices: Int32Array): Int32Array {
    return indices.map(i => this.indices[i] ?? 0);
  }
}

/**
 * Splits a data set at random into parts that have no sample in common: PyTorch's `random_split`.
 * @param lengths of the parts: numbers of samples, or fractions that add up to 1. What fractions
 *   leave over goes to the first parts, one sample each.
 * @throws RangeError if the parts are not the whole.
 */
export function randomSplit<Batch>(
  dataset: Dataset<Batch>,
  lengths: readonly number[],
): Subset<Batch>[] {
  const counts = partLengths(dataset.length, lengths);
  const order = permutation(dataset.length, hostGenerator());
  let start = 0;
  return counts.map(count => {
    const part = new Subset(dataset, order.subarray(start, start + count));
    start += count;
    return part;
  });
}

function partLengths(total: number, lengths: readonly number[]): readonly number[] {
  const sum = lengths.reduce((all, length) => all + length, 0);
  const isValid = lengths.every(length => length >= 0);
  if (isValid && lengths.every(Number.isInteger) && sum === total) return lengths;
  if (!isValid || Math.abs(sum - 1) > 1e-9) {
    throw new RangeError(
      `randomSplit: [${lengths.join(", ")}] add up to ${sum}; expected ${total} samples, or fractions of 1`,
    );
  }
  const counts = lengths.map(fraction => Math.floor(total * fraction));
  const rest = total - counts.reduce((all, count) => all + count, 0);
  return counts.map((count, i) => (i < rest ? count + 1 : count));
}

/** Data sets one behind the other: PyTorch's `ConcatDataset`. A batch may hold samples of several. */
export class ConcatDataset<Tensors extends readonly Tensor[]> implements Dataset<Tensors> {
  readonly datasets: readonly Dataset<Tensors>[];

  /** @throws RangeError without a data set. */
  constructor(datasets: readonly Dataset<Tensors>[]) {
    if (datasets.length === 0) throw new RangeError("ConcatDataset: give it at least one data set");
    this.datasets = datasets;
  }

  get length(): number {
    return this.datasets.reduce((sum, { length }) => sum + length, 0);
  }

  /** @throws TypeError if the data sets have samples of different shape or dtype. */
  async batch(indices: Int32Array, random?: () => number): Promise<Tensors> {
    const rows = new Int32Array(indices.length);
    const parts: (Tensors | Promise<Tensors>)[] = [];
    let start = 0;
    let row = 0;
    for (const dataset of this.datasets) {
      const own: number[] = [];
      for (const [place, index] of indices.entries()) {
        if (index < start || index >= start + dataset.length) continue;
        own.push(index - start);
        rows[place] = row++;
      }
      if (own.length > 0) parts.push(dataset.batch(Int32Array.from(own), random));
      start += dataset.length;
    }
    const batches = await Promise.all(parts);
    const [first] = batches;
    if (first && batches.length === 1) return first;
    const columns = (first ?? []).map((_, i) => joinRows(batches.flatMap(batch => batch[i] ?? [])));
    const batch: readonly Tensor[] = (await Promise.all(columns)).map(column =>
      takeRows(column, rows),
    );
    return batch as Tensors;
  }
}
