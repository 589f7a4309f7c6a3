import { secondsLeftInEpoch } from "../protocol/epoch.ts";
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
    return this.#perSecond(({ step }) => step);
  }

  /** Until the pass over the data ends; NaN where that is not known. */
  get secondsLeft(): number {
    const epoch = this.#seen.at(-1)?.epoch ?? Number.NaN;
    return secondsLeftInEpoch(
      epoch,
      this.#perSecond(each => each.epoch),
    );
  }

  #perSecond(of: (summary: StepSummary) => number): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.time <= first.time) return 0;
    return ((of(last) - of(first)) / (last.time - first.time)) * 1000;
  }
}
