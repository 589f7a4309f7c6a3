/** Scripts that wait for their turn to train: first come, first served. */
export class TrainingQueue {
  readonly #waiting = new Map<string, (isTurn: boolean) => void>();

  /** The scripts that wait, the next one first. */
  get scripts(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /**
   * Waits for the turn of a script that does not wait yet; `isNext` puts it before all others.
   *
   * @returns false where it was cancelled
   */
  join(script: string, isNext: boolean): Promise<boolean> {
    return new Promise(resolve => {
      const others = isNext ? [...this.#waiting] : [];
      if (isNext) this.#waiting.clear();
      this.#waiting.set(script, resolve);
      for (const [other, turn] of others) this.#waiting.set(other, turn);
    });
  }

  /** Takes a script out, if it waits. */
  cancel(script: string): void {
    this.#leave(script, false);
  }

  /** Gives the next scripts their turn, as many as there are places; returns them. */
  admit(places: number): readonly string[] {
    const admitted = this.scripts.slice(0, Math.max(0, places));
    for (const script of admitted) this.#leave(script, true);
    return admitted;
  }

  #leave(script: string, isTurn: boolean): void {
    const resolve = this.#waiting.get(script);
    this.#waiting.delete(script);
    resolve?.(isTurn);
  }
}
