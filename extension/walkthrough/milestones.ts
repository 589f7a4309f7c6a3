/** What somebody who learns gradient descent by hand has done, told by what was measured. */
import { type Picture, placeOf } from "../../runtime/protocol/picture.ts";
import type { RunRecord, TensorRecord } from "../../runtime/protocol/run.ts";
import { type StepBatch, stepValue } from "../../runtime/protocol/steps.ts";

export const MILESTONES = [
  /** A loop that is held has taken one step. */
  "stepped",
  /** Half of a step would have ended lower than all of it. */
  "overshot",
  /** The loss has grown without end. */
  "diverged",
  /** A loop has gone back. */
  "rewound",
  /** The loss of a script that had diverged falls, at a smaller learning rate. */
  "fixed",
  /** A run with SGD and one with an optimizer of Adam's family stand side by side. */
  "compared",
  /** η has grown over the first steps of a run, by itself. */
  "warmedUp",
] as const;

export type Milestone = (typeof MILESTONES)[number];

/** So many steps in a row, each worse than the one before, and this factor in all, are a divergence. */
const RISES = 5;
const GROWTH = 2;

/** So many steps that are not worse are a way out of it. */
const FALLS = 3;

/** So many first steps with a growing η are a warm-up. */
const WARM_UP_STEPS = 5;

const ADAMS: readonly TensorRecord["optimizer"][] = ["Adam", "AdamW", "NAdam", "RAdam"];

/** Follows the runs of one script. */
export class ScriptMilestones {
  readonly #reached: (milestone: Milestone) => void;
  /** The step behind which the loop was held last, and how often it had gone back and been changed. */
  #heldBehind: number | undefined;
  #changes = 0;
  /** The last step, with its loss and η of the first group. */
  #step = 0;
  #loss = Number.NaN;
  #rate = Number.NaN;
  /** Losses that each were greater, or not greater, than the one before; the first of those that grew. */
  #rises = 0;
  #falls = 0;
  #risesFrom = Number.NaN;
  /** First steps of the run of which each had a greater η. */
  #growing = 0;
  /** η and loss at which it diverged. */
  #diverged: { readonly rate: number; readonly loss: number } | undefined;

  constructor(reached: (milestone: Milestone) => void) {
    this.#reached = reached;
  }

  /** A run begins, or is followed from here on. */
  begin(): void {
    this.#heldBehind = undefined;
    this.#step = 0;
    this.#growing = 0;
    this.#forgetLoss();
  }

  record({ paused, steps, rewinds = [], changes = [] }: RunRecord): void {
    this.#changes = changes.length;
    if (rewinds.length > 0) this.#reached("rewound");
    if (!paused) return;
    if (steps === (this.#heldBehind ?? steps) + 1) this.#reached("stepped");
    this.#heldBehind = steps;
  }

  steps(batch: StepBatch): void {
    for (let row = 0; row < batch.count; row++) {
      const loss = stepValue(batch, row, "loss");
      this.#take(batch.firstStep + row, loss, batch.lr[row * batch.groups] ?? Number.NaN);
    }
  }

  picture({ line }: Picture): void {
    if (line && placeOf(line, 0.5).loss < line.toLoss) this.#reached("overshot");
  }

  #take(step: number, loss: number, rate: number): void {
    if (step === 1) this.#growing = 1;
    else if (this.#growing === step - 1 && rate > this.#rate) this.#growing = step;
    if (this.#growing === WARM_UP_STEPS && this.#changes === 0) this.#reached("warmedUp");

    if (step !== this.#step + 1) this.#forgetLoss();
    if (loss > this.#loss) {
      if (this.#rises === 0) this.#risesFrom = this.#loss;
      this.#rises += 1;
      this.#falls = 0;
    } else if (loss <= this.#loss) {
      this.#rises = 0;
      this.#falls += 1;
    }
    const grows = this.#rises >= RISES && loss > GROWTH * this.#risesFrom;
    if (grows || !Number.isFinite(loss)) {
      this.#diverged = { rate, loss };
      this.#reached("diverged");
    } else if (this.#diverged && this.#falls >= FALLS) {
      const { rate: tooHigh, loss: before } = this.#diverged;
      if (rate < tooHigh && !(loss >= before)) this.#reached("fixed");
    }
    this.#step = step;
    this.#loss = loss;
    this.#rate = rate;
  }

  #forgetLoss(): void {
    this.#loss = Number.NaN;
    this.#rises = 0;
    this.#falls = 0;
  }
}

/** Whether one of these runs was made with SGD, and another one with an optimizer of Adam's family. */
export function comparesOptimizers(runs: readonly RunRecord[]): boolean {
  const uses = (optimizers: readonly string[]) => (run: RunRecord) =>
    run.tensors.some(({ optimizer }) => optimizers.includes(optimizer));
  return runs.some(uses(["SGD"])) && runs.some(uses(ADAMS));
}
