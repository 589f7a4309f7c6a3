/** How the step sizes |Δθ| of a tensor's elements are spread in a step. */
export interface Histogram {
  readonly step: number;
  /** η of the step. Value `i` of `counts` is that of elements with η·2^(lowest + i) ≤ |Δθ| < η·2^(lowest + i + 1). */
  readonly lr: number;
  readonly lowest: number;
  /**
   * Elements in each octave, or of a large tensor those of its sample. The lowest has all that is below,
   * too. Empty where the tensor had no step, or one that is not finite.
   */
  readonly counts: Float32Array;
}

/**
 * Histograms of all tensors of a run in one step. Of each tensor the number of its octaves, which is 0
 * where it had no step, and behind it, unless it is 0: η, the lowest octave, the counts.
 */
export interface StepHistograms {
  readonly step: number;
  /** All are whole numbers below 2^24, but η. */
  readonly words: Float32Array;
}

/** Histograms of one tensor over steps: what `words` holds of it for each of `steps`. */
export interface TensorHistograms {
  readonly tensor: number;
  readonly steps: Float64Array;
  readonly words: Float32Array;
}

/** The words of one tensor; a part of `words`, empty if it has none. */
export function wordsOf(words: Float32Array, tensor: number): Float32Array {
  let at = 0;
  for (let i = 0; i < tensor && at < words.length; i++) at += lengthAt(words, at);
  return words.subarray(at, at + lengthAt(words, at));
}

/** The histograms of a tensor, in order. */
export function* histogramsOf({ steps, words }: TensorHistograms): Generator<Histogram> {
  let at = 0;
  for (const step of steps) {
    const length = lengthAt(words, at);
    const [, lr = Number.NaN, lowest = 0] = words.subarray(at, at + length);
    yield { step, lr, lowest, counts: words.subarray(at + 3, at + length) };
    at += length;
  }
}

function lengthAt(words: Float32Array, at: number): number {
  const octaves = words[at] ?? 0;
  return octaves > 0 ? 3 + octaves : 1;
}
