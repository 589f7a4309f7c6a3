/** The words of a finding about the learning rate, and the numbers behind it. */
import type { Evidence, Finding, FindingCode, Suggestion } from "../../protocol/finding.ts";
import { shareOf } from "../../protocol/numberText.ts";
import { brief } from "./phrases.ts";
import type { RunPlan } from "./record.ts";
import { contributions } from "./scorecard.ts";
import {
  type FeatureName,
  type Features,
  horizonShift,
  median,
  type Signals,
  TRAVEL_RANGE,
  usualTravel,
} from "./signals.ts";
import { ASSUMED_STEPS, type Assessment, SCORECARD } from "./verdict.ts";

type Words = Pick<Finding, "title" | "message" | "evidence">;

/** Numbers that a finding shows. */
const SHOWN = 3;

/** Title, message and evidence of a finding about the learning rate. */
export function describeRate(
  code: FindingCode,
  severity: Finding["severity"],
  signals: Signals,
  plan: RunPlan,
  assessment: Assessment,
  proposed: Suggestion | undefined,
): Words {
  const evidence =
    code === "lr.diverging" || !assessment.features
      ? ofDivergence(signals)
      : ofVerdict(assessment.features, code === "lr.tooLarge" ? 2 : 0, signals, plan);
  const title = titleOf(code, severity, proposed);
  const advice = proposed ? `Try ${brief(proposed.to)} instead of ${brief(proposed.from)}.` : "";
  const isDiverging = code === "lr.diverging";
  const said = evidence.slice(0, isDiverging ? 1 : 2).map(({ text }) => text);
  return { title, message: [...said, advice].join(" ").trim(), evidence };
}

function titleOf(
  code: FindingCode,
  severity: Finding["severity"],
  proposed: Suggestion | undefined,
): string {
  const factor = proposed && proposed.from > 0 ? proposed.to / proposed.from : undefined;
  const times = (by: number) => `≈ ${Number(by.toPrecision(by < 10 ? 1 : 2))}×`;
  switch (code) {
    case "lr.diverging":
      return severity === "error"
        ? "Training diverges: the learning rate is too high"
        : "The loss grows: the learning rate is too high";
    case "lr.tooLarge":
      return factor ? `Learning rate ${times(1 / factor)} too high` : "Learning rate too high";
    case "lr.slow":
      return factor
        ? `A learning rate ${times(factor)} higher would be faster`
        : "A higher learning rate would be faster";
    default:
      return factor ? `Learning rate ${times(factor)} too low` : "Learning rate too low";
  }
}

function ofDivergence(signals: Signals): Evidence[] {
  const { nonFiniteAt, firstLoss, recent, steps, highest } = signals;
  const finite = recent.filter(Number.isFinite);
  const now = finite.length > 0 ? median(finite.slice(-3)) : highest;
  const lost: Evidence[] =
    nonFiniteAt === undefined
      ? []
      : [
          {
            name: "first step that is not finite",
            value: nonFiniteAt,
            text: `At step ${nonFiniteAt} the loss or its gradient is no longer a finite number.`,
          },
        ];
  const start = Number.isFinite(firstLoss) ? firstLoss : 0;
  return [
    ...lost,
    ...(Number.isFinite(now)
      ? [
          {
            name: "loss now",
            value: now,
            expected: [0, start] as const,
            text:
              nonFiniteAt === undefined
                ? `The loss is ${brief(now)} after ${steps} steps, and was ${brief(start)} at the start.`
                : `The last losses that were finite numbers were about ${brief(now)}.`,
          },
        ]
      : []),
    { name: "loss at the start", value: start, text: `It started at ${brief(start)}.` },
  ];
}

/** The features that speak most for this class and against "right", in physical terms. */
function ofVerdict(values: Features, kind: 0 | 2, signals: Signals, plan: RunPlan): Evidence[] {
  const ranked = [...contributions(SCORECARD, values)]
    .filter(([name]) => Number.isFinite(values[name]))
    .map(([name, points]) => ({ name, weight: (points[kind] ?? 0) - (points[1] ?? 0) }))
    .sort((a, b) => b.weight - a.weight);
  return ranked.flatMap(({ name }) => PHRASES[name]?.(values, signals, plan) ?? []).slice(0, SHOWN);
}

type Phrase = (values: Features, signals: Signals, plan: RunPlan) => Evidence;

const power =
  (
    name: FeatureName,
    label: string,
    expected: readonly [number, number],
    say: (x: string) => string,
  ): Phrase =>
  values => {
    const value = 10 ** values[name];
    return { name: label, value, expected, text: say(brief(value)) };
  };

const plain =
  (
    name: FeatureName,
    label: string,
    expected: readonly [number, number],
    say: (x: string) => string,
  ): Phrase =>
  values => ({ name: label, value: values[name], expected, text: say(brief(values[name])) });

/** A ratio of updates in this run, whatever its length. */
const ratioOf =
  (name: "earlyRatio" | "ratio", label: string, say: (x: string) => string): Phrase =>
  (values, _, plan) => {
    const shift = horizonShift(plan);
    const value = 10 ** (values[name] - shift);
    const expected = [10 ** (-2.5 - shift), 10 ** (-1.1 - shift)] as const;
    return { name: label, value, expected, text: say(brief(value)) };
  };

const PHRASES: Readonly<Partial<Record<FeatureName, Phrase>>> = {
  travel: (_, { travel, firstWeightNorm, steps }, { plannedSteps }) => {
    const value = travel / firstWeightNorm;
    const length = plannedSteps ?? Math.max(steps, ASSUMED_STEPS);
    const usual = 10 ** usualTravel(steps / length);
    return {
      name: "travel",
      value,
      expected: [usual * TRAVEL_RANGE[0], usual * TRAVEL_RANGE[1]],
      text:
        `In ${steps} steps the parameters have moved ${shareOf(value, "their norm")}; in runs ` +
        `of ${length} steps that end well it is about ${brief(100 * usual)} % by then.`,
    };
  },
  earlyRatio: ratioOf(
    "earlyRatio",
    "first updates",
    x => `The first updates were ${x} of the parameters' norm.`,
  ),
  ratio: ratioOf("ratio", "step : weight", x => `Each update is ${x} of the parameters' norm.`),
  level: values => {
    const value = 10 ** values.level;
    const text = `The loss is ${shareOf(value, "what it was at the start")}.`;
    return { name: "loss : loss at the start", value, expected: [0, 0.6], text };
  },
  peak: power(
    "peak",
    "highest loss : loss at the start",
    [1, 1.3],
    x => `The loss has been ${x} times what it was at the start.`,
  ),
  gradPeak: power(
    "gradPeak",
    "largest gradient : first gradient",
    [1, 4],
    x => `The largest gradient was ${x} times the first.`,
  ),
  straightness: power(
    "straightness",
    "straightness of the way",
    [0.05, 0.5],
    x => `The way covered is ${x} of the way gone: 1 is a straight line.`,
  ),
  drift: power(
    "drift",
    "way : random walk",
    [1, 5],
    x => `The parameters are ${x} times as far as a random walk would be.`,
  ),
  gain: power(
    "gain",
    "Adam gain",
    [0.1, 0.45],
    x => `A step is ${x} of the learning rate in each element: near 1, the gradients agree.`,
  ),
  promise: values => {
    const value = 10 ** values.promise;
    const text = `By its slope the first step was to take ${shareOf(value, "the loss")}; about 20 % is usual.`;
    return { name: "promise of the first step", value, expected: [0.05, 1.5], text };
  },
  growth: plain(
    "growth",
    "growth of the travel",
    [0.2, 0.8],
    x => `The travel grows with the steps to the power ${x}.`,
  ),
};
