/**
 * Where the GPU's time of a step goes. A kernel belongs to the phase whose operation it computes: it may run
 * later, beside the kernels of another phase. What several phases share is the first one's.
 *
 * Timestamps cost a small step more than its instruments may, so that a step is timed only every LOOK_MS.
 */
import { dropPassTimes, timePasses } from "../gpu/passTimes.ts";

/** Milliseconds. NaN as long as they are not known. */
export interface GpuTimes {
  readonly gpuForwardMs: number;
  readonly gpuBackwardMs: number;
  readonly gpuStepMs: number;
}

/** Milliseconds from one step that is timed to the next. */
const LOOK_MS = 50;

const NANOSECONDS = 1e6;

export const UNKNOWN_TIMES: GpuTimes = {
  gpuForwardMs: Number.NaN,
  gpuBackwardMs: Number.NaN,
  gpuStepMs: Number.NaN,
};

let lookedAt = Number.NEGATIVE_INFINITY;

/** To be called when a step is encoded, at `now`: the next is timed if that is due. */
export function stepEncoded(now: number): void {
  if (now - lookedAt < LOOK_MS) return;
  lookedAt = now;
  timePasses();
}

/** To be called when the loop goes on that was held: what ran meanwhile belongs to no step. */
export function forgetTimes(): void {
  dropPassTimes();
  lookedAt = Number.NEGATIVE_INFINITY;
}

/**
 * The times of a step.
 * @param words two timestamps of each pass, from `at` on, low words first.
 * @param phases of the passes.
 */
export function gpuTimes(words: Uint32Array, at: number, phases: readonly string[]): GpuTimes {
  const total = (phase: string): number =>
    phases.reduce((sum, each, i) => sum + (each === phase ? passMs(words, at + 4 * i) : 0), 0);
  return {
    gpuForwardMs: total("forward"),
    gpuBackwardMs: total("backward"),
    gpuStepMs: total("step"),
  };
}

function passMs(words: Uint32Array, at: number): number {
  const [low = 0, high = 0, endLow = 0, endHigh = 0] = words.subarray(at, at + 4);
  // A clock of the GPU may be set back.
  return Math.max(0, (endHigh - high) * 2 ** 32 + (endLow - low)) / NANOSECONDS;
}
