/** A model that learns its samples by heart. */
import type { MetricRecord } from "../../protocol/metric.ts";
import { stepValue } from "../../protocol/steps.ts";
import { brief } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";
import { median } from "./signals.ts";

/** Names of losses on samples that are not trained on. */
const HELD_OUT = /(^|[^a-z])(val|valid|validation|eval|test|dev|heldOut)([^a-z]*)loss/i;

/** How far above its best it is, for how much of the run, and how often measured, before it is said. */
const WORSE = 1.15;
const PART_SINCE_BEST = 0.3;
const VALUES_SINCE_BEST = 3;

/** Values of a loss whose median is compared: a single one is low, or high, by chance. */
const MEDIAN_OF = 3;

/** Weight of a loss in the running mean of the training loss. */
const MEAN_OF = 20;

/** The loss on held-out samples rises while the training loss goes on falling. */
export class Overfitting implements Rule {
  readonly code = "data.overfitting";
  readonly severity = "warning";
  readonly patience = 1;
  /** Running mean of the training loss. */
  #loss: number | undefined;
  /** The latest values of each loss. */
  readonly #recent = new Map<string, readonly number[]>();
  readonly #metrics = new Map<string, Course>();

  /** Takes in what the script logged. */
  metrics(records: readonly MetricRecord[]): void {
    for (const { name, value, step } of records) {
      if (!HELD_OUT.test(name) || !Number.isFinite(value)) continue;
      const recent = [...(this.#recent.get(name) ?? []), value].slice(-MEDIAN_OF);
      this.#recent.set(name, recent);
      if (recent.length === MEDIAN_OF) this.#follow(name, median(recent), step);
    }
  }

  #follow(name: string, value: number, step: number): void {
    const course = this.#metrics.get(name);
    const isBest = !course || value < course.best;
    this.#metrics.set(
      name,
      isBest
        ? { best: value, bestStep: step, trained: this.#loss, last: value, values: 0 }
        : { ...course, last: value, values: course.values + 1 },
    );
  }

  look(step: StepView): Symptom | undefined {
    const loss = stepValue(step.batch, step.row, "loss");
    if (Number.isFinite(loss)) {
      this.#loss = this.#loss === undefined ? loss : this.#loss + (loss - this.#loss) / MEAN_OF;
    }
    for (const [name, course] of this.#metrics) {
      if (this.#isOverfit(course, step)) return symptomOf(name, course, step.t);
    }
    return undefined;
  }

  #isOverfit({ best, bestStep, trained, last, values }: Course, { t, seen }: StepView): boolean {
    const falls = this.#loss !== undefined && trained !== undefined && this.#loss < trained;
    const isLong = values >= VALUES_SINCE_BEST && t - bestStep >= PART_SINCE_BEST * seen;
    return falls && isLong && last > WORSE * best;
  }
}

/** Medians of a loss on held-out samples: the best of them, and what has come since. */
interface Course {
  readonly best: number;
  readonly bestStep: number;
  /** Mean training loss at the best. */
  readonly trained: number | undefined;
  readonly last: number;
  /** Values since the best. */
  readonly values: number;
}

function symptomOf(name: string, { best, bestStep, last }: Course, t: number): Symptom {
  return {
    title: "The model learns its samples by heart",
    advice:
      "Keep the parameters of the best value (save a checkpoint whenever it improves), and stop there; more data, " +
      "weight decay or dropout move it further.",
    evidence: [
      {
        name: `${name} : its best`,
        value: last / best,
        expected: [1, WORSE],
        text:
          `The last values of ${name} are about ${brief(last)}, and were ${brief(best)} at step ${bestStep}, while the ` +
          "training loss fell.",
      },
      {
        name: "steps since the best",
        value: t - bestStep,
        text: `That was ${t - bestStep} steps ago.`,
      },
    ],
    about: { type: "loop" },
  };
}
