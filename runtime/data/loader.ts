import { takePart } from "../checkpoint/parts.ts";
import { batchFollows, kernelsReady } from "../gpu/kernelCache.ts";
import { reportProgress } from "../insight/progress.ts";
import { tellFault } from "../tensor/loopFaults.ts";
import { identity } from "../tensor/permutation.ts";
import { hostGenerator, initialSeed, type RandomStream, takeStream } from "../tensor/random.ts";
import { collate } from "./collate.ts";
import type { AnyDataset, Dataset, IterableDataset, SampleDataset } from "./dataset.ts";
import { ReadAhead } from "./readAhead.ts";
import { type BatchReader, isBatched, isSampled, openReader, type ReadBatch } from "./reader.ts";
import { RandomSampler, type Sampler } from "./samplers.ts";
import { WorkerPool, workerSource } from "./workers.ts";

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
   * default; with workers, two for each of them, and of small batches as many as 1 MiB holds.
   */
  prefetch?: number;
  /**
   * Threads that read the batches of a data set of `fromModule`, or of a subset of one: the same ones,
   * in the same order. They are started for each pass. 0 by default; a stream has one at most.
   */
  numWorkers?: number;
}

/** For sets of single samples, and for streams. */
export interface CollatingOptions<Sample, Batch> extends DataLoaderOptions {
  /**
   * Makes a batch of a list of samples: `data.collate`, which workers do themselves, or an own one, which
   * is called on the thread of the loop.
   */
  collate: (samples: Sample[]) => Batch | Promise<Batch>;
}

/** Batches in a row with the same samples that are no accident. */
const SAME_BATCHES = 8;

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
export class DataLoader<Batch, Sample = Batch> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Batch> | SampleDataset<Sample> | IterableDataset<Sample>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  /** Without one, a pass reads all samples in order. */
  readonly sampler: Sampler | undefined;
  /** Undefined where it was not said. */
  readonly prefetch: number | undefined;
  readonly numWorkers: number;
  readonly #collate: CollatingOptions<Sample, Batch>["collate"] | undefined;
  #batches = 0;
  #samples = 0;
  /** Samples of the latest batch, and how often it has come in a row. */
  #latest = { samples: new Int32Array() as Int32Array, times: 0 };
  /** The pass that is not over; without one, the next begins with `#resumed`, if there is that. */
  #pass: Pass | undefined;
  #resumed: Pass | undefined;

  /**
   * @throws RangeError if the batch size is not a positive integer, or the batches to prefetch or the
   *   workers no count.
   * @throws TypeError if there are both a sampler and `shuffle`, if workers cannot make the data set, or
   *   if it gives single samples and there is no `collate`.
   */
  constructor(dataset: Dataset<Batch>, options?: DataLoaderOptions);
  constructor(
    dataset: SampleDataset<Sample> | IterableDataset<Sample>,
    options: CollatingOptions<Sample, Batch>,
  );
  constructor(
    dataset: Dataset<Batch> | SampleDataset<Sample> | IterableDataset<Sample>,
    options: DataLoaderOptions & Partial<CollatingOptions<Sample, Batch>> = {},
  ) {
    const { batchSize = 1, shuffle = false, dropLast = false, sampler } = options;
    const { numWorkers = 0, prefetch } = options;
    checkOptions(dataset, options);
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler = shuffle && "length" in dataset ? new RandomSampler(dataset) : sampler;
    this.prefetch = prefetch;
    this.numWorkers = numWorkers;
    this.#collate = options.collate;
    takePart(this);
  }

  /** Number of batches in a pass; of a stream that has no end until it is there, Infinity. */
  get length(): number {
    if (!this.#isNumbered) return Number.POSITIVE_INFINITY;
    const batches = (this.sampler?.length ?? this.#size) / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const pass = this.#resumed ?? this.#newPass();
    this.#resumed = undefined;
    this.#pass = pass;
    const reader = this.#open();
    const ahead = new ReadAhead<ReadBatch>();
    try {
      while (pass.batch < this.length) {
        // A pass that is put back to an earlier place goes on from there.
        const { order } = pass;
        const batch = pass.batch;
        const samples = this.#samples;
        const count = this.prefetch ?? reader.depth ?? 0;
        const reading = ahead.take(order, batch, { count, end: this.length }, next =>
          reader.read({
            batch: next,
            indices: order.slice(next * this.batchSize, (next + 1) * this.batchSize),
            random: { seed: initialSeed(), sample: samples + (next - batch) * this.batchSize },
          }),
        );
        reader.receive?.();
        const [read] = await Promise.all([reading, kernelsReady]);
        batchFollows();
        // Meanwhile it may have been put back: then this batch is not the next one.
        if (pass.order !== order) continue;
        if (read.samples === 0 || (this.dropLast && read.samples < this.batchSize)) break;
        const value = await this.#batchOf(read);
        pass.batch++;
        this.#report(pass, read.samples);
        yield value;
      }
    } finally {
      if (this.#pass === pass) this.#pass = undefined;
      await reader.close();
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

  /** The same samples again and again, where there are others, are a fault of the sampler. */
  #checkSamples(indices: Int32Array): void {
    const length = this.#size;
    const { samples, times } = this.#latest;
    const isSame =
      indices.length < length &&
      indices.length === samples.length &&
      indices.every((index, i) => index === samples[i]);
    const inARow = isSame ? times + 1 : 1;
    this.#latest = { samples: indices, times: inARow };
    if (inARow < SAME_BATCHES) return;
    tellFault({ type: "sameSamples", samples: indices.length, of: length, times: inARow });
  }

  #order(stream: RandomStream | null): Int32Array {
    if (this.sampler && stream) return this.sampler.indices(hostGenerator(stream));
    return identity(this.#size);
  }

  /** Whether samples have numbers; those of a stream come as they do. */
  get #isNumbered(): boolean {
    return isBatched(this.dataset) || isSampled(this.dataset);
  }

  /** Samples in the data set; 0 for a stream. */
  get #size(): number {
    const { dataset } = this;
    return isBatched(dataset) || isSampled(dataset) ? dataset.length : 0;
  }

  #open(): BatchReader {
    if (this.numWorkers === 0) return openReader(this.dataset, this.batchSize);
    const collates = this.#collate === (collate as unknown);
    const { batchSize } = this;
    return new WorkerPool(workerSource(this.dataset), this.numWorkers, { batchSize, collates });
  }

  async #batchOf({ value, isList }: ReadBatch): Promise<Batch> {
    return isList && this.#collate ? this.#collate(value as Sample[]) : (value as Batch);
  }

  /** A pass that was left early counts for what was read of it, so that the epoch only grows. */
  #report({ order, batch }: Pass, samples: number): void {
    this.#batches++;
    this.#samples += samples;
    // Of a stream nobody knows how far it is, nor which samples it gives.
    if (!this.#isNumbered) return;
    this.#checkSamples(order.slice((batch - 1) * this.batchSize, batch * this.batchSize));
    reportProgress({
      epoch: this.#batches / this.length,
      batch,
      batches: this.length,
      samples: this.#samples,
    });
  }
}

function checkOptions(
  dataset: AnyDataset,
  options: DataLoaderOptions & { readonly collate?: unknown },
): void {
  const { batchSize = 1, prefetch = 0, numWorkers = 0, shuffle, sampler, collate } = options;
  const isStream = !isBatched(dataset) && !isSampled(dataset);
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`DataLoader: batchSize should be a positive integer, got ${batchSize}`);
  }
  if (!Number.isInteger(prefetch) || prefetch < 0) {
    throw new RangeError(`DataLoader: prefetch should be a number of batches, got ${prefetch}`);
  }
  if (!Number.isInteger(numWorkers) || numWorkers < 0) {
    throw new RangeError(`DataLoader: numWorkers should be a number of threads, got ${numWorkers}`);
  }
  if (isStream && numWorkers > 1) {
    throw new RangeError(
      `DataLoader: a stream is read by one worker, as its samples come one behind the other; got ${numWorkers}`,
    );
  }
  if (sampler && shuffle) {
    throw new TypeError("DataLoader: a sampler sets the order itself; leave out shuffle");
  }
  if (isStream && (sampler || shuffle)) {
    throw new TypeError(
      "DataLoader: the samples of a stream come in its own order: neither shuffle nor a sampler",
    );
  }
  if (!isBatched(dataset) && !collate) {
    throw new TypeError(
      "DataLoader: single samples become a batch by collate: data.collate, or a function of your own",
    );
  }
  if (isBatched(dataset) && collate) {
    throw new TypeError(
      "DataLoader: collate is for single samples, and this data set gives batches",
    );
  }
  if (numWorkers > 0) workerSource(dataset);
}
