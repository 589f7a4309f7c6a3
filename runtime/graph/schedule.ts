/**
 * Decides which values get a kernel and which are computed inside another one's. Every kernel has
 * one root, whose value it stores; at most one reduction or matrix product (its `core`) is computed
 * by loops, and what stands between core and root is done on the result before it is stored.
 */

import type { Storage } from "../gpu/storage.ts";
import { elementwiseFn } from "../kernels/elementwise.ts";
import type { Shape } from "../tensor/shape.ts";
import { sameShape } from "../tensor/shape.ts";
import { runEarly } from "./early.ts";
import { fuseRows, type Scheduled } from "./fuseRows.ts";
import type { TapeEntry } from "./node.ts";
import { parallelize } from "./parallel.ts";
import { Reads } from "./reads.ts";

export interface Schedule {
  /** Kernels and programs (by the index of their entry) in order. */
  readonly kernels: readonly Scheduled[];
  /** Whether an entry's value is in memory when the plan has run past it. */
  readonly stored: readonly boolean[];
  /** Entries that nothing on the tape uses: results. */
  readonly sinks: readonly number[];
}

/** Values cheaper than this are computed again rather than stored for a second reader. */
const CHEAP = 3;

/**
 * @param entries the tape.
 * @param outputs indices of entries that are asked for.
 * @param keepSink whether a result that nothing uses is to be stored.
 * @param maxReads how many stored values a kernel may read.
 */
export function schedule(
  entries: readonly TapeEntry[],
  outputs: readonly number[],
  keepSink: (entry: TapeEntry) => boolean,
  maxReads: number,
): Schedule {
  const uses = countUses(entries);
  const sinks = entries.flatMap((entry, i) => (uses[i] === 0 && keepSink(entry) ? [i] : []));
  const needed = findNeeded(entries, [...outputs, ...sinks]);
  const consumers = listConsumers(entries, needed);
  const stored = entries.map(() => false);
  for (const i of [...outputs, ...sinks]) stored[i] = !isLeafLike(entries, i);
  storeFactors(entries, needed, stored);
  storeBeforeWrites(entries, needed, consumers, stored);
  const read = storeShared(entries, needed, consumers, stored, maxReads);
  const coreOf = placeCores(entries, needed, consumers, stored, read, maxReads);

  const kernels: Scheduled[] = [];
  entries.forEach((entry, i) => {
    if (!needed[i]) return;
    if (entry.op.kind === "program") kernels.push({ program: i });
    else if (entry.op.kind === "assign" || stored[i])
      kernels.push({ root: i, core: coreOf.get(i) });
  });
  const reads = new Reads(entries, stored);
  const rows = fuseRows(kernels, reads, new Set([...outputs, ...sinks]), maxReads + 1);
  const parallel = parallelize(rows, reads, maxReads + 1);
  return { kernels: runEarly(parallel, reads), stored, sinks };
}

/** Values that a loop reads many times: only views of stored values will do. */
function storeFactors(
  entries: readonly TapeEntry[],
  needed: readonly boolean[],
  stored: boolean[],
): void {
  entries.forEach((entry, i) => {
    if (!needed[i] || !LOOPS.has(entry.op.kind)) return;
    for (const factor of entry.inputs) storeBase(entries, factor, stored);
  });
}

/** Operations with loops that read their inputs again and again. */
const LOOPS: ReadonlySet<string> = new Set(["matmul", "attention", "merge", "segment"]);

/** Stores what a chain of views looks at. Constants are as good as stored. */
function storeBase(entries: readonly TapeEntry[], i: number, stored: boolean[]): void {
  const base = baseOf(entries, i);
  if (entries[base]?.op.kind !== "scalar" && !isLeafLike(entries, base)) stored[base] = true;
}

/** What a chain of views looks at. */
function baseOf(entries: readonly TapeEntry[], i: number): number {
  let at = i;
  while (entries[at]?.op.kind === "view" || isWidening(entries, at)) {
    at = entries[at]?.inputs[0] ?? -1;
  }
  return at;
}

/** Whether a value is that of a float16 as float32: it is read as that anyway, and takes twice the memory. */
function isWidening(entries: readonly TapeEntry[], i: number): boolean {
  const { op, inputs: [input = -1] = [] } = entries[i] ?? {};
  return op?.kind === "map" && op.fn === "float32" && entries[input]?.op.dtype === "float16";
}

/**
 * A value must not be computed later than a write in place that came after it. Views see the write,
 * as they do in PyTorch. A value that is to be written where it reads other elements from is
 * computed first.
 */
function storeBeforeWrites(
  entries: readonly TapeEntry[],
  needed: readonly boolean[],
  consumers: readonly number[][],
  stored: boolean[],
): void {
  const writes = listWrites(entries);
  const reads = listReads(entries);
  entries.forEach((entry, i) => {
    if (!needed[i] || entry.op.kind === "program") return;
    const last = consumers[i]?.at(-1) ?? i;
    if (entry.op.kind !== "assign") {
      const late = writes.some(
        ({ at, storages }) => i < at && at < last && !storages.isDisjointFrom(reads[i] ?? NOTHING),
      );
      if (late) storeBase(entries, i, stored);
      return;
    }
    const [target, value] = entry.inputs;
    if (value !== undefined && readsElsewhere(entries, value, target)) {
      storeBase(entries, value, stored);
      if (entries[value]?.op.kind === "view") stored[value] = true;
    }
  });
}

/**
 * Stores what several kernels would compute at a price, and what would read too much.
 * @returns the stored values that each value is computed from. A core counts as stored, because it or what
 *   takes it along will be: what is computed from many of them reads as many values, whatever they share.
 */
function storeShared(
  entries: readonly TapeEntry[],
  needed: readonly boolean[],
  consumers: readonly number[][],
  stored: boolean[],
  maxReads: number,
): readonly ReadonlySet<number>[] {
  const cost: number[] = [];
  const reads: ReadonlySet<number>[] = [];
  const repeated = seenThroughWindows(entries, needed);
  entries.forEach((entry, i) => {
    reads[i] = new Set([i]);
    cost[i] = 0;
    if (!needed[i] || isLeafLike(entries, i)) return;
    reads[i] = readSet(entry, reads, stored, maxReads);
    const [narrow = -1] = isWidening(entries, i) ? entry.inputs : [];
    cost[i] = narrow < 0 ? expressionCost(entry, cost) : (cost[narrow] ?? 0);
    const dear = (cost[i] ?? 0) > CHEAP;
    const again = repeated.has(i) || (consumers[i]?.length ?? 0) > 1;
    if (dear && again && narrow >= 0) {
      stored[narrow] = true;
      cost[i] = 0;
      reads[i] = new Set([narrow]);
      reads[narrow] = new Set([narrow]);
      cost[narrow] = 0;
    } else if (dear && again) stored[i] = true;
    if (stored[i]) cost[i] = 0;
    if (stored[i] || isCore(entry)) reads[i] = new Set([i]);
  });
  return reads;
}

/** Values that are read through windows that overlap: each element many times. */
function seenThroughWindows(
  entries: readonly TapeEntry[],
  needed: readonly boolean[],
): ReadonlySet<number> {
  const seen = new Set<number>();
  entries.forEach(({ op }, i) => {
    if (!needed[i] || op.kind !== "view" || op.view.kind !== "affine") return;
    const { slope, along, scale } = op.view;
    if (slope > 0 && scale < slope * (op.shape[along] ?? 1)) seen.add(baseOf(entries, i));
  });
  return seen;
}

/** The stored values that an expression reads; stores the widest inputs until they are few enough. */
function readSet(
  entry: TapeEntry,
  reads: ReadonlySet<number>[],
  stored: boolean[],
  maxReads: number,
): ReadonlySet<number> {
  let all = readOf(entry.inputs, reads);
  while (all.size > maxReads) {
    const widest = entry.inputs.reduce((a, b) =>
      (reads[a]?.size ?? 0) >= (reads[b]?.size ?? 0) ? a : b,
    );
    if ((reads[widest]?.size ?? 0) <= 1) break;
    stored[widest] = true;
    reads[widest] = new Set([widest]);
    all = readOf(entry.inputs, reads);
  }
  return all;
}

/** Values that need no kernel: they are there, or a constant or an index. */
function isLeafLike(entries: readonly TapeEntry[], i: number): boolean {
  const kind = entries[i]?.op.kind;
  return kind === "leaf" || kind === "host";
}

function countUses(entries: readonly TapeEntry[]): number[] {
  const uses = entries.map(() => 0);
  for (const entry of entries)
    for (const input of entry.inputs) uses[input] = (uses[input] ?? 0) + 1;
  return uses;
}

function findNeeded(entries: readonly TapeEntry[], results: readonly number[]): boolean[] {
  const needed = entries.map(({ op }) => op.kind === "assign" || op.kind === "program");
  for (const i of results) needed[i] = true;
  for (let i = entries.length - 1; i >= 0; i--) {
    if (needed[i]) for (const input of entries[i]?.inputs ?? []) needed[input] = true;
  }
  return needed;
}

function listConsumers(entries: readonly TapeEntry[], needed: readonly boolean[]): number[][] {
  const consumers: number[][] = entries.map(() => []);
  entries.forEach((entry, i) => {
    if (needed[i]) for (const input of entry.inputs) consumers[input]?.push(i);
  });
  return consumers;
}

const NOTHING: ReadonlySet<Storage> = new Set();

/** The writes in place on the tape. */
function listWrites(
  entries: readonly TapeEntry[],
): { readonly at: number; readonly storages: ReadonlySet<Storage> }[] {
  return entries.flatMap(({ op, inputs, program }, at) => {
    if (op.kind === "program") return [{ at, storages: new Set(program?.writes) }];
    if (op.kind !== "assign") return [];
    const target = entries[inputs[0] ?? -1]?.node.storage;
    return [{ at, storages: new Set(target ? [target] : []) }];
  });
}

/** The storages that each value is computed from. */
function listReads(entries: readonly TapeEntry[]): ReadonlySet<Storage>[] {
  const reads: ReadonlySet<Storage>[] = [];
  for (const { node, inputs } of entries) {
    const { storage } = node;
    reads.push(
      storage
        ? new Set([storage])
        : inputs.reduce((all, input) => all.union(reads[input] ?? NOTHING), NOTHING),
    );
  }
  return reads;
}

function isCore(entry: TapeEntry | undefined): boolean {
  const kind = entry?.op.kind;
  return kind === "matmul" || kind === "reduce" || kind === "attention";
}

function expressionCost(entry: TapeEntry, cost: readonly number[]): number {
  const { op } = entry;
  const inputs = entry.inputs.reduce((sum, i) => sum + (cost[i] ?? 0), 0);
  switch (op.kind) {
    case "map":
      return inputs + elementwiseFn(op.fn).cost;
    case "random":
    case "matmul":
    case "reduce":
    case "attention":
    case "merge":
    case "segment":
      return Number.POSITIVE_INFINITY;
    default:
      return inputs;
  }
}

/** Whether an expression reads `target` at other places than it writes: then it must be done first. */
function readsElsewhere(
  entries: readonly TapeEntry[],
  i: number,
  target: number | undefined,
): boolean {
  const storage = target === undefined ? undefined : entries[target]?.node.storage;
  // Once each: the paths through a recurrent network double with every step.
  const visited = [new Set<number>(), new Set<number>()];
  const visit = (at: number, moved: boolean): boolean => {
    const entry = entries[at];
    const before = visited[moved ? 1 : 0];
    if (!entry || before?.has(at)) return false;
    before?.add(at);
    if (entry.node.storage === storage) return moved;
    const moves = entry.op.kind !== "map" && entry.op.kind !== "scalar";
    return entry.inputs.some(input => visit(input, moved || moves));
  };
  return visit(i, false);
}

/**
 * Lets each reduction or product take along the element-wise operations that follow it, as far as
 * each value on the way has one reader. Returns the core of each kernel by its root.
 */
function placeCores(
  entries: readonly TapeEntry[],
  needed: readonly boolean[],
  consumers: readonly number[][],
  stored: boolean[],
  reads: readonly ReadonlySet<number>[],
  maxReads: number,
): Map<number, number> {
  const coreOf = new Map<number, number>();
  const taken = new Set<number>();
  entries.forEach((entry, core) => {
    if (!needed[core] || !isCore(entry)) return;
    let root = core;
    let read = readOf(entry.inputs, reads);
    while (!stored[root] && entry.op.kind !== "attention") {
      const [reader, second] = consumers[root] ?? [];
      if (reader === undefined || second !== undefined || taken.has(reader)) break;
      if (!keepsPlace(entries[reader], entries[root]?.op.shape)) break;
      const others = entries[reader]?.inputs.filter(input => input !== root) ?? [];
      read = read.union(readOf(others, reads));
      if (read.size > maxReads) break;
      root = reader;
    }
    // Everything between core and root belongs to this kernel, whoever else would like it.
    for (let at = core; at !== root; at = consumers[at]?.[0] ?? root) taken.add(at);
    taken.add(root);
    if (entries[root]?.op.kind !== "assign") stored[root] = true;
    coreOf.set(root, core);
  });
  return coreOf;
}

function readOf(
  inputs: readonly number[],
  reads: readonly ReadonlySet<number>[],
): ReadonlySet<number> {
  return new Set(inputs.flatMap(input => [...(reads[input] ?? [])]));
}

/** Whether an operation takes each element of its input to one element of its result. */
function keepsPlace(reader: TapeEntry | undefined, shape: Shape | undefined): boolean {
  if (!reader || !shape) return false;
  switch (reader.op.kind) {
    case "map":
    case "assign":
      return sameShape(reader.op.shape, shape);
    case "view":
      return reader.op.view.kind === "reshape" || reader.op.view.kind === "permute";
    default:
      return false;
  }
}
