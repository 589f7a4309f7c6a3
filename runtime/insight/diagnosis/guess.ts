/** A model that has seen its samples again and again, and still says no more of them than a guess. */
import { stepValue } from "../../protocol/steps.ts";
import type { UntrainedLoss } from "../../protocol/untrainedLoss.ts";
import { brief } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";
import { lossCourse } from "./signals.ts";

/** Fewest steps, and passes over the samples: before, every model is there. */
const STEPS = 200;
const EPOCHS = 3;

/** The loss in parts of that of a guess: from where nothing has been learned, to where something else is wrong. */
const NOTHING_LEARNED = 0.97;
const WORSE_THAN_GUESS = 1.1;

/** The loss of a classification stays at ln of the number of classes. */
export class NoBetterThanGuess implements Rule {
  readonly code = "loss.guess";
  readonly severity = "info";
  readonly patience = 5;
  /** Of a model that guesses; known before the first step. */
  expected: UntrainedLoss | undefined;

  look(step: StepView): Symptom | undefined {
    const { expected } = this;
    // What is wrong with the learning rate is told as that.
    if (!expected || step.seen < STEPS || step.rate) return undefined;
    const epoch = stepValue(step.batch, step.row, "epoch");
    if (!(epoch > EPOCHS)) return undefined;
    const { loss } = lossCourse(step.signals);
    const part = loss / expected.value;
    if (!(part > NOTHING_LEARNED && part < WORSE_THAN_GUESS)) return undefined;
    return {
      title: "The model is no better than a guess",
      advice:
        "Look at some inputs beside their labels: what does not belong together cannot be learned, only by heart. If they " +
        "do, a higher learning rate, or a model that sees what they depend on.",
      evidence: [
        {
          name: "loss : loss of a guess",
          value: part,
          expected: [0, NOTHING_LEARNED],
          text:
            `Over the last half of the run the loss is ${brief(loss)}; who guesses among ${expected.classes} classes has ` +
            `${brief(expected.value)}.`,
        },
        {
          name: "passes over the samples",
          value: epoch,
          expected: [0, EPOCHS],
          text: `The samples have been seen ${brief(epoch)} times.`,
        },
      ],
      about: { type: "loop" },
    };
  }
}
