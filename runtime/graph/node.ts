/**
 * The graph: what was asked for, not yet computed. A node is one operation with its inputs and
 * numbers.
 */
import type { Storage } from "../gpu/storage.ts";
import type { DType, Op } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Program } from "./program.ts";

/** Which line of the training loop a kernel belongs to. */
export type Phase = "forward" | "backward" | "step";

export type HostData = Float32Array | Int32Array | Uint32Array;

const NO_SCALARS: readonly number[] = [];
const NO_NODES: readonly Node[] = [];

/** A value, realized or still to be computed. */
export class Node {
  readonly op: Op;
  inputs: readonly Node[];
  /** The inputs of a value that was realized while origins were remembered. */
  origin: readonly Node[] | undefined;
  readonly scalars: readonly number[];
  /** Where the value lives; undefined until it is realized. */
  storage: Storage | undefined;
  /** For leaves: the version of the storage that this node means. */
  readonly version: number;
  /** For host nodes: the data. */
  readonly host: HostData | undefined;
  /** For host nodes: the step of the loop in which the data was uploaded, -1 before. */
  uploadStep = -1;
  /** Place on the tape `epoch`. */
  index = -1;
  epoch = -1;
  /** Range of the arena that holds the value until the next plan runs: see `Arena.epoch`. */
  arenaOffset = 0;
  arenaEpoch = -1;

  constructor(
    op: Op,
    inputs: readonly Node[] = NO_NODES,
    scalars: readonly number[] = NO_SCALARS,
    storage?: Storage,
    host?: HostData,
  ) {
    this.op = op;
    this.inputs = inputs;
    this.scalars = scalars;
    this.storage = storage;
    this.version = storage?.version ?? 0;
    this.host = host;
  }

  get shape(): Shape {
    return this.op.shape;
  }

  get dtype(): DType {
    return this.op.dtype;
  }

  /** Makes this node a leaf: the value is known, how it came about is forgotten. */
  realize(storage: Storage): void {
    this.storage = storage;
    if (remembersOrigins) this.origin = this.inputs;
    this.inputs = NO_NODES;
  }
}

let remembersOrigins = false;

/** Has nodes that are realized from now on remember how they came about, or not. */
export function rememberOrigins(value: boolean): void {
  remembersOrigins = value;
}

/** A node for a realized value. */
export function leafNode(storage: Storage, shape: Shape, dtype: DType): Node {
  return new Node(internOp({ kind: "leaf", bound: storage.bound }, shape, dtype), [], [], storage);
}

/** A node for data in host memory. The array must not change afterwards. */
export function hostNode(data: HostData, shape: Shape, dtype: DType): Node {
  return new Node(internOp({ kind: "host" }, shape, dtype), [], [], undefined, data);
}

/** An operation on the tape. `op` is the node's, or a leaf where its value is already there. */
export interface TapeEntry {
  readonly node: Node;
  readonly op: Op;
  readonly inputs: readonly number[];
  readonly phase: Phase;
  readonly program: Program | undefined;
}
