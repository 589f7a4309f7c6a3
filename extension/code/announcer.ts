/** Milliseconds after which an announcement that nobody has asked about counts as lost. */
const PATIENCE_MS = 10_000;
/** Times that an announcement is made again, lest those of a hidden document go on for ever. */
const REPEATS = 3;

/**
 * Announces that something has changed, to VS Code, which then asks what there is now. Whoever
 * announces all the time is never heard: VS Code drops an answer that is still on its way when the
 * next announcement comes, and on a busy machine answers take seconds. So after an answer there is a
 * rest: the interval, or as long as the question took to come, whichever is longer.
 *
 * VS Code also forgets an announcement when the editor loses the focus before it has asked
 * (`onDidBlurEditorText` in its codelensController.ts): one that is not asked about is made again.
 */
export class Announcer {
  readonly #announce: () => void;
  readonly #intervalMs: number;
  /** Runs from an announcement to its answer, and from an answer to the end of the rest. */
  #timer: NodeJS.Timeout | undefined;
  #announcedAt: number | undefined;
  #repeats = REPEATS;
  #changed = false;

  /** @param intervalMs shortest time from an answer to the next announcement. */
  constructor(intervalMs: number, announce: () => void) {
    this.#announce = announce;
    this.#intervalMs = intervalMs;
  }

  /** Something has changed. */
  changed(): void {
    this.#changed = true;
    this.#repeats = REPEATS;
    if (!this.#timer) this.#say();
  }

  /** What there is now has been asked for, and told. */
  answered(): void {
    const took = Date.now() - (this.#announcedAt ?? Date.now());
    this.#announcedAt = undefined;
    this.#wait(Math.min(Math.max(took, this.#intervalMs), PATIENCE_MS), () => {
      if (this.#changed) this.#say();
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #say(): void {
    this.#changed = false;
    this.#announcedAt = Date.now();
    this.#wait(PATIENCE_MS, () => {
      if (this.#repeats-- > 0) this.#say();
    });
    this.#announce();
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      then();
    }, ms);
  }
}
