/**
 * Values for a debugger, at any place of the script: nothing is recorded, no value is realized, and
 * what is computed for a look has a tape and an arena of its own.
 */
import { readRangeNow } from "../gpu/readback.ts";
import type { BufferRange } from "../gpu/storage.ts";
import { internOp, storedBytes } from "../kernels/op.ts";
import { arenaRange, OwnArena } from "./arena.ts";
import { type HostData, Node, type TapeEntry } from "./node.ts";
import { Plan } from "./plan.ts";
import { pendingWritesTo } from "./tape.ts";

/** Operations behind a value; more are not computed for a look. */
const MOST_OPERATIONS = 5000;

/** There is nothing to see of a value. */
export class Unseen extends Error {}

/**
 * The first `count` elements of a value, as they lie in memory.
 * @throws Unseen that says why there is nothing to see.
 */
export function peek(node: Node, count: number): HostData | ArrayBuffer {
  if (node.host) return node.host.subarray(0, count);
  const size = storedBytes(node.dtype, count);
  const place = whereIs(node);
  const bytes = place ? readRangeNow({ ...place, size }) : compute(node, size);
  if (bytes) return bytes;
  throw new Unseen("the GPU is busy");
}

/** Where a value lies on the GPU, as it is to be seen; undefined if it is not computed yet. */
function whereIs(node: Node): BufferRange | undefined {
  const { storage } = node;
  if (!storage) return arenaRange(node);
  return writesBefore(node).length === 0 ? storage.range : undefined;
}

/** The values that are yet to be written, one over the other, where a value lies. */
function writesBefore({ op, storage, version }: Node): readonly Node[] {
  if (!storage) return [];
  const pending = pendingWritesTo(storage);
  const written = storage.version - pending.length;
  const seen = op.kind === "leaf" ? version : written;
  if (seen < written) throw new Unseen("changed in place since");
  return pending.slice(0, seen - written).map(value => {
    if (!value) throw new Unseen("not computed yet");
    return value;
  });
}

function compute(node: Node, size: number): ArrayBuffer | undefined {
  const tape = new LookTape();
  const index = tape.add(node);
  const plan = new Plan(tape.entries, [index]);
  const arena = new OwnArena();
  try {
    arena.run(() => plan.run(tape.entries));
    const range = tape.entries[index]?.node.storage?.range;
    return range && readRangeNow({ ...range, size });
  } finally {
    arena.free();
    plan.free();
  }
}

/** The operations behind a value once more: those of the script stay as they are. */
class LookTape {
  readonly entries: TapeEntry[] = [];
  readonly #indices = new Map<Node, number>();

  /** @returns the index of a value. */
  add(node: Node): number {
    const known = this.#indices.get(node);
    if (known !== undefined) return known;
    const written = writesBefore(node).at(-1);
    const index = written ? this.add(written) : this.#push(node);
    this.#indices.set(node, index);
    return index;
  }

  #push({ op, inputs, scalars, storage, host }: Node): number {
    if (this.entries.length >= MOST_OPERATIONS) throw new Unseen("not computed yet");
    const leaf = storage && internOp({ kind: "leaf", bound: storage.bound }, op.shape, op.dtype);
    const indices = storage ? [] : inputs.map(input => this.add(input));
    const copies = indices.map(index => this.#node(index));
    const node = new Node(leaf ?? op, copies, scalars, storage, host);
    this.entries.push({ node, op: node.op, inputs: indices, phase: "forward", program: undefined });
    return this.entries.length - 1;
  }

  #node(index: number): Node {
    const entry = this.entries[index];
    if (!entry) throw new Error(`Invariant violation: no entry ${index}`);
    return entry.node;
  }
}
