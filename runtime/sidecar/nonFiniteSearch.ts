/** Looks for the first value of a run that is not finite, beside the run: nothing of it is left behind. */
import { type Excursion, LoopLeft, type Trials } from "./branching.ts";
import type { StepLocator } from "./controlledLoop.ts";
import type { LiveOptions } from "./liveOptions.ts";
import type { Snapshots } from "./timeline.ts";

/** Steps that are taken once more at the most: a script that counts its steps has as many fewer behind. */
const MOST_STEPS = 1000;

/** What it needs of a loop. */
export interface SearchedLoop {
  readonly trials: Trials;
  readonly locator: StepLocator;
  readonly snapshots: Snapshots;
  stepCount(): number;
  warn(text: string): void;
}

export class NonFiniteSearch implements Excursion {
  readonly goesOnUntil: number;
  readonly #loop: SearchedLoop;
  /** The first step with a number that is not finite. */
  readonly #step: number;
  #isCancelled = false;
  #isNear = false;

  /** @param goesOnUntil the step behind which the loop is held afterwards. */
  constructor(loop: SearchedLoop, step: number, goesOnUntil: number) {
    this.#loop = loop;
    this.#step = step;
    this.goesOnUntil = goesOnUntil;
  }

  /** The next step is the one that is looked at. */
  get isRemembered(): boolean {
    return this.#isNear;
  }

  cancel(): void {
    this.#isCancelled = true;
  }

  /**
   * Goes back to before the step, takes the steps up to it once more, and puts back the state as it is now. It says
   * nothing where that cannot be: who asks for it is told why.
   */
  async run(_now: number, options: LiveOptions, takeStep: () => Promise<void>): Promise<void> {
    const { trials, snapshots, warn } = this.#loop;
    const from = snapshots.steps.findLast(kept => kept < this.#step);
    if (from === undefined || this.#step - from > MOST_STEPS) return;
    const now = trials.snapshot();
    if (!now) return;
    const end = trials.begin(() => {});
    let tell = () => {};
    try {
      snapshots.rewind(from);
      // What clients have set is in force, and no change of the run.
      options.try([]);
      tell = await this.#find(from, takeStep);
    } catch (error) {
      if (!(error instanceof LoopLeft)) throw error;
      warn(this.left());
    } finally {
      now.restore();
      end();
      now.free();
    }
    tell();
  }

  left(): string {
    return (
      `The script left its loop while the steps up to step ${this.#step} were taken once more, to find its first ` +
      "value that is not finite: what it did since was done with the parameters of before."
    );
  }

  /** @returns tells what was found. */
  async #find(from: number, takeStep: () => Promise<void>): Promise<() => void> {
    const { locator, stepCount } = this.#loop;
    for (let step = from + 1; step <= this.#step && !this.#isCancelled; step++) {
      this.#isNear = step === this.#step;
      if (this.#isNear) locator.arm();
      const before = stepCount();
      await takeStep();
      // Other optimizers have their steps in between: which one is looked for is not known.
      if (stepCount() !== before + 1) return () => {};
    }
    if (this.#isCancelled) return () => {};
    return locator.find(this.#step).catch(() => () => {});
  }
}
