/**
 * Where values live on the GPU. A tensor points at a `Storage`, never at a buffer, so that the bytes
 * can move (a parameter into its optimizer's arena) without the user's handle knowing.
 */
import { createBuffer, destroyBuffer, gpu } from "./device.ts";

/** A range of a buffer. Offsets of ranges that are bound to kernels are multiples of 256. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export const STORAGE_USAGE =
  GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** Largest result that never goes stale: it is copied out of the step's arena. */
export const SMALL_BYTES = 64 * 1024;

let nextId = 0;

/** A realized value: a range of a buffer, and how often it was written. */
export class Storage {
  /** Bound to kernels directly (parameters, large results); else copied into a plan's arena. */
  readonly bound: boolean;
  /** Identity for the cache of bind groups; a new one after every move. */
  id = nextId++;
  /** Grows with every write in place. */
  version = 0;
  #range: BufferRange;
  /** Whether the bytes go back to the pool: those of an optimizer's arena do not. */
  #pooled: boolean;

  constructor(range: BufferRange, bound: boolean, pooled = false) {
    this.#range = range;
    this.bound = bound;
    this.#pooled = pooled;
  }

  get range(): BufferRange {
    return this.#range;
  }

  /**
   * Moves a bound value to `offset` of another buffer (a multiple of 256) and frees the old bytes. The
   * new buffer belongs to the caller, who keeps it alive as long as the storage is used.
   */
  moveTo(buffer: GPUBuffer, offset: number): void {
    const { buffer: from, offset: fromOffset, size } = this.#range;
    const encoder = gpu.device.createCommandEncoder({ label: "move storage" });
    encoder.copyBufferToBuffer(from, fromOffset, buffer, offset, size);
    gpu.device.queue.submit([encoder.finish()]);
    const old = this.#range;
    this.#range = { buffer, offset, size };
    this.id = nextId++;
    release.unregister(this);
    // Parameters move once, all of them: a pool of their buffers would wait for nobody.
    if (this.#pooled) destroyBuffer(old.buffer);
    this.#pooled = false;
  }
}

/** Frees what a collected storage held. The safety net is V8's; bytes come back some time later. */
const release = new FinalizationRegistry(
  ({ range, bound }: { range: BufferRange; bound: boolean }) => free(range, bound),
);

/** Bytes of a storage that holds `bytes` of data: copies move multiples of 4. */
function paddedSize(bytes: number): number {
  return Math.max(4, Math.ceil(bytes / 4) * 4);
}

/** A storage in a buffer of its own, bound to kernels where it lies. */
export function allocateBound(bytes: number, label: string): Storage {
  const size = sizeClass(paddedSize(bytes), 256);
  const buffer = pooled.get(size)?.pop() ?? createBuffer(size, STORAGE_USAGE, label);
  return register(new Storage({ buffer, offset: 0, size: paddedSize(bytes) }, true, true));
}

/** A storage for a small result (at most SMALL_BYTES), cut from a slab. */
export function allocateSmall(bytes: number): Storage {
  const size = paddedSize(bytes);
  const slot = sizeClass(size, 16);
  const range = slabSlots.get(slot)?.pop() ?? cutSlab(slot);
  return register(new Storage({ ...range, size }, false, true));
}

function register(storage: Storage): Storage {
  release.register(storage, { range: storage.range, bound: storage.bound }, storage);
  return storage;
}

const pooled = new Map<number, GPUBuffer[]>();
const slabSlots = new Map<number, BufferRange[]>();
const SLAB_BYTES = 1 << 20;
/** Buffers kept for reuse; more of a size than this are given back to the device. */
const POOL_LIMIT = 8;
let slab: GPUBuffer | undefined;
let slabUsed = SLAB_BYTES;

function cutSlab(size: number): BufferRange {
  if (!slab || slabUsed + size > SLAB_BYTES) {
    slab = createBuffer(SLAB_BYTES, STORAGE_USAGE, "small results");
    slabUsed = 0;
  }
  const range = { buffer: slab, offset: slabUsed, size };
  slabUsed += size;
  return range;
}

function free(range: BufferRange, bound: boolean): void {
  if (!bound) {
    const size = sizeClass(range.size, 16);
    listAt(slabSlots, size).push({ ...range, size });
    return;
  }
  const { buffer } = range;
  const buffers = listAt(pooled, buffer.size);
  if (buffers.length < POOL_LIMIT) buffers.push(buffer);
  else destroyBuffer(buffer);
}

function listAt<T>(lists: Map<number, T[]>, size: number): T[] {
  const list = lists.get(size) ?? [];
  lists.set(size, list);
  return list;
}

/** The power of two at or above `bytes`, at least `least`. */
function sizeClass(bytes: number, least: number): number {
  return Math.max(least, 2 ** Math.ceil(Math.log2(bytes)));
}
