/**
 * What a kernel can compute: one operation of the graph, without its inputs. Operations are
 * structure and interned; the numbers in them are parameters and live elsewhere.
 */
import type { Shape } from "../tensor/shape.ts";

/**
 * bool is stored as 32 bits; WGSL has no host-shareable bool. float16 is a form of storage: kernels calculate
 * with float32, and round what they compute of that dtype. See half.ts.
 */
export type DType = "float32" | "float16" | "int32" | "uint32" | "bool";

/** Whether it has fractions, and so derivatives. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float16";
}

/** Bytes that elements take in memory: whole words, which is what kernels bind and copies move. */
export function storedBytes(dtype: DType, count: number): number {
  return 4 * (dtype === "float16" ? Math.ceil(count / 2) : count);
}

export type ReduceFn = "sum" | "prod" | "max" | "min" | "argmax" | "argmin" | "logsumexp";

export type View =
  | { readonly kind: "reshape" }
  /** Output dimension i is input dimension dims[i]. */
  | { readonly kind: "permute"; readonly dims: readonly number[] }
  | { readonly kind: "expand" }
  | AffineView;

/**
 * Output index i along `dim` is input index (scale · i + slope · k + offset) / divisor, where k is
 * the index along dimension `along`; where that is no whole number, or outside, it is no element,
 * and the value is 0. The inverse is of the same kind.
 */
export interface AffineView {
  readonly kind: "affine";
  readonly dim: number;
  readonly along: number;
  readonly scale: number;
  readonly slope: number;
  readonly offset: number;
  readonly divisor: number;
}

export type OpKind =
  /** A realized value; `small` ones are copied into the plan's arena before it runs. */
  | { readonly kind: "leaf"; readonly bound: boolean }
  /** Host data, uploaded each time. */
  | { readonly kind: "host" }
  /** One number, from the plan's scalars. */
  | { readonly kind: "scalar" }
  /** The index along a dimension, as int32. */
  | { readonly kind: "iota"; readonly dim: number }
  /** Counter-based random numbers; scalars: seed, stream. */
  | { readonly kind: "random"; readonly distribution: "uniform" | "normal" }
  /** Element by element; `fn` is a row of kernels/elementwise.ts. Inputs have the node's shape. */
  | { readonly kind: "map"; readonly fn: string }
  | { readonly kind: "view"; readonly view: View }
  /** Inputs x, index (the node's shape): x at the same place but for dimension dim. */
  | { readonly kind: "gather"; readonly dim: number }
  /**
   * Inputs: uint32 keys, in rows of sorted runs, and the length of a run: where in its row lies the
   * element that comes here when pairs of runs are merged. See kernels/merge.ts.
   */
  | { readonly kind: "merge" }
  /**
   * Inputs x, keys (x's shape, sorted along dim): the sum over all elements along dim whose key is the place.
   * See kernels/segment.ts.
   */
  | { readonly kind: "segment"; readonly dim: number }
  /** Over `dims`, which keep size 1. */
  | { readonly kind: "reduce"; readonly fn: ReduceFn; readonly dims: readonly number[] }
  /** [..., m, k] × [..., k, n], equal batch dimensions. */
  | { readonly kind: "matmul" }
  /**
   * Inputs: query [..., queries, width], key, value [..., keys, depth], scale, a mask
   * [..., queries, keys] where `masked`; for the gradients the output, its gradient, and for those of
   * key and value that of the query. See kernels/attention.ts.
   */
  | {
      readonly kind: "attention";
      readonly part: "output" | "queryGrad" | "keyGrad";
      readonly causal: boolean;
      readonly masked: boolean;
    }
  /** Inputs: target (a bound leaf), value. Writes the value into the target's storage. */
  | { readonly kind: "assign" }
  /** Hand-written kernels; see program.ts. */
  | { readonly kind: "program"; readonly key: string };

/** An interned operation: equal structure, equal object. Shape and dtype belong to it. */
export type Op = OpKind & {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
};

const interned = new Map<string, Op>();

/** The one `Op` of this structure. */
export function internOp(kind: OpKind, shape: Shape, dtype: DType): Op {
  const key = `${structureKey(kind)}|${dtype}|${shape.join()}`;
  let op = interned.get(key);
  if (!op) {
    op = { ...kind, id: interned.size, shape, dtype };
    interned.set(key, op);
  }
  return op;
}

/** Written by hand: JSON.stringify costs several microseconds an operation. */
function structureKey(kind: OpKind): string {
  switch (kind.kind) {
    case "leaf":
      return kind.bound ? "leaf" : "small";
    case "iota":
      return `iota${kind.dim}`;
    case "random":
      return kind.distribution;
    case "map":
      return `map.${kind.fn}`;
    case "view":
      return `view.${viewKey(kind.view)}`;
    case "gather":
    case "segment":
      return `${kind.kind}${kind.dim}`;
    case "reduce":
      return `reduce.${kind.fn}${kind.dims.join()}`;
    case "attention":
      return `attention.${kind.part}${kind.causal ? "c" : ""}${kind.masked ? "m" : ""}`;
    case "program":
      return `program.${kind.key}`;
    default:
      return kind.kind;
  }
}

function viewKey(view: View): string {
  if (view.kind === "permute") return `permute${view.dims.join()}`;
  if (view.kind === "affine") {
    const { dim, along, scale, slope, offset, divisor } = view;
    return `affine${dim},${along},${scale},${slope},${offset},${divisor}`;
  }
  return view.kind;
}

/** The name of an operation, for a person to read. */
export function opName(op: Op): string {
  switch (op.kind) {
    case "map":
    case "reduce":
      return op.fn;
    case "view":
      return op.view.kind;
    case "attention":
      return `attention ${op.part}`;
    default:
      return op.kind;
  }
}
