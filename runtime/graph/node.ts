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
  readonly scalars: readonly number[];
  /** Where the value lives; undefined until it is realized. */
  storage: Storage | undefined;
  /** For leaves: the version of the storage that this node means. */
  readonly version: number;
  /** For host nodes: the data. */
  readonly host: HostData | undefined;
  /** For host nodes: the step of the loop in which the data was uploaded, -1 before. */
  uploadStep = -1;
  /** For host nodes: whether the data is needed in every step, as a parameter's is. */
  lasts = false;
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
    origins?.add(this, this.inputs);
    this.inputs = NO_NODES;
  }
}

/** How values came about that are realized. They are forgotten together, and each with its value. */
export class Origins {
  readonly #inputs = new WeakMap<Node, readonly Node[]>();
  #count = 0;
  readonly #limit: number;

  /** @param limit values after which no more are remembered: a chain of them could grow for ever. */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Whether all values since it was made are remembered. */
  get isWhole(): boolean {
    return this.#count <= this.#limit;
  }

  add(node: Node, inputs: readonly Node[]): void {
    if (++this.#count <= this.#limit) this.#inputs.set(node, inputs);
  }

  /** The inputs of a value that was realized; undefined if they are not known. */
  of(node: Node): readonly Node[] | undefined {
    return this.#inputs.get(node);
  }
}

let origins: Origins | undefined;

/** Has the origins of all values remembered there that are realized from now on, or nowhere. */
export function rememberOrigins(at: Origins | undefined): void {
  origins = at;
}

/** Whether they are remembered anywhere. */
export function areOriginsRemembered(): boolean {
  return origins !== undefined;
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

let places: WeakMap<Node, Error> | undefined;

/** Frames of a place: between the script and an operation lie those of its modules and of the runtime. */
const PLACE_FRAMES = 64;

/** Has the places in the script remembered there that operations are recorded at from now on, or nowhere. */
export function rememberPlaces(at: WeakMap<Node, Error> | undefined): void {
  places = at;
}

/** To be called when an operation is recorded. */
export function notePlace(node: Node): void {
  if (!places) return;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = PLACE_FRAMES;
  places.set(node, new Error("recorded here"));
  Error.stackTraceLimit = stackTraceLimit;
}
