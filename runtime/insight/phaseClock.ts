/**
 * Where the host's time of a step goes. Nothing here waits for the GPU, which works behind: these are
 * times between the calls of the script, by the host's clock. The forward pass is all from the end of
 * the step before to `backward()` — the script's own work, reading data, recording operations, and
 * what it waits for itself, such as `item()` —, backward is the time inside of `backward()`, waiting is
 * the time in which `await optimizer.step()` holds the loop back until the GPU has caught up. What
 * remains of a step is the optimizer's: recording the update and submitting it all.
 */
import { performance } from "node:perf_hooks";

/** Milliseconds. NaN where they are not known: without `backward()`, and of steps by hand. */
export interface PhaseTimes {
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly waitMs: number;
}

const UNKNOWN: PhaseTimes = { forwardMs: Number.NaN, backwardMs: Number.NaN, waitMs: Number.NaN };

let border = performance.now();
let forward = 0;
let backward = 0;
let wait = 0;
let isKnown = false;

/** To be called when `backward()` begins. */
export function backwardBegins(): void {
  const now = performance.now();
  forward += now - border;
  border = now;
}

/** To be called when `backward()` has recorded its operations. */
export function backwardEnds(): void {
  const now = performance.now();
  backward += now - border;
  border = now;
  isKnown = true;
}

/** To be called when the loop goes on that was held back since `from`. */
export function loopWaited(from: number): void {
  border = performance.now();
  wait += border - from;
}

/** Begins a step anew, at `now`, without what was counted. */
export function beginPhases(now: number): void {
  border = now;
  forward = 0;
  backward = 0;
  wait = 0;
  isKnown = false;
}

/** The times of the step that ends at `now`; the next one begins. */
export function takePhases(now: number): PhaseTimes {
  const times = isKnown ? { forwardMs: forward, backwardMs: backward, waitMs: wait } : UNKNOWN;
  beginPhases(now);
  return times;
}
