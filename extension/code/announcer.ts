import { Throttle } from "../throttle.ts";

/**
 * Announces that something has changed: at most once an interval, and not again before the last
 * announcement was answered. VS Code waits a while after a provider's change event before it asks,
 * longer the slower the machine, and every further event begins that wait anew: without the second
 * rule, what changes all the time would never be asked for.
 */
export class Announcer {
  readonly #announce: () => void;
  readonly #throttle: Throttle;
  #unanswered = false;
  #changed = false;

  constructor(intervalMs: number, announce: () => void) {
    this.#announce = announce;
    this.#throttle = new Throttle(intervalMs, () => this.#elapsed());
  }

  /** Something has changed. */
  changed(): void {
    this.#changed = true;
    if (!this.#unanswered) this.#throttle.call();
  }

  /** What there is now has been asked for, and told. */
  answered(): void {
    this.#unanswered = false;
    if (this.#changed) this.#throttle.call();
  }

  dispose(): void {
    this.#throttle.dispose();
  }

  #elapsed(): void {
    if (this.#unanswered || !this.#changed) return;
    this.#unanswered = true;
    this.#changed = false;
    this.#announce();
  }
}
