/** Which steps leave a histogram, and how it comes from the words that statistics kernels leave. */
import { HISTOGRAM_WORDS, OCTAVES, ROW, ROW_WORDS } from "../kernels/statistics.ts";

/**
 * Histograms that are taken before the steps between two of them are doubled: as many as a chart has
 * pixels. Of n steps about 512 + 256 · log₂(n / 512) are kept.
 */
const MOST = 512;

/** Bias of a float32's exponent. */
const BIAS = 127;

/** Chooses every step of an optimizer at first, and fewer the longer it goes on. */
export class Cadence {
  #steps = 0;
  #every = 1;
  #taken = 0;

  /** To be called once a step: whether it is one of those that leave a histogram. */
  next(): boolean {
    const isDue = this.#steps++ % this.#every === 0;
    if (isDue && ++this.#taken === MOST) {
      this.#every *= 2;
      this.#taken /= 2;
    }
    return isDue;
  }
}

/**
 * What is kept of a tensor's histogram (protocol/histogram.ts): nothing below the lowest octave in which
 * there is something, and above the highest.
 * @param floats rows of all tensors and behind them their histograms, as they were read back.
 * @param from where the rows begin.
 * @param isKnown false where the tensor had no step, or one whose size is not known by element.
 */
export function histogramWords(
  floats: Float32Array,
  from: number,
  { tensor, tensors, lr, isKnown }: HistogramPlace,
): number[] {
  // Elements that are not finite stand in no octave.
  if (!isKnown || Number.isNaN(floats[from + tensor * ROW_WORDS + ROW.stepSquares])) return [0];
  const words = new Int32Array(floats.buffer, floats.byteOffset, floats.length);
  const at = from + tensors * ROW_WORDS + tensor * HISTOGRAM_WORDS;
  const counts = [...words.subarray(at + 1, at + 1 + OCTAVES)];
  const first = counts.findIndex(count => count > 0);
  if (first < 0) return [0];
  const kept = counts.slice(first, counts.findLastIndex(count => count > 0) + 1);
  return [kept.length, lr, (words[at] ?? 0) + first - BIAS, ...kept];
}

/** Of which tensor of those whose rows stand together. */
export interface HistogramPlace {
  readonly tensor: number;
  readonly tensors: number;
  /** η */
  readonly lr: number;
  readonly isKnown: boolean;
}
