/** Which values of a tape are in the arena while its plan runs, when, and where. */
import type { BufferRange } from "../gpu/storage.ts";
import { SMALL_BYTES } from "../gpu/storage.ts";
import { nodeBytes } from "./arena.ts";
import type { Lifetime } from "./memory.ts";
import { place } from "./memory.ts";
import type { TapeEntry } from "./node.ts";

/** What a binding of a kernel refers to. */
export type Binding =
  | { readonly kind: "arena"; readonly offset: number; readonly size: number }
  /** The storage of an entry, by its index: another one may come with each run. */
  | { readonly kind: "entry"; readonly index: number }
  | { readonly kind: "range"; readonly range: BufferRange };

/** An entry whose value moves between the arena and a storage of its own. */
export interface Transfer {
  readonly entry: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The entry of an index. */
export function entryAt(entries: readonly TapeEntry[], index: number): TapeEntry {
  const entry = entries[index];
  if (!entry) throw new Error(`Invariant violation: no entry ${index} on the tape`);
  return entry;
}

/** The node of an index. */
export function nodeAt(entries: readonly TapeEntry[], index: number): TapeEntry["node"] {
  return entryAt(entries, index).node;
}

/** Collects what kernels use, then gives every value a place. */
export class Layout {
  readonly #entries: readonly TapeEntry[];
  readonly #results: ReadonlySet<number>;
  /** Entries in the arena, with the positions of their first and last kernel. */
  readonly #lives = new Map<number, { start: number; end: number }>();
  readonly #offsets = new Map<number, number>();
  #lifetimes: Lifetime[] = [];
  bytes = 0;

  constructor(
    entries: readonly TapeEntry[],
    stored: readonly boolean[],
    results: readonly number[],
  ) {
    this.#entries = entries;
    this.#results = new Set(results.filter(i => stored[i]));
  }

  /** The kernel at `position` binds these entries. */
  use(bindings: readonly number[], position: number): void {
    for (const index of bindings) {
      const { op } = entryAt(this.#entries, index);
      if (op.kind === "leaf" && op.bound) continue;
      const life = this.#lives.get(index);
      if (life) life.end = position;
      else {
        const given = op.kind === "leaf" || op.kind === "host";
        this.#lives.set(index, { start: given ? -1 : position, end: position });
      }
    }
  }

  /** Gives all of them places. Results and small values keep theirs to the end. */
  place(kernels: number): void {
    const indices = [...this.#lives.keys()];
    this.#lifetimes = indices.map(index => {
      const life = this.#lives.get(index) ?? { start: 0, end: 0 };
      const bytes = nodeBytes(nodeAt(this.#entries, index));
      const lasting = this.#results.has(index) || bytes <= SMALL_BYTES;
      return { bytes, start: life.start, end: lasting ? kernels : life.end };
    });
    const { offsets, bytes } = place(this.#lifetimes);
    indices.forEach((index, i) => {
      this.#offsets.set(index, offsets[i] ?? 0);
    });
    this.bytes = bytes;
  }

  binding(index: number): Binding {
    const offset = this.#offsets.get(index);
    if (offset === undefined) return { kind: "entry", index };
    return { kind: "arena", offset, size: Math.max(4, nodeBytes(nodeAt(this.#entries, index))) };
  }

  /** Values that come into the arena from outside. */
  transfers(matches: (entry: TapeEntry) => boolean): Transfer[] {
    return [...this.#offsets.keys()]
      .filter(index => matches(entryAt(this.#entries, index)))
      .map(index => this.#transfer(index));
  }

  /** Values that leave the arena. */
  results(): Transfer[] {
    return [...this.#results].map(index => this.#transfer(index));
  }

  /** Values that no later one overwrites. */
  intact(): Transfer[] {
    const indices = [...this.#offsets.keys()];
    return indices
      .filter((index, i) => {
        const { op } = entryAt(this.#entries, index);
        if (op.kind === "leaf" || op.kind === "host" || this.#results.has(index)) return false;
        const mine = this.#lifetimes[i];
        return (
          mine !== undefined &&
          indices.every((other, j) => {
            const theirs = this.#lifetimes[j];
            return (
              other === index ||
              !theirs ||
              theirs.start <= mine.start ||
              this.#disjoint(index, mine, other, theirs)
            );
          })
        );
      })
      .map(index => this.#transfer(index));
  }

  #disjoint(
    a: number,
    { bytes: aBytes }: Lifetime,
    b: number,
    { bytes: bBytes }: Lifetime,
  ): boolean {
    const at = this.#offsets.get(a) ?? 0;
    const bt = this.#offsets.get(b) ?? 0;
    return at + aBytes <= bt || bt + bBytes <= at;
  }

  #transfer(index: number): Transfer {
    const bytes = nodeBytes(nodeAt(this.#entries, index));
    return { entry: index, offset: this.#offsets.get(index) ?? 0, bytes };
  }
}
