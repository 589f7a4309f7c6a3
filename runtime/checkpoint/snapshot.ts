/**
 * Snapshots of a training loop between two steps. Taking one queues copies on the GPU and waits for
 * nothing; going back to one makes what follows the same, bit by bit.
 */
import { createBuffer, destroyBuffer, gpu } from "../gpu/device.ts";
import { STORAGE_USAGE } from "../gpu/storage.ts";
import { flush } from "../graph/graph.ts";
import { captureTensors } from "../tensor/changed.ts";
import { allParts, type Memory } from "./parts.ts";

/** The state of a loop as it was when `takeSnapshot` was called. */
export interface Snapshot {
  /** GPU memory that it holds. */
  readonly bytes: number;
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
  return {
    bytes,
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
