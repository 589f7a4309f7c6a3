/** What a kernel reads from memory, and which storages it writes. */
import type { Storage } from "../gpu/storage.ts";
import type { KernelSpec } from "../kernels/generate.ts";
import type { TapeEntry } from "./node.ts";

export class Reads {
  readonly #entries: readonly TapeEntry[];
  readonly #stored: readonly boolean[];
  readonly #known = new Map<number, ReadonlySet<number>>();

  constructor(entries: readonly TapeEntry[], stored: readonly boolean[]) {
    this.#entries = entries;
    this.#stored = stored;
  }

  entry(index: number): TapeEntry {
    const entry = this.#entries[index];
    if (!entry) throw new Error(`Invariant violation: no entry ${index} on the tape`);
    return entry;
  }

  /** Whether kernels find this value in memory. */
  isInMemory(index: number): boolean {
    const { kind } = this.entry(index).op;
    return (this.#stored[index] ?? false) || kind === "leaf" || kind === "host";
  }

  /** The values that a kernel reads from memory, the target of an assignment among them. */
  of({ root }: KernelSpec): ReadonlySet<number> {
    let reads = this.#known.get(root);
    if (!reads) {
      const found = new Set<number>();
      const seen = new Set<number>();
      const visit = (i: number): void => {
        if (seen.has(i)) return;
        seen.add(i);
        for (const input of this.entry(i).inputs) {
          if (this.isInMemory(input)) found.add(input);
          else visit(input);
        }
      };
      visit(root);
      reads = found;
      this.#known.set(root, reads);
    }
    return reads;
  }

  /** The storage that a kernel writes in place, if it is an assignment. */
  target({ root }: KernelSpec): Storage | undefined {
    const { op, inputs } = this.entry(root);
    return op.kind === "assign" ? this.entry(inputs[0] ?? -1).node.storage : undefined;
  }

  /** Whether two kernels may run in either order: neither reads or writes what the other writes. */
  areIndependent(a: KernelSpec, b: KernelSpec): boolean {
    return !this.#disturbs(a, b) && !this.#disturbs(b, a);
  }

  /** Whether `reader` reads, or also writes, what `writer` writes. */
  #disturbs(writer: KernelSpec, reader: KernelSpec): boolean {
    const target = this.target(writer);
    if (!target) return this.of(reader).has(writer.root);
    return [...this.of(reader)].some(read => this.entry(read).node.storage === target);
  }
}
