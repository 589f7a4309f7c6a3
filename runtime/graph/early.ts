/**
 * Moves kernels that write into storages of their own, such as the gradients of parameters, to where what
 * they read is there: the optimizer asks for them last, and a step's activations would live until then.
 */
import type { Storage } from "../gpu/storage.ts";
import { membersOf, type Scheduled } from "./fuseRows.ts";
import type { Reads } from "./reads.ts";

/** @param kernels in order; those that write into the arena keep theirs. */
export function runEarly(kernels: readonly Scheduled[], reads: Reads): Scheduled[] {
  const uses = new Uses(reads);
  const places = kernels.map((kernel, position) => {
    const after = uses.before(kernel);
    uses.add(kernel, position);
    const targets = membersOf(kernel).map(member => reads.target(member));
    const isMovable = targets.length > 0 && targets.every(target => target?.bound);
    return isMovable ? after + 0.5 : position;
  });
  const order = kernels.map((kernel, position) => ({
    kernel,
    place: places[position] ?? position,
  }));
  return order.sort((a, b) => a.place - b.place).map(({ kernel }) => kernel);
}

/** Where values and storages were written and read last. */
class Uses {
  readonly #reads: Reads;
  readonly #written = new Map<number | Storage, number>();
  readonly #read = new Map<Storage, number>();
  #program = -1;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** Position of the last kernel so far that has to run before this one; -1 if there is none. */
  before(kernel: Scheduled): number {
    let last = this.#program;
    const wait = (position = -1) => {
      last = Math.max(last, position);
    };
    for (const member of membersOf(kernel)) {
      for (const read of this.#reads.of(member)) {
        wait(this.#written.get(this.#reads.entry(read).node.storage ?? read));
      }
      const target = this.#reads.target(member);
      if (target) wait(this.#read.get(target));
    }
    return last;
  }

  add(kernel: Scheduled, position: number): void {
    if ("program" in kernel) this.#program = position;
    for (const member of membersOf(kernel)) {
      for (const read of this.#reads.of(member)) {
        const { storage } = this.#reads.entry(read).node;
        if (storage) this.#read.set(storage, position);
      }
      this.#written.set(this.#reads.target(member) ?? member.root, position);
    }
  }
}
