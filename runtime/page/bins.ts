import type { BinsRequest, TensorBins } from "../protocol/bins.ts";
import { openRun } from "../store/reader.ts";

/** What a page asks for of a run's tensors; nothing of a run that cannot be read any longer. */
export function readBins(folder: string, requests: readonly BinsRequest[]): readonly TensorBins[] {
  try {
    const reader = openRun(folder);
    try {
      return requests.map(request => reader.bins(request));
    } finally {
      reader.close();
    }
  } catch {
    // It was deleted, which the page hears by another way.
    return [];
  }
}
