/**
 * How long passes take on the GPU, by what they are for: timestamps where they begin and end. To resolve them
 * costs more than many a kernel, so they are taken only when somebody has asked for them.
 */
import { createBuffer, gpu } from "./device.ts";
import type { BufferRange } from "./storage.ts";

const MOST_PASSES = 64;
/** Bytes of a pass: two timestamps. */
const PASS_BYTES = 16;

/** Bytes of the times of as many passes as are timed together. */
export const PASS_TIMES_BYTES = MOST_PASSES * PASS_BYTES;

/** Timestamps that are where they can be copied from when the commands have run. */
export interface PassTimes {
  readonly range: BufferRange;
  /** What each pass was for. Its timestamps are two u64 of nanoseconds, low words first. */
  readonly labels: readonly string[];
}

let timer: { readonly queries: GPUQuerySet; readonly resolved: GPUBuffer } | undefined;
let labels: string[] | undefined;

/** Times the passes from here on to `takePassTimes`, where the adapter can. */
export function timePasses(): void {
  if (!gpu.device.features.has("timestamp-query")) return;
  timer ??= {
    queries: gpu.device.createQuerySet({ type: "timestamp", count: 2 * MOST_PASSES }),
    resolved: createBuffer(
      PASS_TIMES_BYTES,
      GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      "times of passes",
    ),
  };
  labels = [];
}

/** Forgets the times since `timePasses()`, and takes no more. */
export function dropPassTimes(): void {
  labels = undefined;
}

/** Whether passes are timed now: kernels that are not for the same need passes of their own. */
export function isTimingPasses(): boolean {
  return labels !== undefined;
}

/** What a compute pass is begun with, for it to be timed if passes are. Of too many none is. */
export function timedPass(label: string): GPUComputePassDescriptor {
  if (labels?.length === MOST_PASSES) dropPassTimes();
  if (!timer || !labels) return { label };
  const at = 2 * labels.length;
  labels.push(label);
  const { queries: querySet } = timer;
  const timestampWrites = {
    querySet,
    beginningOfPassWriteIndex: at,
    endOfPassWriteIndex: at + 1,
  };
  return { label, timestampWrites };
}

/**
 * Ends the timing, and encodes that the timestamps become readable.
 * @returns undefined where no pass was timed.
 */
export function takePassTimes(encoder: GPUCommandEncoder): PassTimes | undefined {
  const timed = labels;
  labels = undefined;
  if (!timer || !timed || timed.length === 0) return undefined;
  const { queries, resolved } = timer;
  encoder.resolveQuerySet(queries, 0, 2 * timed.length, resolved, 0);
  return {
    range: { buffer: resolved, offset: 0, size: timed.length * PASS_BYTES },
    labels: timed,
  };
}
