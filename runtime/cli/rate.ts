import type { StepSummary } from "./format.ts";

/** Milliseconds over which the rate is taken. */
const WINDOW_MS = 2000;

/** Steps per second of late. */
export class StepRate {
  readonly #seen: StepSummary[] = [];

  add(summary: StepSummary): void {
    this.#seen.push(summary);
    while ((this.#seen[1]?.time ?? Number.POSITIVE_INFINITY) < summary.time - WINDOW_MS) {
      this.#seen.shift();
    }
  }

  /** 0 until two steps are known. */
  get perSecond(): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.time <= first.time) return 0;
    return ((last.step - first.step) / (last.time - first.time)) * 1000;
  }
}
