import { reportProgress } from "../insight/progress.ts";
import { identity, permutation } from "../tensor/permutation.ts";
import { hostGenerator } from "../tensor/random.ts";
import type { Dataset } from "./dataset.ts";

export interface DataLoaderOptions {
  /** Samples in a batch. 1 by default, as in PyTorch. */
  batchSize?: number;
  /** A new order in every pass, seeded by `manualSeed`. */
  shuffle?: boolean;
  /** Leaves out the last batch where it is smaller than the others. */
  dropLast?: boolean;
}

/**
 * Batches of a data set. Each `for await` is one pass over the data:
 *
 *     for await (const [inputs, targets] of loader) { … }
 */
export class DataLoader<Batch> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Batch>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  #batches = 0;
  #samples = 0;

  /** @throws RangeError if the batch size is not a positive integer. */
  constructor(dataset: Dataset<Batch>, options: DataLoaderOptions = {}) {
    const { batchSize = 1, shuffle = false, dropLast = false } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`DataLoader: batchSize should be a positive integer, got ${batchSize}`);
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
  }

  /** Number of batches in a pass. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const count = this.dataset.length;
    const order = this.shuffle ? permutation(count, hostGenerator()) : identity(count);
    const batches = this.length;
    for (let batch = 0; batch < batches; batch++) {
      const indices = order.slice(batch * this.batchSize, (batch + 1) * this.batchSize);
      const value = await this.dataset.batch(indices);
      this.#report(batch + 1, batches, indices.length);
      yield value;
    }
  }

  /** A pass that was left early counts for what was read of it, so that the epoch only grows. */
  #report(batch: number, batches: number, samples: number): void {
    this.#batches++;
    this.#samples += samples;
    reportProgress({ epoch: this.#batches / batches, batch, batches, samples: this.#samples });
  }
}
