/** Writes the WGSL of a kernel: expressions by coordinates. */
import { numel } from "../tensor/shape.ts";
import type { Coords } from "./coords.ts";
import type { WgslType } from "./elementwise.ts";
import { elementwiseFn, wgslType } from "./elementwise.ts";
import { HalfBinding } from "./half.ts";
import type { Helper } from "./math.ts";
import { helperSource } from "./math.ts";
import { mergeSource } from "./merge.ts";
import type { DType, Op } from "./op.ts";
import { segmentSource } from "./segment.ts";

/** An operation of the tape, as a kernel sees it. */
export interface KernelEntry {
  readonly op: Op;
  /** Indices of the entries that it takes. */
  readonly inputs: readonly number[];
  readonly node: { readonly scalars: readonly number[]; readonly storage: object | undefined };
}

/** A kernel's text and what it is bound to. */
export interface KernelCode {
  readonly label: string;
  readonly wgsl: string;
  /** Entries bound at 1, 2, … */
  readonly bindings: readonly number[];
  /** Entries whose numbers fill the kernel's scalars, in order. */
  readonly scalars: readonly number[];
  readonly workgroups: readonly [number, number, number];
  /** For a person to read: which of several kernels for the same it is. */
  readonly variant?: string;
}

/** What thread `i` of `count` does. */
export interface LinearBody {
  readonly label: string;
  readonly count: number;
  readonly text: string;
}

/** Threads of a workgroup where a thread computes one element. */
export const WORKGROUP_SIZE = 64;

/** Most workgroups along a dimension that WebGPU promises. */
export const MAX_WORKGROUPS = 65_535;

/** Builds one kernel. */
export class KernelBuilder {
  readonly #entries: readonly KernelEntry[];
  readonly #stored: readonly boolean[];
  readonly #bindings: number[] = [];
  readonly #scalars: number[] = [];
  readonly #helpers = new Set<Helper>();
  readonly #extensions = new Set<string>();
  /** Bindings of float16, by their names. */
  readonly #halves = new Map<string, HalfBinding>();
  #lines: string[] = [];
  #memo = new Map<string, string>();
  #names = 0;
  /** The entry that is computed, though its value is in memory for everyone else. */
  #root = -1;
  /** The entry whose value is the loop's result. */
  #core: number | undefined;
  /** WGSL names of entries whose values are in variables. */
  readonly #known = new Map<number, string>();

  constructor(entries: readonly KernelEntry[], stored: readonly boolean[]) {
    this.#entries = entries;
    this.#stored = stored;
  }

  entry(index: number): KernelEntry {
    const entry = this.#entries[index];
    if (!entry) throw new Error(`Invariant violation: no entry ${index} on the tape`);
    return entry;
  }

  /** A name that nothing has yet. */
  fresh(): string {
    return `v${this.#names++}`;
  }

  /** Names an expression; equal expressions of a scope share a name. */
  readonly bind = (expression: string): string => {
    let name = this.#memo.get(expression);
    if (!name) {
      name = this.fresh();
      this.#lines.push(`let ${name} = ${expression};`);
      this.#memo.set(expression, name);
    }
    return name;
  };

  /** Writes what `body` binds into a block of its own and returns the block's lines. */
  scope(body: () => void): string {
    const lines = this.#lines;
    const memo = this.#memo;
    this.#lines = [];
    this.#memo = new Map(memo);
    body();
    const text = this.#lines.join("\n");
    this.#lines = lines;
    this.#memo = memo;
    return text;
  }

  /** Adds a statement to the current scope. */
  line(statement: string): void {
    this.#lines.push(statement);
  }

  use(...helpers: Helper[]): void {
    for (const helper of helpers) this.#helpers.add(helper);
  }

  /** Enables an extension of WGSL. */
  enable(extension: string): void {
    this.#extensions.add(extension);
  }

  /** WGSL type of an entry's elements. */
  type(index: number): WgslType {
    return wgslType(this.entry(index).op.dtype);
  }

  /** What an entry is called in debuggers. */
  label(index: number): string {
    const { op } = this.entry(index);
    return op.kind === "map" || op.kind === "reduce" ? op.fn : op.kind;
  }

  /** From here on, `root` is what is computed. */
  compute(root: number): void {
    this.#root = root;
    this.#core = undefined;
  }

  /** An expression for the element of an entry at a place. */
  value(index: number, at: Coords): string {
    const known = this.#known.get(index);
    if (known) return known;
    const { op, inputs } = this.entry(index);
    const [first = -1, second = -1] = inputs;
    const stored = this.#stored[index] && index !== this.#root;
    if (stored || op.kind === "leaf" || op.kind === "host") return this.#load(index, at);
    switch (op.kind) {
      case "scalar":
        return this.#scalar(index, 0);
      case "iota":
        return `i32(${at.axes[op.dim] ?? "0u"})`;
      case "random": {
        const helper = op.distribution === "uniform" ? "uniform01" : "normal01";
        this.use(helper);
        const [seed, stream] = [0, 1].map(slot => `bitcast<u32>(${this.#scalar(index, slot)})`);
        return this.bind(`${helper}(${at.linear}, ${seed}, ${stream})`);
      }
      case "view": {
        const place = at.through(op.view, this.entry(first).op.shape);
        const value = this.value(first, place);
        if (!place.inside) return value;
        return this.bind(`select(${this.type(index)}(), ${value}, ${place.inside})`);
      }
      case "gather": {
        const place = this.bind(`u32(${this.value(second, at)})`);
        const { shape } = this.entry(first).op;
        // Out of range would read another row: the last one is read instead.
        const inside = `min(${place}, ${Math.max(0, (shape[op.dim] ?? 1) - 1)}u)`;
        return this.value(first, at.replaceAxis(op.dim, inside, shape));
      }
      case "merge":
        return mergeSource(this, first, second, at);
      case "segment":
        return segmentSource(this, first, second, op.dim, at);
      case "map": {
        const fn = elementwiseFn(op.fn);
        this.use(...(fn.helpers ?? []));
        const args = inputs.map(input => this.value(input, at));
        return this.bind(this.#rounded(op.dtype, fn.wgsl(args, this.type(first))));
      }
      default:
        throw new Error(`Invariant violation: ${op.kind} of ${op.shape.join()} inside a kernel`);
    }
  }

  /** From here on, an entry's value is the variable `name`. */
  know(index: number, name: string): void {
    this.#known.set(index, name);
  }

  /** From here on, the value of the reduction or product is the variable `name`. */
  setCore(index: number, name: string): void {
    this.#core = index;
    this.know(index, name);
  }

  /**
   * Stores the root's value at the place that belongs to a place of the core, or of the root itself
   * where there is no core.
   */
  store(root: number, at: Coords): void {
    const { op, inputs } = this.entry(root);
    const [target = -1, value = -1] = op.kind === "assign" ? inputs : [root, root];
    const place = this.#core === undefined ? at : this.#outward(value, this.#core, at);
    const expression = this.value(value, place ?? at);
    const name = this.binding(target);
    const { linear } = place ?? at;
    const half = this.#half(target);
    if (half) {
      this.line(half.store(name, linear, expression));
      return;
    }
    const bool = this.type(root) === "bool";
    this.line(`${name}[${linear}] = ${bool ? `select(0u, 1u, ${expression})` : expression};`);
  }

  /** What is computed of a dtype: float16 is calculated in float32. */
  #rounded(dtype: DType, expression: string): string {
    if (dtype !== "float16") return expression;
    this.use("roundHalf");
    return `roundHalf(${expression})`;
  }

  /** How an entry is bound, if it is of float16. */
  #half(index: number): HalfBinding | undefined {
    if (this.entry(index).op.dtype !== "float16") return undefined;
    const name = this.binding(index);
    let half = this.#halves.get(name);
    if (!half) {
      half = new HalfBinding();
      this.#halves.set(name, half);
    }
    return half;
  }

  /** The place in entry `index` of the element that is at `at` in the core: views move it. */
  #outward(index: number, core: number, at: Coords): Coords | undefined {
    if (index === core) return at;
    const { op, inputs } = this.entry(index);
    if (this.#stored[index] && index !== this.#root) return undefined;
    for (const input of inputs) {
      const inner = this.#outward(input, core, at);
      if (inner) return op.kind === "view" ? inner.outOf(op.view, op.shape) : inner;
    }
    return undefined;
  }

  /** Name of the binding of a stored entry. */
  binding(index: number): string {
    const storage = this.entry(index).node.storage;
    // A storage is bound once, under whatever entries it is on the tape: writable ranges may not overlap.
    const at = this.#bindings.findIndex(
      other => other === index || (storage && this.entry(other).node.storage === storage),
    );
    if (at >= 0) return `b${at + 1}`;
    this.#bindings.push(index);
    return `b${this.#bindings.length}`;
  }

  /** Puts the parts together. */
  finish(
    label: string,
    main: string,
    workgroupSize: readonly number[],
    workgroups: readonly [number, number, number],
    functions = "",
  ): KernelCode {
    const halves = [...this.#halves].map(([name, half]) => half.functions(name)).join("\n");
    for (const { extension } of this.#halves.values()) if (extension) this.enable(extension);
    if (halves) this.use("halfBits");
    const bindings = this.#bindings.map((index, i) => {
      const type = this.type(index) === "bool" ? "u32" : this.type(index);
      // A constant length: to look one up at each access costs SwiftShader a sixth of a kernel.
      const length = Math.max(1, numel(this.entry(index).op.shape));
      const array = this.#halves.get(`b${i + 1}`)?.array(length) ?? `array<${type}, ${length}>`;
      return `@group(0) @binding(${i + 1}) var<storage, read_write> b${i + 1}: ${array};`;
    });
    const words = Math.max(1, Math.ceil(this.#scalars.length / 4));
    const wgsl = [
      ...[...this.#extensions].map(extension => `enable ${extension};`),
      `@group(0) @binding(0) var<uniform> scalars: array<vec4<u32>, ${words}>;`,
      ...bindings,
      helperSource(this.#helpers),
      ...(halves ? [halves] : []),
      functions,
      `@compute @workgroup_size(${workgroupSize.join(", ")})`,
      "fn main(@builtin(global_invocation_id) gid: vec3<u32>,",
      "@builtin(workgroup_id) wid: vec3<u32>) {",
      main,
      "}",
    ].join("\n");
    return { label, wgsl, bindings: this.#bindings, scalars: this.#scalars, workgroups };
  }

  #load(index: number, at: Coords): string {
    const name = this.binding(index);
    const half = this.#half(index);
    if (half) return this.bind(half.load(name, at.linear));
    const element = `${name}[${at.linear}]`;
    return this.bind(this.type(index) === "bool" ? `(${element} != 0u)` : element);
  }

  /** Number `slot` of an entry, in the entry's type. */
  #scalar(index: number, slot: number): string {
    let base = this.#scalars.indexOf(index);
    if (base < 0) {
      base = this.#scalars.length;
      for (const _ of this.entry(index).node.scalars) this.#scalars.push(index);
    }
    const word = base + slot;
    const bits = `scalars[${Math.floor(word / 4)}][${word % 4}]`;
    const type = this.type(index);
    if (type === "bool") return `(${bits} != 0u)`;
    return type === "u32" ? bits : `bitcast<${type}>(${bits})`;
  }
}

/** A grid of one thread an element: the index of a thread, and the workgroups. */
export function linearGrid(count: number): {
  readonly index: string;
  readonly workgroups: readonly [number, number, number];
} {
  const groups = Math.max(1, Math.ceil(count / WORKGROUP_SIZE));
  const rows = Math.ceil(groups / MAX_WORKGROUPS);
  const columns = Math.ceil(groups / rows);
  const index = rows === 1 ? "gid.x" : `gid.x + gid.y * ${columns * WORKGROUP_SIZE}u`;
  return { index, workgroups: [columns, rows, 1] };
}
