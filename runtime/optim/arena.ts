/**
 * Flat memory of parameters that are updated together, and the kernels that do it: parameters,
 * gradients and optimizer state in the same order, so that one dispatch serves all tensors.
 */
import type { Memory } from "../checkpoint/parts.ts";
import { createBuffer, gpu } from "../gpu/device.ts";
import { type BufferRange, STORAGE_USAGE, Storage } from "../gpu/storage.ts";
import { assign, persist, recordProgram } from "../graph/graph.ts";
import { leafNode, type Node } from "../graph/node.ts";
import type { Program, ProgramDispatch } from "../graph/program.ts";
import { ELEMENTS_THREADS, elementsKernel } from "../kernels/elements.ts";
import {
  countKernel,
  HYPER_WORDS,
  originKernel,
  type UpdateRule,
  updateKernel,
} from "../kernels/optimizer.ts";
import { HISTOGRAM_WORDS, PARTIAL_WORDS, ROW_WORDS } from "../kernels/statistics.ts";
import {
  type Quantity,
  quantileBytes,
  quantitiesOf,
  statisticsKernel,
} from "../kernels/statisticsQuantiles.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type ArenaLayout, layOut } from "./segments.ts";

/** Threads for the statistics of a tensor: to a software adapter they cost more than they bring. */
const STATISTICS_THREADS = gpu.adapter.software ? 4 : 256;

/**
 * Threads that share a chunk, and its elements: what a thread reads before its loop, and the partial that it
 * leaves, cost a software adapter, whose registers hold four threads, as much as many elements; a GPU wants
 * many threads.
 */
const CHUNK_THREADS = gpu.adapter.software ? 4 : 64;
export const CHUNK_FLOATS = 4096;

/** Workgroups in a row of a dispatch, by WebGPU's least limit. */
const MAX_WIDTH = 65_535;

let created = 0;

export class Arena {
  readonly parameters: readonly Tensor[];
  /** What the statistics kernels leave, one row a tensor; undefined where none are taken. */
  readonly rows: BufferRange | undefined;
  /** The histograms of step sizes that they leave behind the rows, one a tensor. */
  readonly histograms: BufferRange | undefined;
  readonly #id = created++;
  readonly #layout: ArenaLayout;
  readonly #places: GPUBuffer;
  readonly #theta: GPUBuffer;
  readonly #grads: GPUBuffer;
  readonly #gradStorages: readonly Storage[];
  /** Gradients that live elsewhere, and were copied to their places: the same is not copied again. */
  readonly #copied: ({ readonly from: WeakRef<Node>; readonly version: number } | undefined)[] = [];
  readonly #statistics: Statistics | undefined;
  readonly #scalars: Uint32Array;
  readonly #hyper: Float32Array;
  readonly #state = new Map<string, StateArray>();
  /** Where step sizes of elements were put, by tensor. */
  readonly #sizes = new Map<number, Storage>();
  #rule: UpdateRule;
  #guards: Guards | undefined;
  #runs = 0;

  /** Moves the parameters together. */
  constructor(parameters: readonly Tensor[], rule: UpdateRule, instrumented: boolean) {
    this.parameters = parameters;
    this.#layout = layOut(
      parameters.map(parameter => parameter.numel),
      CHUNK_FLOATS,
      CHUNK_THREADS,
    );
    const { words } = this.#layout;
    this.#places = createBuffer(words.byteLength, STORAGE_USAGE, "arena layout");
    gpu.device.queue.writeBuffer(this.#places, 0, words);
    this.#theta = this.#createArray("parameters");
    this.#grads = this.#createArray("gradients");
    this.#gradStorages = this.#createStorages(this.#grads);
    this.#scalars = new Uint32Array(parameters.length * HYPER_WORDS);
    this.#hyper = new Float32Array(this.#scalars.buffer);
    this.#rule = rule;
    this.setRule(rule);
    if (instrumented) {
      this.#statistics = this.#createStatistics();
      const buffer = this.#statistics.rows;
      const size = parameters.length * ROW_WORDS * 4;
      this.rows = { buffer, offset: 0, size };
      this.histograms = { buffer, offset: size, size: buffer.size - size };
    }
  }

  /** Updates by another rule from now on; state that there was not before starts at zero. */
  setRule(rule: UpdateRule): void {
    this.#rule = rule;
    for (const name of rule.state) {
      if (this.#state.has(name)) continue;
      this.#state.set(name, { buffer: this.#createArray(name), storages: undefined });
    }
  }

  /** What an array of the rule's state holds of a tensor, in the tensor's shape. */
  readState(name: string, tensor: number): Node {
    const parameter = this.parameters[tensor];
    const storage = this.#stateStorages(name)[tensor];
    if (!parameter || !storage) throw new Error(`Invariant violation: no ${name} of ${tensor}`);
    return leafNode(storage, parameter.shape, "float32");
  }

  /** Gives a tensor another state. */
  writeState(name: string, tensor: number, value: Node): void {
    assign(this.readState(name, tensor), value);
  }

  /** Whether the GPU decides if a step is taken. */
  get isGuarded(): boolean {
    return this.#guards !== undefined;
  }

  /**
   * Has the GPU decide from now on if a step is taken, and count those that are.
   * @param taken steps of each tensor so far.
   */
  guard(taken: readonly number[]): void {
    this.#guards ??= {
      counts: this.#createStorage(taken.length * 16, "steps taken"),
      skips: this.#createStorage(4, "whether to skip a step"),
    };
    const { buffer } = this.#guards.counts.range;
    gpu.device.queue.writeBuffer(buffer, 0, Float32Array.from(taken.flatMap(n => [0, n, 0, 0])));
  }

  /** Has the next step skipped unless this is 0. */
  setSkip(skip: Node): void {
    if (this.#guards) assign(leafNode(this.#guards.skips, [], "float32"), skip);
  }

  /** Of a guarded arena, [tensors, 4]: whether the latest step was taken, how many were, nothing. */
  get takenSteps(): Node {
    if (!this.#guards) throw new Error("Invariant violation: an arena without guards");
    return leafNode(this.#guards.counts, [this.parameters.length, 4], "float32");
  }

  /** Parameters and optimizer state. */
  get state(): readonly Memory[] {
    const arrays = [...this.#state.values()].map(({ buffer }) => buffer);
    const memory = [this.#theta, ...arrays].map(buffer => ({ range: whole(buffer) }));
    return this.#guards ? [...memory, this.#guards.counts] : memory;
  }

  /** Has the handles of the parameters mean what stands in the arena now. */
  rewritten(): void {
    this.parameters.forEach(({ node }, i) => {
      if (!node.storage) return;
      node.storage.version++;
      this.refresh(i);
    });
  }

  /** A range with something of the arena in it, whatever it is. */
  get fence(): BufferRange {
    return whole(this.#places);
  }

  /**
   * Sets the hyper-parameters of a tensor, in the order of the rule's words.
   * @param words undefined: the tensor stays as it is.
   */
  setHyper(tensor: number, words: readonly number[] | undefined): void {
    this.#hyper.set(words ? [1, ...words] : [0], tensor * HYPER_WORDS);
  }

  /** Brings parameters to their places that are not there: new ones, or another optimizer's. */
  gatherParameters(): void {
    this.parameters.forEach((parameter, i) => {
      if (!parameter.node.storage?.bound) parameter.node = persist(parameter.node);
      const { storage } = parameter.node;
      const offset = (this.#layout.segments[i]?.start ?? 0) * 4;
      const range = storage?.range;
      if (range?.buffer === this.#theta && range.offset === offset) return;
      storage?.moveTo(this.#theta, offset);
    });
  }

  /** Has the gradient of a tensor computed straight into its place. */
  gatherGradient(tensor: number): void {
    const parameter = this.parameters[tensor];
    const storage = this.#gradStorages[tensor];
    const grad = parameter?.grad;
    if (!parameter || !grad || !storage) return;
    if (!sameShape(grad.shape, parameter.shape)) {
      throw new RangeError(
        `optimizer.step(): the gradient of a parameter of shape ${formatShape(parameter.shape)} ` +
          `has shape ${formatShape(grad.shape)}; both have to agree`,
      );
    }
    const { node } = grad;
    if (node.storage === storage) return;
    const last = this.#copied[tensor];
    if (last?.from.deref() === node && last.version === storage.version) return;
    const placed = assign(leafNode(storage, grad.shape, grad.dtype), node);
    // A gradient that was not computed yet lives in the arena from now on.
    if (!node.storage && !node.host) grad.node = placed;
    else this.#copied[tensor] = { from: new WeakRef(node), version: storage.version };
  }

  /** The update of the tensors that have a gradient, to be recorded after those. */
  program(
    updated: readonly boolean[],
    after: Pick<Program, "encodeAfter" | "afterSubmit">,
  ): Program {
    const isFirst = this.#runs++ === 0;
    return {
      ...after,
      key:
        `arena${this.#id}.${this.#rule.name}${isFirst ? ".first" : ""}` +
        (this.#guards ? ".guarded" : ""),
      dispatches: () => this.#dispatches(isFirst),
      scalars: this.#scalars,
      writes: [
        ...(this.#guards ? [this.#guards.counts] : []),
        ...this.parameters.flatMap(({ node }, i) => {
          if (!updated[i]) return [];
          const state = this.#rule.state.map(name => this.#state.get(name)?.storages?.[i]);
          return [node.storage, ...state].flatMap(storage => storage ?? []);
        }),
      ],
    };
  }

  /**
   * |Δθ| / η of each element of a tensor in the latest update, in its shape: to be asked for before
   * anything of the next step is computed. Undefined if the tensor had no part in it.
   */
  stepSizes(tensor: number): Node | undefined {
    const parameter = this.parameters[tensor];
    if (!parameter || this.#hyper[tensor * HYPER_WORDS] !== 1) return undefined;
    const storage =
      this.#sizes.get(tensor) ?? this.#createStorage(parameter.numel * 4, "step sizes of elements");
    this.#sizes.set(tensor, storage);
    const groups = Math.ceil(parameter.numel / (4 * ELEMENTS_THREADS));
    const width = Math.min(groups, MAX_WIDTH);
    const { size, arrays, guards } = this.#inputs();
    recordProgram({
      key: `arena${this.#id}.${this.#rule.name}.elements${tensor}${this.#guards ? ".guarded" : ""}`,
      dispatches: () => [
        {
          label: "step sizes of elements",
          wgsl: elementsKernel(this.#rule, size, tensor, guards.length > 0),
          bindings: [...arrays, storage.range, ...guards],
          workgroups: [width, Math.ceil(groups / width), 1],
        },
      ],
      scalars: this.#scalars,
      writes: [storage],
    });
    return leafNode(storage, parameter.shape, "float32");
  }

  /** Makes the handle of a parameter mean its value after the update. */
  refresh(tensor: number): void {
    const parameter = this.parameters[tensor];
    const storage = parameter?.node.storage;
    if (!parameter || !storage) return;
    parameter.node = leafNode(storage, parameter.shape, parameter.dtype);
    parameter.version++;
  }

  #dispatches(isFirst: boolean): ProgramDispatch[] {
    const rule = this.#rule;
    const { floats, chunks, tensors, size, arrays, guards } = this.#inputs();
    const statistics = this.#statistics;
    const guarded = guards.length > 0;
    const update: ProgramDispatch = {
      label: rule.name,
      wgsl: updateKernel(rule, size, { instrumented: statistics !== undefined, guarded }),
      bindings: [...arrays, ...guards],
      workgroups: [chunks, 1, 1],
    };
    const count = this.#guards ? [countDispatch(this.#guards, tensors)] : [];
    if (!statistics) return [...count, update];
    const [origin, partials, rows] = [statistics.origin, statistics.partials, statistics.rows].map(
      whole,
    ) as [BufferRange, BufferRange, BufferRange];
    const copyOrigin: ProgramDispatch = {
      label: "starting point",
      wgsl: originKernel(CHUNK_FLOATS),
      bindings: [whole(this.#theta), origin],
      workgroups: [Math.ceil(floats / CHUNK_FLOATS), 1, 1],
    };
    return [
      ...(isFirst ? [copyOrigin] : []),
      ...count,
      { ...update, bindings: [...arrays, origin, partials, ...guards] },
      ...quantilePasses(rule).map((quantities, pass) => {
        const folds = pass === 0;
        const parts = { folds, quantities, threads: STATISTICS_THREADS, guarded };
        return {
          label: "statistics",
          wgsl: statisticsKernel(rule, size, parts),
          bindings: [...arrays, rows, ...(folds ? [partials] : []), ...guards],
          workgroups: [tensors, 1, 1] as const,
        };
      }),
    ];
  }

  /** What kernels over the arena bind, and how large it is. */
  #inputs() {
    const tensors = this.parameters.length;
    const { floats, chunks, segments } = this.#layout;
    const state = this.#rule.state.flatMap(name => this.#state.get(name)?.buffer ?? []);
    const arrays = [this.#places, this.#theta, this.#grads, ...state].map(whole);
    const guards = this.#guards ? [this.#guards.counts.range] : [];
    const padded = segments.some(({ elements }) => elements % 4 !== 0);
    const size = { tensors, floats, chunks, padded, chunkThreads: CHUNK_THREADS };
    return { ...size, size, arrays, guards };
  }

  /** The state of each tensor as a storage of its own, made when somebody asks. */
  #stateStorages(name: string): readonly Storage[] {
    const array = this.#state.get(name);
    if (!array) throw new Error(`Invariant violation: there is no state ${name}`);
    array.storages ??= this.#createStorages(array.buffer);
    return array.storages;
  }

  #createStorages(buffer: GPUBuffer): Storage[] {
    return this.#layout.segments.map(
      ({ start, elements }) => new Storage({ buffer, offset: start * 4, size: elements * 4 }, true),
    );
  }

  #createStorage(bytes: number, label: string): Storage {
    return new Storage(whole(createBuffer(bytes, STORAGE_USAGE, label)), true);
  }

  #createArray(label: string): GPUBuffer {
    return createBuffer(this.#layout.floats * 4, STORAGE_USAGE, label);
  }

  #createStatistics(): Statistics {
    const partialBytes = this.#layout.chunks * CHUNK_THREADS * PARTIAL_WORDS * 4;
    return {
      origin: this.#createArray("parameters at the start"),
      partials: createBuffer(partialBytes, STORAGE_USAGE, "statistics of threads"),
      rows: createBuffer(
        this.parameters.length * (ROW_WORDS + HISTOGRAM_WORDS) * 4,
        STORAGE_USAGE,
        "statistics of tensors",
      ),
    };
  }
}

/** State of all tensors, and of each. */
interface StateArray {
  readonly buffer: GPUBuffer;
  storages: readonly Storage[] | undefined;
}

/** What decides if a step is taken; see countKernel. */
interface Guards {
  readonly counts: Storage;
  readonly skips: Storage;
}

interface Statistics {
  /** θ₀ */
  readonly origin: GPUBuffer;
  readonly partials: GPUBuffer;
  readonly rows: GPUBuffer;
}

function countDispatch({ counts, skips }: Guards, tensors: number): ProgramDispatch {
  return {
    label: "count steps",
    wgsl: countKernel(tensors),
    bindings: [counts.range, skips.range],
    workgroups: [1, 1, 1],
  };
}

/** What is counted at once: each by itself where workgroups have too little memory for both. */
function quantilePasses(rule: UpdateRule): readonly (readonly Quantity[])[] {
  const all = quantitiesOf(rule);
  const most = gpu.device.limits.maxComputeWorkgroupStorageSize;
  return quantileBytes(all.length) <= most ? [all] : all.map(quantity => [quantity]);
}

function whole(buffer: GPUBuffer): BufferRange {
  return { buffer, offset: 0, size: buffer.size };
}
