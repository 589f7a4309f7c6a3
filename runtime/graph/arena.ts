/**
 * The arena: one buffer in which every plan places its uploads and temporaries. What a plan left
 * there is intact until the next one runs; until then it can be copied out.
 */
import { createBuffer, destroyBuffer, gpu } from "../gpu/device.ts";
import type { BufferRange, Storage } from "../gpu/storage.ts";
import { allocateBound, allocateSmall, SMALL_BYTES, STORAGE_USAGE } from "../gpu/storage.ts";
import { encodeHalves } from "../kernels/halfValues.ts";
import type { DType } from "../kernels/op.ts";
import { storedBytes } from "../kernels/op.ts";
import { numel } from "../tensor/shape.ts";
import type { HostData, Node } from "./node.ts";

let buffer: GPUBuffer | undefined;
let epoch = 0;
/** The latest epoch of any arena. */
let epochs = 0;

/** Counts the plans that have run: a value with another `arenaEpoch` is overwritten. */
export function arenaEpoch(): number {
  return epoch;
}

/** The arena, grown to at least `bytes`; for a plan that is about to run. */
export function openArena(bytes: number): GPUBuffer {
  epoch = ++epochs;
  if (!buffer || buffer.size < bytes) {
    if (buffer) destroyBuffer(buffer);
    const size = Math.min(roomFor(bytes), gpu.device.limits.maxBufferSize);
    buffer = createBuffer(Math.max(bytes, size), STORAGE_USAGE, "the step's temporaries");
  }
  return buffer;
}

/** At most an eighth more: plans that grow little by little do not each get a new arena. */
function roomFor(bytes: number): number {
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 4);
  return Math.ceil(bytes / step) * step;
}

/**
 * Runs `fn` with an arena of its own: what the latest plan left is still there afterwards, as if none
 * had run in between.
 */
export async function withOwnArena<T>(fn: () => Promise<T>): Promise<T> {
  const shelved = { buffer, epoch };
  buffer = undefined;
  epoch = ++epochs;
  try {
    return await fn();
  } finally {
    if (buffer) destroyBuffer(buffer);
    ({ buffer, epoch } = shelved);
  }
}

/** An arena beside the step's, for what is computed between two steps over and over. */
export class OwnArena {
  #buffer: GPUBuffer | undefined;

  /** Runs plans in it: what the latest plan left in the step's arena is still there afterwards. */
  run<T>(fn: () => T): T {
    const shelved = { buffer, epoch };
    buffer = this.#buffer;
    epoch = ++epochs;
    try {
      return fn();
    } finally {
      this.#buffer = buffer;
      ({ buffer, epoch } = shelved);
    }
  }

  free(): void {
    if (this.#buffer) destroyBuffer(this.#buffer);
    this.#buffer = undefined;
  }
}

/** Bytes of a value. */
export function nodeBytes(node: Node): number {
  return storedBytes(node.dtype, numel(node.shape));
}

/** Data of the host as it lies on the GPU. */
export function stored(host: HostData, dtype: DType): HostData {
  return dtype === "float16" ? encodeHalves(host) : host;
}

/** A storage for a result of this size. */
export function allocate(bytes: number): Storage {
  return bytes <= SMALL_BYTES ? allocateSmall(bytes) : allocateBound(bytes, "a result");
}

/** Where in the arena a value of the latest plan lies; undefined if it is not there any more. */
export function arenaRange(node: Node): BufferRange | undefined {
  if (!buffer || node.arenaEpoch !== epoch) return undefined;
  return { buffer, offset: node.arenaOffset, size: nodeBytes(node) };
}

/** Copies a value of the latest plan out of the arena, if it is still there. */
export function rescue(node: Node): void {
  const from = arenaRange(node);
  if (!from) {
    node.arenaEpoch = -1;
    return;
  }
  const storage = allocate(nodeBytes(node));
  const { range } = storage;
  const encoder = gpu.device.createCommandEncoder({ label: "keep a value" });
  encoder.copyBufferToBuffer(from.buffer, from.offset, range.buffer, range.offset, range.size);
  gpu.device.queue.submit([encoder.finish()]);
  node.realize(storage);
}

/** Writes data of the host into a storage of its own. */
export function upload(node: Node, host: HostData): Storage {
  const storage = allocateBound(nodeBytes(node), "data");
  const { buffer, offset } = storage.range;
  const data = stored(host, node.dtype);
  const { byteOffset, byteLength } = data;
  gpu.device.queue.writeBuffer(buffer, offset, data.buffer as ArrayBuffer, byteOffset, byteLength);
  return storage;
}
