/**
 * Joins kernels that work on the same rows: a reduction over the last dimensions, what is computed
 * from it for each row, and what goes back to every element. See kernels/rows.ts.
 */
import type { KernelSpec, ParallelSpec } from "../kernels/generate.ts";
import type { View } from "../kernels/op.ts";
import { isTrailing } from "../kernels/reduce.ts";
import type { Rows, RowsSpec } from "../kernels/rows.ts";
import type { Shape } from "../tensor/shape.ts";
import { numel, sameShape } from "../tensor/shape.ts";
import type { Reads } from "./reads.ts";

/** A kernel in the order of the plan. */
export type Scheduled = KernelSpec | RowsSpec | ParallelSpec | { readonly program: number };

/** Single kernels that this one consists of; a program has none. */
export function membersOf(kernel: Scheduled): readonly KernelSpec[] {
  if ("program" in kernel) return [];
  if ("members" in kernel) return kernel.members;
  return "parts" in kernel ? kernel.parts : [kernel];
}

/** What of a row a value has: all its elements, or one. */
type Level = "full" | "row";

/** A thread works on a row: with few and long ones too few threads would have too much to do. */
const MANY_ROWS = 16;
const SHORT_ROW = 256;

/**
 * @param kernels in order.
 * @param results entries whose values are asked for, whoever reads them on the tape.
 * @param maxBindings storages that a kernel may bind.
 */
export function fuseRows(
  kernels: readonly Scheduled[],
  reads: Reads,
  results: ReadonlySet<number>,
  maxBindings: number,
): Scheduled[] {
  return new RowFusion(reads, results, maxBindings).fuse(kernels);
}

/** Kernels that are one so far. It stands where its last member stood. */
interface Group {
  readonly rows: Rows;
  readonly members: readonly KernelSpec[];
  /** Level of each member's root. */
  readonly levels: ReadonlyMap<number, Level>;
}

class RowFusion {
  readonly #reads: Reads;
  readonly #results: ReadonlySet<number>;
  readonly #maxBindings: number;
  /** In order; undefined where a kernel has moved into a later one. */
  readonly #order: (Scheduled | Group | undefined)[] = [];
  /** Root of a member -> where its group stands in the order. */
  readonly #groups = new Map<number, number>();

  constructor(reads: Reads, results: ReadonlySet<number>, maxBindings: number) {
    this.#reads = reads;
    this.#results = results;
    this.#maxBindings = maxBindings;
  }

  fuse(kernels: readonly Scheduled[]): Scheduled[] {
    for (const kernel of kernels) {
      const group = "root" in kernel ? this.#join(kernel) : undefined;
      if (group) {
        for (const { root } of group.members) this.#groups.set(root, this.#order.length);
      }
      this.#order.push(group ?? kernel);
    }
    const kept = this.#order.filter(kernel => kernel !== undefined);
    const readers = this.#countReaders(kept);
    return kept.map(kernel => {
      if (!("levels" in kernel)) return kernel;
      const { rows, members } = kernel;
      const [only, second] = members;
      if (only && !second) return only;
      const roots = members.map(({ root }) => root);
      const local = new Set(roots.filter(root => !this.#results.has(root) && !readers.get(root)));
      return { rows, members, local };
    });
  }

  /** The group of a kernel: with those whose rows it reads where it can, else by itself. */
  #join(kernel: KernelSpec): Group | undefined {
    const { op } = this.#reads.entry(kernel.root);
    if (op.kind === "assign") return undefined;
    const places = new Set<number>();
    for (const read of this.#reads.of(kernel)) {
      const at = this.#groups.get(read);
      if (at !== undefined) places.add(at);
    }
    let joined = this.#alone(kernel);
    for (const at of places) {
      const before = this.#order[at];
      if (!before || !("levels" in before)) continue;
      const merged = this.#merge(before, joined, kernel, at);
      if (!merged) continue;
      joined = merged;
      this.#order[at] = undefined;
    }
    return joined ?? this.#points(kernel);
  }

  /** A group of one, where the kernel computes element by element: each is a row. */
  #points(kernel: KernelSpec): Group | undefined {
    if (kernel.core !== undefined) return undefined;
    const rows = { count: numel(this.#reads.entry(kernel.root).op.shape), length: 1 };
    return { rows, members: [kernel], levels: new Map([[kernel.root, "row" as const]]) };
  }

  /** A group of one, where the kernel is a reduction over rows. */
  #alone(kernel: KernelSpec): Group | undefined {
    const { core, root } = kernel;
    if (core === undefined) return undefined;
    const { op, inputs } = this.#reads.entry(core);
    const { shape } = this.#reads.entry(inputs[0] ?? -1).op;
    if (op.kind !== "reduce" || !isTrailing(op.dims, shape)) return undefined;
    const count = numel(op.shape);
    const rows = { count, length: numel(shape) / count };
    const worthwhile = count >= MANY_ROWS || rows.length <= SHORT_ROW;
    if (!worthwhile || rows.length < 2 || numel(this.#reads.entry(root).op.shape) !== count) {
      return undefined;
    }
    const group = { rows, members: [kernel], levels: new Map([[root, "row" as const]]) };
    return this.#isAligned(kernel, group, "row") ? group : undefined;
  }

  /** Moves the group at `at` behind what stands between it and the kernel, and joins both. */
  #merge(before: Group, own: Group | undefined, kernel: KernelSpec, at: number): Group | undefined {
    const { rows } = before;
    const size = numel(this.#reads.entry(kernel.root).op.shape);
    const level = size === rows.count ? "row" : "full";
    const fits =
      size === (level === "row" ? rows.count : rows.count * rows.length) &&
      (own?.rows.count ?? rows.count) === rows.count &&
      (own?.rows.length ?? rows.length) === rows.length &&
      (kernel.core === undefined || own !== undefined) &&
      this.#reads.entry(kernel.root).phase ===
        this.#reads.entry(before.members[0]?.root ?? -1).phase;
    if (!fits) return undefined;
    const mine = own ?? { members: [kernel], levels: new Map([[kernel.root, level as Level]]) };
    const merged: Group = {
      rows,
      members: [...before.members, ...mine.members],
      levels: new Map([...before.levels, ...mine.levels]),
    };
    const possible =
      this.#isFree(before, at) &&
      this.#bindings(merged.members) <= this.#maxBindings &&
      mine.members.every(member => {
        const of = merged.levels.get(member.root);
        return of !== undefined && this.#isAligned(member, merged, of);
      });
    return possible ? merged : undefined;
  }

  /** Whether nothing behind the group reads it, or writes what it might read. */
  #isFree(group: Group, at: number): boolean {
    const between = this.#order.slice(at + 1).filter(kernel => kernel !== undefined);
    const roots = group.members.map(({ root }) => root);
    return between.every(kernel => {
      if ("program" in kernel || "parts" in kernel) return false;
      const members = "members" in kernel ? kernel.members : [kernel];
      return members.every(member => {
        if (this.#reads.entry(member.root).op.kind === "assign") return false;
        const reads = this.#reads.of(member);
        return !roots.some(root => reads.has(root));
      });
    });
  }

  /** Whether a kernel reads each row of the group's values, and of its own core, in that row. */
  #isAligned(
    kernel: KernelSpec,
    { rows, levels }: Pick<Group, "rows" | "levels">,
    own: Level,
  ): boolean {
    const touches = (i: number): boolean => {
      if (i === kernel.core || levels.has(i)) return true;
      if (this.#reads.isInMemory(i) && i !== kernel.root) return false;
      return this.#reads.entry(i).inputs.some(touches);
    };
    const visit = (i: number, level: Level): boolean => {
      const { op, inputs } = this.#reads.entry(i);
      if (i !== kernel.root && i !== kernel.core && this.#reads.isInMemory(i)) {
        return (levels.get(i) ?? level) === level;
      }
      const [first = -1, second = -1] = inputs;
      const shapeOf = (input: number): Shape => this.#reads.entry(input).op.shape;
      switch (op.kind) {
        case "map":
          return inputs.every(input => visit(input, level));
        case "reduce":
          return i === kernel.core && level === "row" && visit(first, "full");
        case "view": {
          const inner = viewLevel(op.view, shapeOf(first), op.shape, level, rows);
          return inner ? visit(first, inner) : !touches(first);
        }
        case "gather":
          if (level === "row" && picksOne(op.dim, shapeOf(first), op.shape, rows)) {
            return visit(first, "full") && visit(second, "row");
          }
          return !touches(first) && !touches(second);
        default:
          return !inputs.some(touches);
      }
    };
    return visit(kernel.root, own);
  }

  #bindings(members: readonly KernelSpec[]): number {
    const all = new Set(members.flatMap(member => [member.root, ...this.#reads.of(member)]));
    return all.size;
  }

  /** How many kernels outside of its own read a root. */
  #countReaders(kernels: readonly (Scheduled | Group)[]): ReadonlyMap<number, number> {
    const readers = new Map<number, number>();
    for (const kernel of kernels) {
      if ("program" in kernel || "parts" in kernel) continue;
      const members = "members" in kernel ? kernel.members : [kernel];
      const own = new Set(members.map(({ root }) => root));
      const reads = new Set(members.flatMap(member => [...this.#reads.of(member)]));
      for (const read of reads) if (!own.has(read)) readers.set(read, (readers.get(read) ?? 0) + 1);
    }
    return readers;
  }
}

/** The level of a view's input where it keeps rows together, for the level of its output. */
function viewLevel(
  view: View,
  input: Shape,
  output: Shape,
  level: Level,
  { count, length }: Rows,
): Level | undefined {
  if (view.kind === "reshape") return level;
  if (view.kind !== "expand") return undefined;
  if (numel(input) === numel(output)) return level;
  if (level !== "full" || numel(input) !== count) return undefined;
  const padded = [...new Array<number>(output.length - input.length).fill(1), ...input];
  const split = padded.findIndex((size, d) => size !== output[d]);
  const repeats = padded.slice(split).every(size => size === 1);
  return repeats && numel(output.slice(split)) === length ? "row" : undefined;
}

/** Whether a gather takes one element of each row. */
function picksOne(dim: number, input: Shape, output: Shape, { length }: Rows): boolean {
  return (
    dim === input.length - 1 && input.at(-1) === length && sameShape(output, input.with(dim, 1))
  );
}
