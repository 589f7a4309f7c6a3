/** Batches that are being read before they are asked for. */
export class ReadAhead<Batch> {
  readonly #count: number;
  /** In which order the samples come: batches of another one are of no use. */
  #order: Int32Array | undefined;
  readonly #batches = new Map<number, Promise<Batch>>();

  constructor(count: number) {
    this.#count = count;
  }

  /** The batch of this number; those that follow, up to `end`, begin to be read. */
  take(
    order: Int32Array,
    batch: number,
    end: number,
    read: (batch: number) => Promise<Batch>,
  ): Promise<Batch> {
    if (order !== this.#order) this.#batches.clear();
    this.#order = order;
    const value = this.#batches.get(batch) ?? read(batch);
    this.#batches.delete(batch);
    for (let next = batch + 1; next < end && next <= batch + this.#count; next++) {
      if (this.#batches.has(next)) continue;
      const reading = read(next);
      // Whoever takes it hears what went wrong; a loop that is left early need not.
      reading.catch(() => {});
      this.#batches.set(next, reading);
    }
    return value;
  }
}
