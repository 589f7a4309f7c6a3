/** Reads the batches of a pass from a data set, in whatever thread that is. */
import { philox } from "../tensor/philox.ts";
import type { AnyDataset, Dataset, IterableDataset, SampleDataset } from "./dataset.ts";

/** Which batch is to be read. */
export interface BatchRequest {
  /** Number within the pass, from 0. Requests come in this order. */
  readonly batch: number;
  /** The samples of the batch; of no meaning to a stream. */
  readonly indices: Int32Array;
  readonly random: RandomPlace;
}

/** Where the random numbers of a batch begin: equal ones whoever reads it, and when. */
export interface RandomPlace {
  readonly seed: number;
  /** Samples that the loader has handed out before this batch. */
  readonly sample: number;
}

/** What the data set gives for a batch. */
export interface ReadBatch {
  readonly value: unknown;
  /** 0 behind the end of a stream. */
  readonly samples: number;
  /** The value is a list of samples, which are to be collated. */
  readonly isList: boolean;
}

export interface BatchReader {
  read(request: BatchRequest): Promise<ReadBatch>;
  /** Takes what other threads have read meanwhile, without a turn of the event loop. */
  receive?(): void;
  /** Batches that are worth to be read ahead; 0 if it is not said. */
  readonly depth?: number;
  close(): Promise<void>;
}

/** Opens a data set for a pass, in this thread. */
export function openReader(dataset: AnyDataset, batchSize: number): BatchReader {
  if (isBatched(dataset)) return new BatchedReader(dataset);
  return isSampled(dataset) ? new SampleReader(dataset) : new StreamReader(dataset, batchSize);
}

export function isBatched(dataset: AnyDataset): dataset is Dataset<unknown> {
  return "batch" in dataset;
}

export function isSampled(dataset: AnyDataset): dataset is SampleDataset<unknown> {
  return "sample" in dataset;
}

class BatchedReader implements BatchReader {
  readonly #dataset: Dataset<unknown>;

  constructor(dataset: Dataset<unknown>) {
    this.#dataset = dataset;
  }

  async read({ indices, random }: BatchRequest): Promise<ReadBatch> {
    const value = await this.#dataset.batch(indices, generator(random, 0));
    return { value, samples: indices.length, isList: false };
  }

  async close(): Promise<void> {}
}

class SampleReader implements BatchReader {
  readonly #dataset: SampleDataset<unknown>;

  constructor(dataset: SampleDataset<unknown>) {
    this.#dataset = dataset;
  }

  async read({ indices, random }: BatchRequest): Promise<ReadBatch> {
    const samples = Array.from(indices, (index, place) =>
      this.#dataset.sample(index, generator(random, place)),
    );
    return listOf(samples.some(isPromise) ? await Promise.all(samples) : samples);
  }

  async close(): Promise<void> {}
}

function listOf(samples: readonly unknown[]): ReadBatch {
  return { value: samples, samples: samples.length, isList: true };
}

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Samples in lists, one batch behind the other. */
class StreamReader implements BatchReader {
  readonly #dataset: IterableDataset<unknown>;
  readonly #batchSize: number;
  #samples: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  /** Number of the batch that the stream stands at. */
  #batch = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(dataset: IterableDataset<unknown>, batchSize: number) {
    this.#dataset = dataset;
    this.#batchSize = batchSize;
  }

  /** One request after the other. */
  read({ batch }: BatchRequest): Promise<ReadBatch> {
    const reading = this.#turn.then(() => this.#read(batch));
    this.#turn = reading.catch(() => {});
    return reading;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#samples?.return?.();
  }

  /** A batch that is not the next one is found by going through the stream from its beginning. */
  async #read(batch: number): Promise<ReadBatch> {
    if (batch !== this.#batch || !this.#samples) {
      await this.#samples?.return?.();
      this.#samples = samplesOf(this.#dataset);
      for (this.#batch = 0; this.#batch < batch; this.#batch++) await this.#next();
    }
    this.#batch++;
    return listOf(await this.#next());
  }

  async #next(): Promise<unknown[]> {
    const samples: unknown[] = [];
    while (samples.length < this.#batchSize) {
      const next = await this.#samples?.next();
      if (!next || next.done) break;
      samples.push(next.value);
    }
    return samples;
  }
}

/** Streams that can be read once, and have been. */
const used = new WeakSet<object>();

function samplesOf(dataset: IterableDataset<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const samples =
    Symbol.asyncIterator in dataset ? dataset[Symbol.asyncIterator]() : dataset[Symbol.iterator]();
  if ((samples as object) !== dataset) return samples;
  if (used.has(dataset)) {
    throw new TypeError(
      "DataLoader: this stream has been read and cannot begin anew, as a generator cannot. Give an " +
        "object whose [Symbol.asyncIterator]() makes a new one: { [Symbol.asyncIterator]: () => data.readCsv(path) }",
    );
  }
  used.add(dataset);
  return samples;
}

/** The stream of random numbers that loaders draw from: the last one, which nothing else comes to. */
const LOADER_STREAM = 0xffff_ffff;

/** Uniform numbers in [0, 1) for a sample of a batch. */
function generator({ seed, sample }: RandomPlace, place: number): () => number {
  let i = 0;
  return () => philox(i++, seed, LOADER_STREAM, sample + place);
}
