/**
 * The diagnosis of a run as it goes: one pure function from a state and a step to the next state and
 * what there is to say. No clock, no randomness: a replay says the same. A state is plain data.
 */
import type { Finding, FindingCode } from "../../protocol/finding.ts";
import { describeRate } from "./describe.ts";
import type { RunPlan, StepRecord } from "./record.ts";
import type { Scorecard } from "./scorecard.ts";
import { baseRate, median, NO_SIGNALS, observe, type Signals, TRAVEL_RANGE } from "./signals.ts";
import {
  type Assessment,
  assess,
  isGivenTime,
  isLost,
  objection,
  rateFor,
  rateForLength,
  rescueRate,
  SCORECARD,
  SHORTEST,
  stepsToSettle,
  stepsToSuggest,
  suggestedRate,
  suggestion,
  type Verdict,
} from "./verdict.ts";

export interface DiagnosisState {
  readonly plan: RunPlan;
  /** What judges the learning rate. */
  readonly card: Scorecard;
  readonly signals: Signals;
  /** The learning rate that would be right, once the travel can tell. */
  readonly target: number | undefined;
  readonly assessment: Assessment | undefined;
  /** A verdict that may be said, and at how many checkpoints in a row it was as probable as each of `SURE` asks for. */
  readonly vote: { readonly verdict: Verdict; readonly counts: readonly number[] } | undefined;
  /** Checkpoints in a row at which the open finding was doubtful. */
  readonly doubts: number;
  /** The finding about the learning rate that is open. */
  readonly finding: Finding | undefined;
  readonly raised: number;
}

/**
 * What a verdict needs to be said: one of these probabilities at so many checkpoints in a row. What stays so counts, too. Where
 * nobody knows the length, a verdict has to hold for each that the run may have, and its probability is the lowest of them.
 */
const SURE = {
  known: {
    small: [
      { confidence: 0.96, inARow: 1 },
      { confidence: 0.92, inARow: 4 },
      { confidence: 0.82, inARow: 20 },
    ],
    large: [
      { confidence: 0.93, inARow: 2 },
      { confidence: 0.88, inARow: 5 },
    ],
  },
  unknown: {
    small: [
      { confidence: 0.9, inARow: 2 },
      { confidence: 0.85, inARow: 5 },
      { confidence: 0.7, inARow: 20 },
    ],
    large: [
      { confidence: 0.9, inARow: 2 },
      { confidence: 0.85, inARow: 5 },
    ],
  },
} as const;

/** What takes a finding back: a probability below this one at so many checkpoints in a row. */
const DOUBTFUL = 0.5;
const DOUBTS = 4;

/** Checkpoints in a run whose length is known, and steps between them else; steps at the least. */
const CHECKPOINTS = 100;
const STEPS_BETWEEN = 8;

/** Below this part of the first loss a run that is too slow is no failure. */
const NEARLY_DONE = 0.1;

/** The state before the first step. */
export function startDiagnosis(plan: RunPlan, card: Scorecard = SCORECARD): DiagnosisState {
  return {
    plan,
    card,
    signals: NO_SIGNALS,
    target: undefined,
    assessment: undefined,
    vote: undefined,
    doubts: 0,
    finding: undefined,
    raised: 0,
  };
}

/** Takes in one step. Returns the next state, and new versions of findings. */
export function diagnose(
  state: DiagnosisState,
  record: StepRecord,
): readonly [DiagnosisState, readonly Finding[]] {
  const { plan } = state;
  const signals = observe(state.signals, record, plan);
  const isTold = signals.steps >= stepsToSuggest(plan) && !objection(signals, plan);
  const target = state.target ?? (isTold ? suggestedRate(signals, plan) : undefined);
  const next = { ...state, signals, target };
  if (signals.nonFiniteAt !== undefined) return lose(next, record.t);
  return isCheckpoint(signals, plan) ? checkpoint(next, record.t) : [next, []];
}

function isCheckpoint({ steps }: Signals, { plannedSteps }: RunPlan): boolean {
  const every = plannedSteps ? Math.max(1, Math.round(plannedSteps / CHECKPOINTS)) : STEPS_BETWEEN;
  return steps % every === 0;
}

type Result = readonly [DiagnosisState, readonly Finding[]];

/** A number is not finite: said once. */
function lose(state: DiagnosisState, step: number): Result {
  const { finding } = state;
  if (finding?.severity === "error") return [state, []];
  return raise(state, step, "lr.diverging", { verdict: "diverge", confidence: 1 }, "error");
}

function checkpoint(state: DiagnosisState, step: number): Result {
  const assessment = assess(state.signals, state.plan, state.card);
  const judged = { ...state, assessment };
  const { verdict, confidence } = assessment;
  if (judged.finding) return review(judged, step);
  const said = verdict === "diverge" ? "large" : verdict;
  const mayBeSaid =
    (said === "small" && state.target !== undefined) ||
    (said === "large" && !isGivenTime(state.signals, state.plan));
  if (!mayBeSaid) return [{ ...judged, vote: undefined }, []];
  const before = judged.vote?.verdict === said ? judged.vote.counts : [];
  const sure = SURE[state.plan.plannedSteps === undefined ? "unknown" : "known"][said];
  const counts = sure.map(({ confidence: least }, i) =>
    confidence >= least ? (before[i] ?? 0) + 1 : 0,
  );
  const voted = { ...judged, vote: { verdict: said, counts } };
  const isSure = sure.some(({ inARow }, i) => (counts[i] ?? 0) >= inARow);
  if (!isSure || state.signals.steps < stepsToSettle(state.plan)) return [voted, []];
  return raise(voted, step, codeOf(verdict, state.signals), assessment, "warning");
}

/** What a verdict on a run that is over needs to be said. */
const SURE_AT_END = { small: 0.8, large: 0.9 } as const;

/**
 * Takes in that the run has come to its end by itself: where its length was not known, it is now, and the learning rate is
 * judged for a run of that length, unless something is told of it.
 * @param step the last one.
 */
export function conclude(state: DiagnosisState, step: number): readonly Finding[] {
  const { signals, plan, finding, target, card } = state;
  const { steps } = signals;
  if (finding || plan.plannedSteps !== undefined || steps < SHORTEST) return [];
  const whole = { ...plan, plannedSteps: steps };
  const assessment = assessWhole(signals, whole, card);
  const { verdict, confidence } = assessment;
  const said = verdict === "diverge" ? "large" : verdict;
  if (said !== "small" && said !== "large") return [];
  const isExcused = said === "small" ? target === undefined : isGivenTime(signals, whole);
  if (confidence < SURE_AT_END[said] || isExcused) return [];
  const over = {
    ...state,
    plan: whole,
    target: target && rateForLength(target, signals, plan, steps),
  };
  const [, found] = raise(over, step, codeOf(verdict, signals), assessment, "warning");
  return found.map(each => ({ ...each, message: `The run took ${steps} steps. ${each.message}` }));
}

/**
 * The verdict on a run that is over. A loss that has come to a plateau and goes on falling behind it looks settled while it
 * is there: that the run has not arrived is seen in how little its parameters have moved.
 */
function assessWhole(signals: Signals, whole: RunPlan, card: Scorecard): Assessment {
  const assessment = assess(signals, whole, card);
  const { verdict, features } = assessment;
  if (verdict !== "right" && verdict !== "small") return assessment;
  const isBehind = features && features.travel < Math.log10(TRAVEL_RANGE[0]);
  if (!isBehind || isNearlyDone(signals)) return assessment;
  const known = verdict === "small" ? assessment.confidence : 0;
  return { ...assessment, verdict: "small", confidence: Math.max(known, SURE_AT_END.small) };
}

function isNearlyDone({ recent, firstLoss }: Signals): boolean {
  return median(recent) < NEARLY_DONE * firstLoss;
}

function codeOf(verdict: Verdict | undefined, signals: Signals): FindingCode {
  if (verdict === "diverge") return "lr.diverging";
  if (verdict !== "small") return "lr.tooLarge";
  return isNearlyDone(signals) ? "lr.slow" : "lr.tooSmall";
}

/** Updates the finding that is open, or clears it. */
function review(state: DiagnosisState, step: number): Result {
  const { finding, assessment } = state;
  if (!finding || !assessment) return [state, []];
  const holds = stillHolds(finding, assessment);
  const doubts = holds ? 0 : state.doubts + 1;
  if (doubts >= DOUBTS) {
    const cleared: Finding = { ...finding, state: "cleared", step };
    return [{ ...state, finding: undefined, vote: undefined, doubts: 0 }, [cleared]];
  }
  const code = codeOf(assessment.verdict, state.signals);
  // What learns slowly may be about to arrive. Whether the loss is above its start is no news.
  if (holds && assessment.verdict === "small" && code !== finding.code) {
    return raise({ ...state, doubts }, step, code, assessment, "warning");
  }
  return [{ ...state, doubts }, []];
}

/** Whether the verdict is still on the side of the finding. */
function stillHolds({ code, severity }: Finding, { verdict, confidence }: Assessment): boolean {
  if (severity === "error") return true;
  const isSmall = code === "lr.tooSmall" || code === "lr.slow";
  const says = isSmall ? verdict === "small" : verdict === "large" || verdict === "diverge";
  return says && confidence >= DOUBTFUL;
}

/** Opens a finding in the place of the one that is open. */
function raise(
  state: DiagnosisState,
  step: number,
  code: FindingCode,
  assessment: Assessment,
  severity: Finding["severity"],
): Result {
  const { finding: before, plan, signals } = state;
  const [from, to] = [baseRate(signals, plan), newRate(state, code)];
  // A loop that updates its parameters by hand has no rate that is known.
  const isKnown = to !== undefined && Number.isFinite(from) && Number.isFinite(to);
  const proposed = isKnown ? suggestion(from, to) : undefined;
  const finding: Finding = {
    id: `${code}:${state.raised + 1}`,
    code,
    severity: code === "lr.slow" ? "info" : severity,
    state: "raised",
    ...describeRate(code, severity, signals, plan, assessment, proposed),
    about: { type: "hyperparameter", name: "lr", group: plan.group },
    confidence: assessment.confidence,
    since: step,
    step,
    ...(proposed && { suggestion: proposed }),
    ...(before && { supersedes: before.id }),
  };
  const superseded: Finding[] = before ? [{ ...before, state: "superseded", step }] : [];
  const next = { ...state, finding, raised: state.raised + 1, vote: undefined, doubts: 0 };
  return [next, [...superseded, finding]];
}

/** What to write instead, in the direction of the finding; undefined where that is not known. */
function newRate({ target, plan, signals }: DiagnosisState, code: FindingCode): number | undefined {
  const isUp = code === "lr.tooSmall" || code === "lr.slow";
  if (target === undefined) return isUp ? undefined : rescueRate(signals, plan);
  return rateFor(isUp ? "small" : "large", target, baseRate(signals, plan));
}

/** The learning rate to use, also where nothing is found, once it can be told. */
export function advisedRate({
  finding,
  assessment,
  target,
  signals,
  plan,
}: DiagnosisState): number | undefined {
  if (finding?.suggestion) return finding.suggestion.to;
  const lr = baseRate(signals, plan);
  if (target === undefined) {
    return isLost(signals, plan) && lr > 0 ? rescueRate(signals, plan) : undefined;
  }
  return assessment?.verdict ? rateFor(assessment.verdict, target, lr) : target;
}
