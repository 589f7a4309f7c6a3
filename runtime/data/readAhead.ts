/** Batches that are being read before they are asked for. */
export class ReadAhead<Batch> {
  /** In which order the samples come: batches of another one are of no use. */
  #order: Int32Array | undefined;
  readonly #batches = new Map<number, Promise<Batch>>();

  /**
   * The batch of this number; `count` that follow, up to `end`, begin to be read. Half of them at a time: who
   * reads them in another thread asks it seldom, as to wake it takes longer than to make a small batch.
   */
  take(
    order: Int32Array,
    batch: number,
    { count, end }: { readonly count: number; readonly end: number },
    read: (batch: number) => Promise<Batch>,
  ): Promise<Batch> {
    if (order !== this.#order) this.#batches.clear();
    this.#order = order;
    const value = this.#batches.get(batch) ?? read(batch);
    this.#batches.delete(batch);
    if (2 * this.#batches.size > count) return value;
    for (let next = batch + 1; next < end && next <= batch + count; next++) {
      if (this.#batches.has(next)) continue;
      const reading = read(next);
      // Whoever takes it hears what went wrong; a loop that is left early need not.
      reading.catch(() => {});
      this.#batches.set(next, reading);
    }
    return value;
  }
}
