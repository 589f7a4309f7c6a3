/** What a running mean keeps of itself in a step. */
const KEPT = 0.9;

/**
 * Gradient noise scale of accumulated micro-batches (McCandlish et al. 2018, appendix A.1), in
 * micro-batches: with so many of them in a step, the noise of the gradient is as large as the
 * gradient. For k gradients g_i, |G|² = (‖Σg_i‖² − Σ‖g_i‖²) / (k (k − 1)) and tr Σ =
 * (Σ‖g_i‖² − ‖Σg_i‖² / k) / (k − 1) are without bias; their ratio is not, so that each has a running
 * mean of its own. Whether the losses were divided by k makes no difference.
 */
export class NoiseScale {
  #noise = 0;
  #signal = 0;

  /**
   * Takes a step in.
   * @param k micro-batches.
   * @param sumSquares ‖Σg_i‖². @param squaresSum Σ‖g_i‖².
   * @returns the noise scale as of now; NaN for fewer than two micro-batches, and where the noise
   * hides the gradient altogether.
   */
  add(k: number, sumSquares: number, squaresSum: number): number {
    const noise = (squaresSum - sumSquares / k) / (k - 1);
    const signal = (sumSquares - squaresSum) / (k * (k - 1));
    if (k < 2 || !Number.isFinite(noise) || !Number.isFinite(signal)) return Number.NaN;
    this.#noise = KEPT * this.#noise + (1 - KEPT) * noise;
    this.#signal = KEPT * this.#signal + (1 - KEPT) * signal;
    return this.#signal > 0 ? this.#noise / this.#signal : Number.NaN;
  }
}
