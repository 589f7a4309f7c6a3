/**
 * Places values in an arena so that those that are never alive together share bytes: greedy by size
 * (Pisarchyk and Lee 2020, arXiv 2001.03288).
 */

/** A value: its size, and the kernels (by position) that write it first and use it last. */
export interface Lifetime {
  readonly bytes: number;
  readonly start: number;
  readonly end: number;
}

export interface Placement {
  /** Offset of each value, a multiple of `ALIGNMENT`. */
  readonly offsets: readonly number[];
  /** Bytes of the arena. */
  readonly bytes: number;
}

/** WebGPU's smallest alignment of a binding that every adapter supports. */
export const ALIGNMENT = 256;

/** Bytes as placed. */
export function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}

/** Gives every value a place such that values alive at the same time do not overlap. */
export function place(values: readonly Lifetime[]): Placement {
  const order = values.map((_, i) => i);
  order.sort((a, b) => (values[b]?.bytes ?? 0) - (values[a]?.bytes ?? 0) || a - b);
  const offsets = new Array<number>(values.length).fill(0);
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const value = values[i];
    if (!value) continue;
    const neighbours = placed
      .filter(p => overlaps(values[p], value))
      .sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
    let offset = 0;
    for (const p of neighbours) {
      const begin = offsets[p] ?? 0;
      if (begin - offset >= aligned(value.bytes)) break;
      offset = Math.max(offset, begin + aligned(values[p]?.bytes ?? 0));
    }
    offsets[i] = offset;
    placed.push(i);
    total = Math.max(total, offset + aligned(value.bytes));
  }
  return { offsets, bytes: total };
}

function overlaps(a: Lifetime | undefined, b: Lifetime): boolean {
  return a !== undefined && a.start <= b.end && b.start <= a.end;
}
