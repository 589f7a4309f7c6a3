import { takePart } from "../checkpoint/parts.ts";
import { reportProgress } from "../insight/progress.ts";
import { identity } from "../tensor/permutation.ts";
import { hostGenerator, type RandomStream, takeStream } from "../tensor/random.ts";
import type { Dataset } from "./dataset.ts";
import { ReadAhead } from "./readAhead.ts";
import { RandomSampler, type Sampler } from "./samplers.ts";

export interface DataLoaderOptions {
  /** Samples in a batch. 1 by default, as in PyTorch. */
  batchSize?: number;
  /** A new order in every pass, seeded by `manualSeed`. */
  shuffle?: boolean;
  /** Leaves out the last batch where it is smaller than the others. */
  dropLast?: boolean;
  /** Which samples a pass reads, and in which order; instead of `shuffle`. */
  sampler?: Sampler;
  /**
   * Batches that are read while the loop works on the one before: for data sets that read files. 0 by
   * default. Of a data set that draws random numbers for its batches, a resumed run draws others then.
   */
  prefetch?: number;
}

/** Where a loader stands, as plain data. */
export interface LoaderState {
  /** Batches and samples handed out since the loader was made. */
  readonly batches: number;
  readonly samples: number;
  /** The pass that is not over. */
  readonly pass: { readonly stream: RandomStream | null; readonly batch: number } | null;
}

/** One pass over the data. */
interface Pass {
  /** Random numbers of its order; null without a sampler. */
  stream: RandomStream | null;
  order: Int32Array;
  /** Batches handed out. */
  batch: number;
}

/**
 * Batches of a data set. Each `for await` is one pass over the data:
 *
 *     for await (const [inputs, targets] of loader) { … }
 */
export class DataLoader<Batch> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Batch>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  /** Without one, a pass reads all samples in order. */
  readonly sampler: Sampler | undefined;
  readonly prefetch: number;
  #batches = 0;
  #samples = 0;
  /** The pass that is not over; without one, the next begins with `#resumed`, if there is that. */
  #pass: Pass | undefined;
  #resumed: Pass | undefined;

  /**
   * @throws RangeError if the batch size is not a positive integer, or the batches to prefetch no count.
   * @throws TypeError if there are both a sampler and `shuffle`.
   */
  constructor(dataset: Dataset<Batch>, options: DataLoaderOptions = {}) {
    const { batchSize = 1, shuffle = false, dropLast = false, sampler, prefetch = 0 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`DataLoader: batchSize should be a positive integer, got ${batchSize}`);
    }
    if (!Number.isInteger(prefetch) || prefetch < 0) {
      throw new RangeError(`DataLoader: prefetch should be a number of batches, got ${prefetch}`);
    }
    if (sampler && shuffle) {
      throw new TypeError("DataLoader: a sampler sets the order itself; leave out shuffle");
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler = shuffle ? new RandomSampler(dataset) : sampler;
    this.prefetch = prefetch;
    takePart(this);
  }

  /** Number of batches in a pass. */
  get length(): number {
    const batches = (this.sampler ?? this.dataset).length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const pass = this.#resumed ?? this.#newPass();
    this.#resumed = undefined;
    this.#pass = pass;
    const ahead = new ReadAhead<Batch>(this.prefetch);
    try {
      while (pass.batch < this.length) {
        // A pass that is put back to an earlier place goes on from there.
        const { order } = pass;
        const indicesOf = (batch: number) =>
          order.slice(batch * this.batchSize, (batch + 1) * this.batchSize);
        const batch = pass.batch++;
        const value = await ahead.take(order, batch, this.length, async next =>
          this.dataset.batch(indicesOf(next)),
        );
        this.#report(pass.batch, indicesOf(batch).length);
        yield value;
      }
    } finally {
      if (this.#pass === pass) this.#pass = undefined;
    }
  }

  /** Where the loader stands: behind the batch that was handed out last. */
  stateDict(): LoaderState {
    const pass = this.#pass ?? this.#resumed;
    return {
      batches: this.#batches,
      samples: this.#samples,
      pass: pass ? { stream: pass.stream, batch: pass.batch } : null,
    };
  }

  /**
   * Goes on where `stateDict()` was taken: a pass that is under way does so with its next batch, else
   * the next one begins there, with the rest of the pass.
   * @throws RangeError if that place is behind the end of a pass.
   */
  loadStateDict({ batches, samples, pass }: LoaderState): void {
    if (pass && pass.batch > this.length) {
      throw new RangeError(
        `DataLoader: the state is at batch ${pass.batch}, and a pass has ${this.length}: it belongs ` +
          "to other data or another batch size",
      );
    }
    this.#batches = batches;
    this.#samples = samples;
    const stands = pass && { ...pass, order: this.#order(pass.stream) };
    if (this.#pass && stands) Object.assign(this.#pass, stands);
    else this.#resumed = stands ?? undefined;
  }

  /** Remembers the state, for a snapshot. @internal */
  capture(): () => void {
    const state = this.stateDict();
    return () => this.loadStateDict(state);
  }

  #newPass(): Pass {
    const stream = this.sampler ? takeStream() : null;
    return { stream, order: this.#order(stream), batch: 0 };
  }

  #order(stream: RandomStream | null): Int32Array {
    if (!this.sampler || !stream) return identity(this.dataset.length);
    return this.sampler.indices(hostGenerator(stream));
  }

  /** A pass that was left early counts for what was read of it, so that the epoch only grows. */
  #report(batch: number, samples: number): void {
    this.#batches++;
    this.#samples += samples;
    reportProgress({
      epoch: this.#batches / this.length,
      batch,
      batches: this.length,
      samples: this.#samples,
    });
  }
}
