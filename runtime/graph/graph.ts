/** What the tensor layer and the optimizers call: record, write in place, run. */

import type { Storage } from "../gpu/storage.ts";
import { allocateBound } from "../gpu/storage.ts";
import { internOp } from "../kernels/op.ts";
import { nodeBytes, upload } from "./arena.ts";
import { leafNode, Node, notePlace } from "./node.ts";
import { Plan } from "./plan.ts";
import type { Program } from "./program.ts";
import { endStep, record, takeRecording, tapeLength } from "./tape.ts";

/** Records an operation; nothing is computed. Very long tapes are run on the way. */
export function recordNode(node: Node): Node {
  if (isOffTape) return node;
  notePlace(node);
  if (tapeLength() >= TAPE_LIMIT) flush();
  record(node);
  return node;
}

let isOffTape = false;

/**
 * Runs `build` with operations that become nodes and are never computed themselves: a pattern for
 * `rebuild`.
 */
export function offTape<T>(build: () => T): T {
  isOffTape = true;
  try {
    return build();
  } finally {
    isOffTape = false;
  }
}

/** Operations after which a tape is run even if nobody asks. */
const TAPE_LIMIT = 20_000;

/**
 * Writes a value into a storage when the tape runs; what was computed from the old value before is
 * not affected.
 * @returns the node of the new value.
 */
export function assign(target: Node, value: Node): Node {
  const { storage } = target;
  if (!storage) throw new Error("Invariant violation: assignment to a value that has no storage");
  recordNode(new Node(internOp({ kind: "assign" }, target.shape, target.dtype), [target, value]));
  storage.version++;
  writes++;
  endStep();
  return leafNode(storage, target.shape, target.dtype);
}

/** Records hand-written kernels, after all that was recorded before. */
export function recordProgram(program: Program): void {
  record(new Node(internOp({ kind: "program", key: program.key }, [], "float32")), program);
  for (const storage of program.writes) storage.version++;
  endStep();
}

let writes = 0;

/** Writes in place that are recorded and not run yet. */
export function pendingWrites(): number {
  return writes;
}

let pinned: Node[] = [];

/** Has a value computed and kept at the next flush, whatever becomes of it. */
export function pin(node: Node): void {
  pinned.push(node);
}

/** Runs everything recorded so far and realizes `outputs`. */
export function flush(outputs: readonly Node[] = []): void {
  const wanted = [...pinned, ...outputs];
  pinned = [];
  writes = 0;
  for (const node of wanted) record(node);
  if (tapeLength() === 0) return;
  const { entries, plans } = takeRecording();
  const indices = wanted.map(node => node.index);
  const key = indices.join();
  let plan = plans.get(key);
  if (!plan) {
    plan = new Plan(entries, indices);
    plans.set(key, plan);
  }
  plan.run(entries);
}

/** The storage of a value, computed if it is not there yet. */
export function realize(node: Node): Storage {
  if (!node.storage || tapeLength() > 0) flush([node]);
  const { storage } = node;
  if (!storage) throw new Error("Invariant violation: a flushed value has no storage");
  return storage;
}

/** Gives a value a storage of its own, bound to kernels where it lies: parameters need one. */
export function persist(node: Node): Node {
  if (node.host) return leafNode(upload(node, node.host), node.shape, node.dtype);
  const storage = allocateBound(nodeBytes(node), "a parameter");
  return assign(leafNode(storage, node.shape, node.dtype), node);
}
