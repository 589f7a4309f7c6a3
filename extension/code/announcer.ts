import { Throttle } from "../throttle.ts";

/** Milliseconds after which an announcement that nobody has answered counts as lost. */
const PATIENCE_MS = 10_000;
/** Times that an announcement is made again, lest those of a hidden document go on for ever. */
const REPEATS = 3;

/**
 * Announces that something has changed: at most once an interval, and not again before the last
 * announcement was answered. VS Code waits a while after a provider's change event before it asks,
 * longer the slower the machine, and every further event begins that wait anew: without the second
 * rule, what changes all the time would never be asked for. It drops the event when the editor
 * loses the focus during that wait (`onDidBlurEditorText` in its codelensController.ts), so one
 * without an answer is made again after a while.
 */
export class Announcer {
  readonly #announce: () => void;
  readonly #throttle: Throttle;
  /** Runs while there is no answer to the last announcement. */
  #patience: NodeJS.Timeout | undefined;
  #repeats = REPEATS;
  #changed = false;

  constructor(intervalMs: number, announce: () => void) {
    this.#announce = announce;
    this.#throttle = new Throttle(intervalMs, () => this.#elapsed());
  }

  /** Something has changed. */
  changed(): void {
    this.#changed = true;
    this.#repeats = REPEATS;
    if (!this.#patience) this.#throttle.call();
  }

  /** What there is now has been asked for, and told. */
  answered(): void {
    this.#endPatience();
    if (this.#changed) this.#throttle.call();
  }

  dispose(): void {
    this.#endPatience();
    this.#throttle.dispose();
  }

  #elapsed(): void {
    if (this.#patience || !this.#changed) return;
    this.#patience = setTimeout(() => this.#lost(), PATIENCE_MS);
    this.#changed = false;
    this.#announce();
  }

  #lost(): void {
    this.#endPatience();
    if (this.#repeats === 0) return;
    this.#repeats--;
    this.#changed = true;
    this.#throttle.call();
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }
}
