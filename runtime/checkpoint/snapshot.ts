/**
 * Snapshots of a training loop between two steps. Taking one queues copies on the GPU and waits for
 * nothing; going back to one makes what follows the same, bit by bit.
 */
import { createBuffer, destroyBuffer, gpu } from "../gpu/device.ts";
import { type BufferRange, STORAGE_USAGE } from "../gpu/storage.ts";
import { flush } from "../graph/graph.ts";
import { captureTensors } from "../tensor/changed.ts";
import { allParts, type Memory } from "./parts.ts";

/** The state of a loop as it was when `takeSnapshot` was called. */
export interface Snapshot {
  /** GPU memory that it holds. */
  readonly bytes: number;
  /** Where what lies in `range` now was copied to; undefined if that is not in it. */
  find(range: BufferRange): BufferRange | undefined;
  /** Puts the state back. May be called again. */
  restore(): void;
  /** Frees its memory. */
  free(): void;
}

/**
 * Takes a snapshot: of parameters, buffers and other tensors that are changed in place, optimizer
 * state, schedules, random numbers and the position of data loaders. To be called between two steps.
 *
 * Not in it are gradients, and the script's own variables: a counter of steps goes on.
 */
export function takeSnapshot(): Snapshot;
/** @returns undefined if it would hold more than `budget` bytes. */
export function takeSnapshot(budget: number): Snapshot | undefined;
export function takeSnapshot(budget = Number.POSITIVE_INFINITY): Snapshot | undefined {
  const parts = allParts();
  const memory = parts.flatMap(part => part.memory?.() ?? []);
  const tensors = captureTensors(memory);
  const places = [...memory, ...tensors.memory];
  const bytes = places.reduce((sum, { range }) => sum + range.size, 0);
  if (bytes > budget) return undefined;
  const puts = [...parts.map(part => part.capture()), tensors.put];
  // What is recorded and not yet computed belongs to the state.
  flush();
  const copy = createBuffer(Math.max(4, bytes), STORAGE_USAGE, "snapshot");
  transfer(places, (encoder, range, offset) =>
    encoder.copyBufferToBuffer(range.buffer, range.offset, copy, offset, range.size),
  );
  const copied = places.map(({ range }) => range);
  return {
    bytes,
    find: ({ buffer, offset, size }) => {
      let start = 0;
      for (const range of copied) {
        const inside = offset - range.offset;
        if (range.buffer === buffer && inside >= 0 && inside + size <= range.size) {
          return { buffer: copy, offset: start + inside, size };
        }
        start += range.size;
      }
      return undefined;
    },
    restore: () => {
      // What was computed from the state until now keeps its value.
      flush();
      transfer(places, (encoder, range, offset) =>
        encoder.copyBufferToBuffer(copy, offset, range.buffer, range.offset, range.size),
      );
      for (const put of puts) put();
    },
    free: () => destroyBuffer(copy),
  };
}

/** Encodes a copy of each place from or to its place in a snapshot, and submits them. */
function transfer(
  places: readonly Memory[],
  encode: (encoder: GPUCommandEncoder, range: Memory["range"], offset: number) => void,
): void {
  const encoder = gpu.device.createCommandEncoder({ label: "snapshot" });
  let offset = 0;
  for (const { range } of places) {
    encode(encoder, range, offset);
    offset += range.size;
  }
  gpu.device.queue.submit([encoder.finish()]);
}
