/** A loop that runs and is held at the gate, so that a probe takes its steps. */
import { type Snapshot, takeSnapshot } from "../../checkpoint/snapshot.ts";
import { type StepBatch, stepValue } from "../../protocol/steps.ts";
import { type Gate, type SteppingOptimizer, setGate } from "../gate.ts";
import { drain } from "../recorder.ts";
import type { Measured, ProbedLoop } from "./loop.ts";

/**
 * Holds the loop behind the next step of an optimizer until `release()`. Its steps are those of that
 * optimizer; others have theirs in between, at rates in the same proportion.
 *
 * What the script counts itself goes on counting; all else is put back by `rewind()`.
 */
export class HeldLoop implements Gate, ProbedLoop {
  readonly #isBeforeRun: boolean;
  #lr: number | undefined;
  /** η of the groups as the script set them when they were first seen. */
  readonly #own = new Map<object, number>();
  #holder: SteppingOptimizer | undefined;
  #snapshot: Snapshot | undefined;
  #latest: Measured = { loss: Number.NaN, travel: Number.NaN };
  #arrival = Promise.withResolvers<Measured>();
  #departure = Promise.withResolvers<void>();
  #isHeld = false;
  #failure: Error | undefined;

  /**
   * Puts up the gate. The observer of the process has to hand its batches to `steps`.
   * @param firstLr η in the step until the loop is held, if that is not to be the script's: at 0 the
   *   parameters are the first ones when it is.
   */
  constructor(firstLr?: number) {
    this.#isBeforeRun = firstLr !== undefined;
    this.#lr = firstLr;
    setGate(this);
  }

  /** Resolves when the loop is held. */
  async held(): Promise<void> {
    await this.#arrival.promise;
    this.#snapshot = takeSnapshot();
  }

  get lr(): number {
    const [first] = this.#holder?.paramGroups ?? [];
    return (first && this.#own.get(first)) ?? Number.NaN;
  }

  async step(lr: number): Promise<Measured> {
    if (this.#failure) throw this.#failure;
    this.#lr = lr;
    this.#arrival = Promise.withResolvers();
    this.#depart();
    return this.#arrival.promise;
  }

  rewind(): void {
    this.#snapshot?.restore();
  }

  /** Lets the loop go on by itself. */
  release(): void {
    setGate(undefined);
    this.#snapshot?.free();
    this.#depart();
  }

  /** Takes what was measured. */
  steps(batch: StepBatch): void {
    const row = batch.count - 1;
    this.#latest = {
      loss: stepValue(batch, row, "loss"),
      travel: stepValue(batch, row, "travel"),
    };
  }

  before(optimizer: SteppingOptimizer): (() => void) | undefined {
    this.#holder ??= optimizer;
    const { paramGroups } = optimizer;
    if (this.#isHeld) {
      this.#failure = new Error(
        "The loop cannot be held: it calls optimizer.step() without await. Write " +
          "`await optimizer.step()`.",
      );
    }
    for (const group of paramGroups) {
      // A schedule that warms up has changed the rate that was meant.
      const own = (this.#isBeforeRun ? group.initialLr : undefined) ?? group.lr;
      if (!this.#own.has(group)) this.#own.set(group, own);
    }
    const lr = this.#lr;
    if (lr === undefined) return undefined;
    const rates = paramGroups.map(group => group.lr);
    const first = this.#own.get(this.#holder.paramGroups[0] ?? {}) || 1;
    for (const group of paramGroups) group.lr = lr * ((this.#own.get(group) || first) / first);
    return () => {
      paramGroups.forEach((group, i) => {
        group.lr = rates[i] ?? group.lr;
      });
    };
  }

  after(optimizer: object): Promise<void> | undefined {
    return optimizer === this.#holder ? this.#hold() : undefined;
  }

  async #hold(): Promise<void> {
    const { promise } = this.#departure;
    this.#isHeld = true;
    try {
      await drain();
      this.#arrival.resolve(this.#latest);
    } catch (error) {
      this.#arrival.reject(error);
    }
    await promise;
  }

  #depart(): void {
    this.#isHeld = false;
    const { resolve } = this.#departure;
    this.#departure = Promise.withResolvers();
    resolve();
  }
}
