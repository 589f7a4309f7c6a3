/** The verdict on the learning rate: small, right, large or diverging, and what to write instead. */
import type { Suggestion } from "../../protocol/finding.ts";
import type { RunPlan } from "./record.ts";
import fitted from "./scorecard.json" with { type: "json" };
import { CLASSES, type Scorecard, score } from "./scorecard.ts";
import {
  baseRate,
  EARLY_STEPS,
  excessTravel,
  type Features,
  features,
  median,
  type Signals,
  suitedLength,
  TRAVEL_GROWTH,
} from "./signals.ts";

export const SCORECARD: Scorecard = fitted;

export type Verdict = (typeof CLASSES)[number] | "diverge";

export interface Assessment {
  /** Undefined where nothing can be said; `reason` then says why. */
  readonly verdict: Verdict | undefined;
  /** Probability of the verdict. */
  readonly confidence: number;
  readonly reason?: string;
  /** What the verdict was made from; undefined for a run that broke or that is not judged. */
  readonly features?: Features;
  readonly probabilities?: readonly number[];
}

/** Steps before which nothing is said. */
const FIRST_STEPS = 4;

/** Part of the initial norm that is as good as zero: relative travel means nothing from there. */
const SMALLEST_NORM = 1e-6;

/** Loss over the first one that counts as lost, and how many of the last ten losses have to be. */
const LOST = 1.5;
const LOST_STEPS = 8;

/** Parts of the loss of a guess below which a model knows something, and above which it knows nothing any more. */
export const KNOWING = 0.7;
const FORGOTTEN = 0.9;

/** Fall of the loss from its peak behind which it is given time. */
const RECOVERY = 3;

/** Part of a run that is its start. */
const START = 0.1;

/** Lengths that a run may have of which nobody knows when it ends. */
export const SHORTEST = 100;
const LONGEST = 1e6;
const LENGTH_FACTOR = 10;

/** Length for which a learning rate is suggested where the run's own is not known. */
export const ASSUMED_STEPS = 2000;

/** A learning rate above the first by more than rounding. */
const RISING = 1.001;

/** Why the learning rate of a run cannot be judged by how far the parameters travel, if so. */
export function objection(signals: Signals, plan: RunPlan): string | undefined {
  if (plan.resumed) {
    return "The run does not begin here, it was resumed, changed or taken back: where its parameters started is not known.";
  }
  if (plan.pretrained) {
    return "The parameters were trained before: how far they should travel is not known.";
  }
  if (plan.fromZero || (signals.steps > 0 && !(signals.firstWeightNorm > SMALLEST_NORM))) {
    return "The parameters start at zero: travel relative to them is not defined.";
  }
  if (signals.rateChangedAt !== undefined) {
    return `The learning rate was changed at step ${signals.rateChangedAt}.`;
  }
  if (signals.lastRate > RISING * plan.lr && signals.lastRate === signals.peakRate) {
    return "The learning rate is still rising.";
  }
  if (signals.mixed) {
    return "Not every step updates the same parameters: its loss may be another one.";
  }
  return undefined;
}

/**
 * Whether training is lost: a loss that is not finite, or that stays far above where it started. What knew something when
 * it started is lost when it is back at a guess. Where nobody knows what a guess would be, its first loss may have been that
 * of an easy batch: as many times as the last losses differ among each other it may differ from them, and that squared.
 */
export function isLost(signals: Signals, { resumed, pretrained, guess }: RunPlan): boolean {
  const { nonFiniteAt, recent, firstLoss } = signals;
  if (nonFiniteAt !== undefined) return true;
  if (!(firstLoss > 0)) return false;
  const isAbove = (limit: number) => recent.filter(loss => loss > limit).length >= LOST_STEPS;
  if (!resumed && !pretrained) return isAbove(LOST * firstLoss);
  if (firstLoss < KNOWING * guess) return isAbove(FORGOTTEN * guess);
  const spread = guess > 0 ? 1 : Math.max(...recent) / Math.min(...recent);
  return isAbove(LOST * firstLoss * spread ** 2);
}

/**
 * Whether a learning rate that looks too large is given time. At the start of a run the loss may jump over the walls of
 * a valley and end well, which no signal of the jump itself tells apart from a run that is lost. And where a schedule
 * already takes the rate down, only a loss that stays up is one that the schedule does not mend.
 */
export function isGivenTime(signals: Signals, plan: RunPlan): boolean {
  const { plannedSteps = SHORTEST } = plan;
  const { steps, recent, highest, lastRate, peakRate } = signals;
  const isFalling = lastRate < peakRate;
  if (isFalling && !isLost(signals, plan)) return true;
  return (isFalling || steps < START * plannedSteps) && median(recent) < highest / RECOVERY;
}

/** Steps in which a loss that jumps may come down again. */
export function stepsToSettle({ plannedSteps = Number.POSITIVE_INFINITY }: RunPlan): number {
  return Math.max(2, Math.min(EARLY_STEPS, Math.ceil(plannedSteps / 4)));
}

/** The verdict on a run as it stands. */
export function assess(signals: Signals, plan: RunPlan, card: Scorecard = SCORECARD): Assessment {
  if (signals.nonFiniteAt !== undefined) return { verdict: "diverge", confidence: 1 };
  const reason =
    objection(signals, plan) ??
    (signals.steps < FIRST_STEPS ? "The run has only begun." : undefined);
  if (reason) {
    if (isLost(signals, plan)) return { verdict: "diverge", confidence: 1 };
    return { verdict: undefined, confidence: 0, reason };
  }
  const judged = lengthsOf(signals, plan).map(plannedSteps =>
    judge(signals, { ...plan, plannedSteps }, card),
  );
  const [first, ...others] = judged;
  if (!first || others.some(({ verdict }) => verdict !== first.verdict)) {
    const length = suitedLength(signals.steps, signals.travel / signals.firstWeightNorm);
    const reason =
      "It is not known how many steps the run will take, and the verdict depends on it: " +
      `this learning rate suits about ${Number(length.toPrecision(1))} steps.`;
    return { verdict: undefined, confidence: 0, reason };
  }
  return judged.reduce((least, each) => (each.confidence < least.confidence ? each : least));
}

/** What the scorecard says of a run of a known length. */
function judge(signals: Signals, plan: RunPlan, card: Scorecard): Assessment {
  const values = features(signals, plan);
  const probabilities = score(card, values);
  const confidence = Math.max(...probabilities);
  const verdict = CLASSES[probabilities.indexOf(confidence)];
  const isAbove = signals.firstLoss > 0 && median(signals.recent) > 1.05 * signals.firstLoss;
  return {
    verdict: verdict === "large" && isAbove ? "diverge" : verdict,
    confidence,
    features: values,
    probabilities,
  };
}

/** The lengths that the run may have: one where it is known, else a few of each order. */
function lengthsOf({ steps }: Signals, { plannedSteps }: RunPlan): readonly number[] {
  if (plannedSteps !== undefined) return [plannedSteps];
  const lengths: number[] = [];
  for (let n = Math.max(SHORTEST, steps); n < LONGEST; n *= LENGTH_FACTOR) lengths.push(n);
  return [...lengths, Math.max(LONGEST, steps)];
}

/** Decades by which a suggestion may be above and below what was tried. */
const MOST_UP = 3;
const MOST_DOWN = 2;

/** Decades to either side of a suggestion that are about as good. */
const SPREAD = 0.35;

/** A schedule that comes down takes about half of it away: so much more may be written. Of other optimizers that was not seen. */
const SCHEDULED = 2;

/**
 * Part of the loss that the slope promises for the first step of gradient descent, η ‖g‖² / L, in runs that end well: kin to
 * Polyak's step, which takes all of it.
 */
const USUAL_FALL = 0.09;

/** Share of the travel in a suggestion: what else is known of an optimizer has the rest. */
const TRAVEL_SHARE = { momentum: 0.7, others: 0.3 } as const;

/** What is right is right over half a decade and more: a rate that is wrong is at least that far from one that is not. */
const LEAST_CHANGE = Math.sqrt(10);

/** Where the right rate is by a verdict, in parts of the one that was tried. */
const PLACES: Readonly<Record<Verdict, readonly [number, number]>> = {
  small: [LEAST_CHANGE, Number.POSITIVE_INFINITY],
  right: [1 / LEAST_CHANGE, LEAST_CHANGE],
  large: [0, 1 / LEAST_CHANGE],
  diverge: [0, 1 / LEAST_CHANGE],
};

/** What to write instead of `lr`: what the beginning of the run said, `target`, as far as the verdict, which has seen more, agrees. */
export function rateFor(verdict: Verdict, target: number, lr: number): number {
  const [low, high] = PLACES[verdict];
  return Math.max(low * lr, Math.min(high * lr, target));
}

/** By how much a rate that has lost a run is too high, where nothing else is known. */
const BLIND_CHANGE = 10;

/** Steps after which the travel tells which learning rate would be right; momentum has to build up. */
export function stepsToSuggest({
  momentum,
  plannedSteps = Number.POSITIVE_INFINITY,
}: RunPlan): number {
  const settled = momentum > 0 ? Math.ceil(3 / (1 - momentum)) : 0;
  return Math.max(2, Math.min(Math.max(EARLY_STEPS, settled), Math.ceil(plannedSteps / 4)));
}

/**
 * The learning rate to write: between the one whose travel would be that of runs that end well, and the one that is known
 * without it.
 * @param signals as of `stepsToSuggest`, when what is large has not yet saturated.
 */
export function suggestedRate(signals: Signals, plan: RunPlan): number {
  const assumed = { ...plan, plannedSteps: plan.plannedSteps ?? ASSUMED_STEPS };
  const byTravel = Math.log10(baseRate(signals, plan)) - bounded(excessTravel(signals, assumed));
  const share = travelShare(signals, plan);
  const decades =
    share === 1 ? byTravel : share * byTravel + (1 - share) * knownRate(signals, plan);
  const isFalling = signals.lastRate < signals.peakRate;
  return 10 ** decades * (plan.usualRate && isFalling ? SCHEDULED : 1);
}

/**
 * log₁₀ of the learning rate that is known without the travel: what is usual of adaptive optimizers, of the others the one at
 * which the first step's slope promises what it does in runs that end well. Momentum makes each step 1 / (1 − β) of them. NaN
 * where there is no such slope.
 */
function knownRate({ slopeRate }: Signals, { usualRate, momentum }: RunPlan): number {
  if (usualRate) return Math.log10(usualRate);
  return slopeRate + Math.log10(USUAL_FALL * (1 - momentum));
}

function travelShare(signals: Signals, plan: RunPlan): number {
  if (Number.isNaN(knownRate(signals, plan))) return 1;
  return plan.momentum > 0 && !plan.usualRate ? TRAVEL_SHARE.momentum : TRAVEL_SHARE.others;
}

/** A rate that was suggested for a run of unknown length, for one of so many steps: a longer one travels as far with less. */
export function rateForLength(
  rate: number,
  signals: Signals,
  plan: RunPlan,
  steps: number,
): number {
  const decades = TRAVEL_GROWTH * Math.log10(ASSUMED_STEPS / steps);
  return rate * 10 ** (travelShare(signals, plan) * decades);
}

function bounded(decades: number): number {
  return Math.max(-MOST_UP, Math.min(MOST_DOWN, decades));
}

/** What to try when training was lost: the travel of what breaks says nothing, the first step was none of it yet. */
export function rescueRate(signals: Signals, plan: RunPlan): number {
  const lr = baseRate(signals, plan);
  const known = 10 ** knownRate(signals, plan);
  return Number.isNaN(known) ? lr / BLIND_CHANGE : Math.min(lr / LEAST_CHANGE, known);
}

/** A learning rate as something to write. */
export function suggestion(from: number, to: number): Suggestion {
  return {
    target: "lr",
    from,
    to: roundTo2(to),
    range: [roundTo2(to / 10 ** SPREAD), roundTo2(to * 10 ** SPREAD)],
  };
}

function roundTo2(value: number): number {
  return Number(value.toPrecision(2));
}
