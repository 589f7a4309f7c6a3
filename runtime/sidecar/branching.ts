/** Tries learning rates from the place at which a loop is held, and brings it back there. */
import type { Snapshot } from "../checkpoint/snapshot.ts";
import type { Branch, Branches } from "../protocol/branch.ts";
import { type StepBatch, stepValue } from "../protocol/steps.ts";
import type { LiveOptions } from "./liveOptions.ts";

/** What it takes to try something, and who hears of it. */
export interface Trials {
  /** Takes the state as it is now; undefined if it does not fit into the memory set aside for that. */
  snapshot(): Pick<Snapshot, "restore" | "free"> | undefined;
  /** The record of the run leaves out what follows; `tried` hears of its steps. Returns what ends that. */
  begin(tried: (batch: StepBatch) => void): () => void;
  told(branches: Branches): void;
}

/** Steps that a held loop takes to find something out, and comes back from. */
export interface Excursion {
  /** The step behind which the loop is held when it is back; undefined: where it was. */
  readonly goesOnUntil?: number;
  /** What its next step computes is remembered. */
  readonly isRemembered: boolean;
  /** Ends it behind the step that is under way. */
  cancel(): void;
  /**
   * Takes the steps.
   * @param step behind which the loop is held.
   * @param takeStep has the loop take one, and be held again; everything is delivered then.
   * @throws as that, but for `LoopLeft`.
   */
  run(step: number, options: LiveOptions, takeStep: () => Promise<void>): Promise<void>;
  /** The script has left the loop meanwhile: there is no way back. @returns what is to be said of it. */
  left(): string;
}

export interface BranchingOptions {
  /** What η is multiplied by in each branch. */
  readonly factors: readonly number[];
  /** Steps of each. */
  readonly steps: number;
}

/** Milliseconds between two reports. */
const REPORT_MS = 100;

const CANCELLED = "Cancelled.";

const NO_ROOM =
  "No learning rates can be tried: a copy of the parameters and their state does not fit into the memory " +
  "that is set aside for that (`--rewind-memory`, setting `stepscope.rewindMemory`).";

const NO_RATE =
  "No learning rates can be tried: this optimizer has none that could be changed from outside.";

/** The loop has no place any more to come back to. */
export class LoopLeft extends Error {}

export class Branching implements Excursion {
  readonly isRemembered = false;
  readonly #trials: Trials;
  readonly #options: BranchingOptions;
  #known: Branches;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isCancelled = false;

  constructor(trials: Trials, { factors, steps }: BranchingOptions) {
    this.#trials = trials;
    this.#options = { factors, steps };
    this.#known = { step: 0, steps, count: factors.length, branches: [], isOver: false };
  }

  cancel(): void {
    this.#isCancelled = true;
  }

  /** Takes all branches, one after the other. */
  async run(step: number, options: LiveOptions, takeStep: () => Promise<void>): Promise<void> {
    this.#known = { ...this.#known, step };
    const { factors, steps } = this.#options;
    const rates = factors.map(factor => ({ factor, changes: options.timesRate(factor) }));
    if (rates.some(({ changes }) => changes.length === 0)) return this.#over(NO_RATE);
    const snapshot = this.#trials.snapshot();
    if (!snapshot) return this.#over(NO_ROOM);
    const group = rates[0]?.changes[0]?.group ?? 0;
    let latest = { lr: Number.NaN, loss: Number.NaN };
    const end = this.#trials.begin(batch => {
      const row = batch.count - 1;
      latest = {
        lr: batch.lr[row * batch.groups + group] ?? Number.NaN,
        loss: stepValue(batch, row, "loss"),
      };
    });
    try {
      for (const { factor, changes } of rates) {
        if (this.#isCancelled) break;
        options.try(changes);
        const losses: number[] = [];
        let lr = Number.NaN;
        while (losses.length < steps && losses.every(Number.isFinite) && !this.#isCancelled) {
          await takeStep();
          if (losses.length === 0) lr = latest.lr;
          losses.push(latest.loss);
          this.#tell({ factor, lr, losses: Float64Array.from(losses), changes });
        }
        snapshot.restore();
      }
    } catch (error) {
      snapshot.restore();
      if (!(error instanceof LoopLeft)) throw error;
      this.left();
    } finally {
      end();
      snapshot.free();
    }
    if (!this.#known.isOver) this.#over(this.#isCancelled ? CANCELLED : undefined);
  }

  left(): string {
    const { step, steps, branches } = this.#known;
    const last = branches.at(-1);
    const taken = last && last.losses.length < steps ? last.losses.length : 0;
    const problem =
      `The script left its loop behind step ${taken} of ${steps} of a branch: no more were to come. The run ` +
      `has its ${step} steps, and no more of this loop.`;
    this.#over(problem);
    return problem;
  }

  #tell(branch: Branch): void {
    const others = this.#known.branches.filter(({ factor }) => factor !== branch.factor);
    this.#known = { ...this.#known, branches: [...others, branch] };
    if (performance.now() - this.#toldAt >= REPORT_MS) this.#report();
  }

  #over(problem: string | undefined): void {
    this.#known = { ...this.#known, isOver: true, ...(problem === undefined ? {} : { problem }) };
    this.#report();
  }

  #report(): void {
    this.#toldAt = performance.now();
    this.#trials.told(this.#known);
  }
}
