export interface EarlyStoppingOptions {
  /** Values without an improvement that are waited for. 5 by default. */
  patience?: number;
  /** A smaller change is none. 0 by default. */
  minDelta?: number;
  /** Whether small values are good, as losses, or great ones. `min` by default. */
  mode?: "min" | "max";
}

/**
 * Tells when a value on the validation set has stopped getting better:
 *
 *     if (stopping.step(await validationLoss())) break;
 */
export class EarlyStopping {
  readonly #patience: number;
  readonly #minDelta: number;
  readonly #sign: 1 | -1;
  #best = Number.NaN;
  #waited = 0;

  /** @throws RangeError if patience is no count, or minDelta negative. */
  constructor({ patience = 5, minDelta = 0, mode = "min" }: EarlyStoppingOptions = {}) {
    if (!Number.isInteger(patience) || patience < 0) {
      throw new RangeError(`EarlyStopping: patience should be a number of values, got ${patience}`);
    }
    if (!(minDelta >= 0)) {
      throw new RangeError(`EarlyStopping: minDelta should be at least 0, got ${minDelta}`);
    }
    this.#patience = patience;
    this.#minDelta = minDelta;
    this.#sign = mode === "min" ? 1 : -1;
  }

  /** The best value so far; NaN before the first. */
  get best(): number {
    return this.#best;
  }

  /** @returns whether to stop: more than `patience` values in a row were no improvement. NaN is none. */
  step(value: number): boolean {
    const gain = this.#sign * (this.#best - value);
    if (gain > this.#minDelta || (Number.isNaN(this.#best) && !Number.isNaN(value))) {
      this.#best = value;
      this.#waited = 0;
      return false;
    }
    return ++this.#waited > this.#patience;
  }

  /** For `Checkpoints`. */
  stateDict(): { best: number; waited: number } {
    return { best: this.#best, waited: this.#waited };
  }

  loadStateDict({ best, waited }: { best: number; waited: number }): void {
    this.#best = best;
    this.#waited = waited;
  }
}
