/**
 * Records operations until something is needed. While it records it follows the structures of
 * earlier tapes (a trie, one step an operation), so that the second step of a loop knows its plan
 * when it ends, at the cost of a few integer compares an operation.
 */

import type { Storage } from "../gpu/storage.ts";
import type { Op } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { rescue, upload } from "./arena.ts";
import type { Node, Phase, TapeEntry } from "./node.ts";
import type { Plan } from "./plan.ts";
import type { Program } from "./program.ts";

/** What a tape means up to one of its operations. */
class TapeState {
  readonly op: Op | undefined;
  readonly phase: Phase;
  readonly inputs: readonly number[];
  readonly next = new Map<string, TapeState>();
  latest: TapeState | undefined;
  /** Plans for a tape that ends here, by the values asked for. */
  readonly plans = new Map<string, Plan>();

  constructor(op: Op | undefined, phase: Phase, inputs: readonly number[]) {
    this.op = op;
    this.phase = phase;
    this.inputs = inputs;
  }

  matches(op: Op, phase: Phase, inputs: readonly number[]): boolean {
    if (this.op !== op || this.phase !== phase || this.inputs.length !== inputs.length)
      return false;
    for (let i = 0; i < inputs.length; i++) if (this.inputs[i] !== inputs[i]) return false;
    return true;
  }
}

/** A finished tape. */
export interface Recording {
  readonly entries: readonly TapeEntry[];
  readonly plans: Map<string, Plan>;
}

/** Structures remembered; scripts whose shapes never repeat would fill the memory otherwise. */
const STATE_LIMIT = 100_000;

let root = new TapeState(undefined, "forward", []);
let states = 0;
let state = root;
let entries: TapeEntry[] = [];
let epoch = 0;
let step = 0;
let phase: Phase = "forward";

/** Operations recorded since the last flush. */
export function tapeLength(): number {
  return entries.length;
}

/**
 * What is yet to be written into a storage, in order: the node of each value, or undefined where a
 * program writes it.
 */
export function pendingWritesTo(storage: Storage): readonly (Node | undefined)[] {
  return entries.flatMap(({ node, op, program }) => {
    if (program) return program.writes.includes(storage) ? [undefined] : [];
    const [target, value] = node.inputs;
    return op.kind === "assign" && target?.storage === storage ? [value] : [];
  });
}

/** Runs `record` with every operation in it attributed to a phase of the loop. */
export function withPhase<T>(name: Phase, record: () => T): T {
  const before = phase;
  phase = name;
  try {
    return record();
  } finally {
    phase = before;
  }
}

/** Puts a node, and what it needs, on the tape. */
export function record(node: Node, program?: Program): void {
  if (node.epoch === epoch) {
    requireCurrent(node);
    return;
  }
  if (!node.storage && node.arenaEpoch >= 0) rescue(node);
  if (node.host && !node.storage && isNoBatch(node)) node.realize(upload(node, node.host));
  const inputs: number[] = [];
  let op = node.op;
  if (node.storage) {
    op = leafOp(node);
  } else {
    for (const input of node.inputs) {
      record(input);
      inputs.push(input.index);
    }
  }
  node.epoch = epoch;
  node.index = entries.length;
  if (op.kind === "host") node.uploadStep = step;
  entries.push({ node, op, inputs, phase, program });
  advance(op, inputs);
}

/** Says that the tape changes parameters: what is recorded after it belongs to the next step. */
export function endStep(): void {
  step++;
}

/** Ends the tape and begins a new one. */
export function takeRecording(): Recording {
  const recording = { entries, plans: state.plans };
  entries = [];
  epoch++;
  if (states > STATE_LIMIT) {
    root = new TapeState(undefined, "forward", []);
    states = 0;
  }
  state = root;
  return recording;
}

/** Whether data is a parameter's or comes back in another step: it stays on the GPU from then on. */
function isNoBatch({ lasts, uploadStep }: Node): boolean {
  return lasts || (uploadStep >= 0 && uploadStep !== step);
}

function advance(op: Op, inputs: readonly number[]): void {
  const { latest } = state;
  if (latest?.matches(op, phase, inputs)) {
    state = latest;
    return;
  }
  const key = `${op.id}${phase}${inputs.join()}`;
  let next = state.next.get(key);
  if (!next) {
    next = new TapeState(op, phase, inputs);
    state.next.set(key, next);
    states++;
  }
  state.latest = next;
  state = next;
}

/** The leaf that stands for a realized node. */
function leafOp(node: Node): Op {
  const { storage, op } = node;
  if (!storage) throw new Error("Invariant violation: a leaf without storage");
  if (op.kind !== "leaf")
    return internOp({ kind: "leaf", bound: storage.bound }, op.shape, op.dtype);
  requireCurrent(node);
  return op;
}

/** Refuses a leaf whose storage has been written since. */
function requireCurrent({ op, storage, version }: Node): void {
  if (op.kind !== "leaf" || version === storage?.version) return;
  throw new Error(
    `A tensor of shape [${op.shape.join(", ")}] depends on a value that was changed in place ` +
      "since (by optimizer.step() or a method ending in _), and was not computed before. Read it " +
      "(await item(), await data()) or hold it with keep() before the change.",
  );
}
