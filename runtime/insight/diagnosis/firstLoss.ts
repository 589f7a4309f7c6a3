import { stepValue } from "../../protocol/steps.ts";
import type { UntrainedLoss } from "../../protocol/untrainedLoss.ts";
import { brief } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";

/** A first loss so many times that of a guess is sure of what is wrong. */
const SURE_OF_NONSENSE = 1.6;

/**
 * A model that begins worse than a guess: its outputs are too large. Karpathy, "A recipe for training
 * neural networks": verify the loss at init.
 */
export class HighFirstLoss implements Rule {
  readonly code = "init.loss";
  readonly severity = "warning";
  readonly patience = 1;
  /** Of a model that guesses; known before the first step. */
  expected: UntrainedLoss | undefined;
  #symptom: Symptom | undefined;

  look({ t, batch, row }: StepView): Symptom | undefined {
    if (t === 1 && this.expected) {
      this.#symptom = symptomOf(stepValue(batch, row, "loss"), this.expected);
    }
    return this.#symptom;
  }
}

function symptomOf(loss: number, { classes, value }: UntrainedLoss): Symptom | undefined {
  const ratio = loss / value;
  if (!(ratio > SURE_OF_NONSENSE) || !Number.isFinite(ratio)) return undefined;
  return {
    title: "The first loss is higher than that of a guess",
    advice:
      "The outputs are too large at the start: scale the inputs, and leave the last layer's initialisation as it is " +
      "or make it smaller. The first steps then do not go into taking it back.",
    evidence: [
      {
        name: "first loss",
        value: loss,
        expected: [0.5 * value, SURE_OF_NONSENSE * value],
        text: `The loss of the first step is ${brief(loss)}; who guesses among ${classes} classes has ${brief(value)}.`,
      },
      {
        name: "first loss : loss of a guess",
        value: ratio,
        expected: [0.5, SURE_OF_NONSENSE],
        text: `That is ${brief(ratio)} times as much.`,
      },
    ],
    about: { type: "loop" },
  };
}
