/** Bytes that are kept at most: the bins of a window that is zoomed through, of all its charts. */
const MOST_BYTES = 48 * 2 ** 20;

/** A column of a chunk, read and found whole. */
export interface ColumnBlob {
  /** Steps of a bin; 1 for values of single steps. */
  readonly width: number;
  readonly data: ArrayBuffer;
}

/** Those that were read last. What is in a chunk never changes: what is kept of it is as good as what is read anew. */
export class BlobCache {
  readonly #kept = new Map<string, ColumnBlob>();
  #bytes = 0;

  /** The one with this key, else what `read` finds. */
  get(key: string, read: () => ColumnBlob | undefined): ColumnBlob | undefined {
    const known = this.#kept.get(key);
    const blob = known ?? read();
    if (!blob) return undefined;
    // The one that was asked for last is forgotten last.
    this.#kept.delete(key);
    this.#kept.set(key, blob);
    if (!known) this.#bytes += blob.data.byteLength;
    for (const [oldest, { data }] of this.#kept) {
      if (this.#bytes <= MOST_BYTES || oldest === key) break;
      this.#kept.delete(oldest);
      this.#bytes -= data.byteLength;
    }
    return blob;
  }
}
