/** What can be wrong with a schedule of the learning rate, or with having none. */
import type { Finding } from "../../protocol/finding.ts";
import { tensorValue } from "../../protocol/steps.ts";
import { brief } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";
import { type LossCourse, lossCourse, lossCourseOf, travelGrowth } from "./signals.ts";

export function scheduleRules(): readonly Rule[] {
  return [new EndedSchedule(), new Plateau(), new EarlyDecay(), new MissingWarmUp()];
}

/** Part of the highest learning rate that moves nothing any more. */
const NOTHING_LEFT = 1e-3;

/** What a schedule may take at its end: steps, and the part of the run so far. */
const LAST_STEPS = 50;
const LAST_PART = 0.1;

/** The schedule is at its end and the loop is not. */
class EndedSchedule implements Rule {
  readonly code = "schedule.ended";
  readonly severity = "warning";
  readonly patience = 1;
  #peak = 0;
  #endedAt: number | undefined;

  look(step: StepView): Symptom | undefined {
    const { t, seen } = step;
    const highest = highestRate(step);
    this.#peak = Math.max(this.#peak, highest || 0);
    const isOver = this.#peak > 0 && highest <= NOTHING_LEFT * this.#peak;
    this.#endedAt = isOver ? (this.#endedAt ?? t) : undefined;
    if (this.#endedAt === undefined) return undefined;
    const idle = t - this.#endedAt;
    if (idle < LAST_STEPS || idle < LAST_PART * seen) return undefined;
    return {
      title: "The schedule has ended, and the training goes on",
      advice:
        "Give the schedule as many steps as the loop makes (and call its step() once for each of what it counts), " +
        "or end the loop with it.",
      evidence: [
        {
          name: "steps with hardly any learning rate",
          value: idle,
          expected: [0, LAST_STEPS],
          text: `For ${idle} steps the learning rate has been at most a thousandth of its peak.`,
        },
        {
          name: "learning rate",
          value: highest,
          expected: [NOTHING_LEFT * this.#peak, this.#peak],
          text: `It is ${brief(highest)}, and was ${brief(this.#peak)}.`,
        },
      ],
      about: { type: "hyperparameter", name: "lr", group: 0 },
    };
  }
}

/** The highest learning rate of the groups that the step updated; NaN where there is none. */
function highestRate({ batch, row, tensors }: StepView): number {
  const rates = tensors.flatMap(({ group }, tensor) =>
    Number.isNaN(tensorValue(batch, row, tensor, "nonFinite"))
      ? []
      : (batch.lr[row * batch.groups + group] ?? []),
  );
  return rates.length > 0 ? Math.max(...rates) : Number.NaN;
}

/** Fewest steps before a loss that stays where it is says something. */
const PLATEAU_STEPS = 300;

/** Looks over which it has to: 50 steps. */
const PLATEAU_PATIENCE = 10;

/** Part of the first loss that a model which has learned something is below. */
const LEARNED = 0.9;

/** Deviation of the losses, of their mean, from which it is the noise of the steps that holds them up. */
const NOISY = 0.02;

/** t of a line through the losses from which they do not fall. */
const LEVEL = -1;

/** Exponent of the travel's growth from which the way is more than a random walk. */
const WANDERING = 0.6;

/** Part of the gradient's signs that change from step to step where noise is all there is. */
const NOISE_FLIPS = 0.4;

/** A constant learning rate whose steps have come to where their own noise holds the loss up. */
class Plateau implements Rule {
  readonly code = "schedule.plateau";
  readonly severity = "info";
  readonly patience = PLATEAU_PATIENCE;
  #first: number | undefined;
  #isConstant = true;

  look(step: StepView): Symptom | undefined {
    const rate = highestRate(step);
    if (!(rate > 0)) return undefined;
    this.#first ??= rate;
    this.#isConstant &&= rate === this.#first;
    // What is wrong with the learning rate itself is told as that.
    if (!this.#isConstant || step.signals.steps < PLATEAU_STEPS || step.rate) return undefined;
    const course = lossCourse(step.signals);
    const growth = travelGrowth(step.signals);
    const isLevel = course.t > LEVEL && course.noise > NOISY && course.level < LEARNED;
    const flips = signFlips(step);
    // Small steps on a straight way are still going somewhere, however noisy the loss is.
    if (!isLevel || growth > WANDERING || flips < NOISE_FLIPS) return undefined;
    return {
      title: "The loss has stopped falling at this learning rate",
      advice:
        "Lower the learning rate now, tenfold in the loop that runs, or let a schedule bring it down over the rest of the " +
        "run (CosineAnnealingLR): smaller steps get below their own noise.",
      evidence: [
        {
          name: "t of the loss's slope",
          value: course.t,
          expected: [-100, -2],
          text: `Over the last half of the run the loss has a slope of t = ${brief(course.t)}: it does not fall.`,
        },
        {
          name: "deviation of the loss : its mean",
          value: course.noise,
          expected: [0, NOISY],
          text: `From step to step it changes by ${brief(100 * course.noise)} % of its mean.`,
        },
        {
          name: "growth of the travel",
          value: growth,
          expected: [WANDERING, 1],
          text: `The parameters get away from their start with the steps to the power ${brief(growth)}: a random walk has ½.`,
        },
        ...(Number.isNaN(flips)
          ? []
          : [
              {
                name: "sign flips",
                value: flips,
                expected: [0, NOISE_FLIPS] as const,
                text: `${brief(100 * flips)} % of the gradient's signs change in a step: half is noise.`,
              },
            ]),
      ],
      about: { type: "hyperparameter", name: "lr", group: 0 },
    };
  }
}

/** Share of elements whose gradient has changed its sign; NaN without a running mean to compare with. */
function signFlips({ batch, row, tensors }: StepView): number {
  let [flips, elements] = [0, 0];
  tensors.forEach(({ shape }, tensor) => {
    const share = tensorValue(batch, row, tensor, "signFlips");
    if (Number.isNaN(share)) return;
    const size = shape.reduce((a, b) => a * b, 1);
    flips += share * size;
    elements += size;
  });
  return flips / elements;
}

/** Part of the peak from which a learning rate has come down. */
const COME_DOWN = 0.1;

/** Fewest steps before, of which a line through their losses says something. */
const STEPS_BEFORE = 32;

/** Steps at it, in parts of those before, from which it has come down early: of a cosine they are 0.26. */
const LONG_AFTER = 0.4;

/** t of a loss that falls: before, and still. */
const FALLS = -4;
const STILL_FALLS = -2;

/** Part of the first loss from which there was more to gain. */
const UNFINISHED = 0.1;

/** Of the fall of the loss in a step before, what is left when it is the rate that holds it back. */
const SLOWED = 1 / 3;

/** A learning rate that has come down while the loss was still falling. */
class EarlyDecay implements Rule {
  readonly code = "schedule.early";
  readonly severity = "info";
  readonly patience = 5;
  #peak = 0;
  #at: { readonly seen: number; readonly t: number; readonly course: LossCourse } | undefined;

  look(step: StepView): Symptom | undefined {
    const rate = highestRate(step);
    this.#peak = Math.max(this.#peak, rate || 0);
    const course = lossCourse(step.signals);
    // A warm-up that begins from nearly nothing has not come down.
    if (!(rate <= COME_DOWN * this.#peak)) this.#at = undefined;
    else this.#at ??= { seen: step.seen, t: step.t, course };
    const at = this.#at;
    if (!at || at.seen < STEPS_BEFORE) return undefined;
    const since = step.t - at.t;
    if (since < LAST_STEPS || since < LONG_AFTER * at.seen) return undefined;
    const fall = (at.course.loss - course.loss) / since;
    const { t } = lossCourseOf(step.signals, since);
    const isHeldBack = fall < SLOWED * at.course.fall && t < STILL_FALLS;
    if (at.course.t > FALLS || at.course.level < UNFINISHED || !isHeldBack) return undefined;
    return {
      title: "The learning rate came down while the loss was still falling",
      advice:
        "Let the schedule keep its learning rate longer: give it the number of steps that the loop makes, or a later " +
        "milestone.",
      evidence: [
        {
          name: "t of the loss's slope, before",
          value: at.course.t,
          expected: [-2, 100],
          text:
            `When the learning rate had come down to ${brief(100 * COME_DOWN)} % of its peak, at step ${at.t}, the loss ` +
            `was falling with a slope of t = ${brief(at.course.t)}.`,
        },
        {
          name: "fall of the loss in a step : before",
          value: fall / at.course.fall,
          expected: [SLOWED, 1],
          text: `In the ${since} steps since it falls ${brief(fall / at.course.fall)} times as fast as before, and still falls (t = ${brief(t)}).`,
        },
      ],
      about: { type: "hyperparameter", name: "lr", group: 0 },
    };
  }
}

/** Weights that a signal goes through one after the other, from which a model is deep. */
const DEEP = 6;

/** Steps at the start of a run in which a warm-up helps. */
const WARM_UP_STEPS = 200;

/** Part of its peak that a learning rate which warms up is below in the first step. */
const WARM = 0.5;

/** A deep model that breaks at the very start, with a learning rate that was at its peak at once. */
class MissingWarmUp implements Rule {
  readonly code = "schedule.warmUp";
  readonly severity = "info";
  readonly patience = 1;
  #first: number | undefined;
  #peak = 0;

  look(step: StepView): Symptom | undefined {
    const rate = highestRate(step);
    this.#first ??= rate;
    this.#peak = Math.max(this.#peak, rate || 0);
    const { rate: verdict } = step;
    if (!verdict || !isTooHigh(verdict)) return undefined;
    const seen = step.seen - (step.t - verdict.since);
    const depth = depthOf(step);
    if (seen > WARM_UP_STEPS || depth < DEEP) return undefined;
    if (!(this.#first >= WARM * this.#peak)) return undefined;
    const jump = step.signals.highest / step.signals.firstLoss;
    return {
      title: "There is no warm-up",
      advice:
        "If this learning rate is meant, let it rise over the first few hundred steps (LinearLR, OneCycleLR): deep models and " +
        "attention bear it once Adam's averages have settled. Else lower it.",
      evidence: [
        {
          name: "learning rate of the first step : its peak",
          value: this.#first / this.#peak,
          expected: [0, 0.1],
          text: `The first step had ${brief(100 * (this.#first / this.#peak))} % of the highest learning rate so far.`,
        },
        {
          name: "weights",
          value: depth,
          expected: [1, DEEP - 1],
          text: `The model has ${depth} weights, one behind the other.`,
        },
        ...(Number.isFinite(jump)
          ? [
              {
                name: "highest loss : loss at the start",
                value: jump,
                expected: [0, 1.3] as const,
                text: `The loss has been ${brief(jump)} times what it was at the start.`,
              },
            ]
          : []),
      ],
      about: { type: "hyperparameter", name: "lr", group: 0 },
    };
  }
}

function isTooHigh({ code, severity }: Finding): boolean {
  return code === "lr.tooLarge" || (code === "lr.diverging" && severity === "warning");
}

/** Weights that the step has updated. */
function depthOf({ batch, row, tensors }: StepView): number {
  return tensors.filter(
    ({ shape }, tensor) =>
      shape.length >= 2 && !Number.isNaN(tensorValue(batch, row, tensor, "nonFinite")),
  ).length;
}
