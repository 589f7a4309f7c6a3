/**
 * How far the data of a training loop has been read. A data loader reports each batch as it hands
 * it out; the instruments read the position when the optimizer steps.
 */

/** Where a loader stands after it has handed out a batch. */
export interface LoaderProgress {
  /** Passes over the data: completed ones plus the fraction of the current one. */
  readonly epoch: number;
  /** Number of the batch within its pass, from 1. */
  readonly batch: number;
  /** Batches in a whole pass. */
  readonly batches: number;
  /** Samples handed out since the loader was made. */
  readonly samples: number;
}

let current: LoaderProgress | undefined;

/** Called by a loader with every batch: the last one to hand out a batch is the one that counts. */
export function reportProgress(progress: LoaderProgress): void {
  current = progress;
}

/** Position of the loader whose batch was the last one, or undefined without any loader. */
export function loaderProgress(): LoaderProgress | undefined {
  return current;
}
