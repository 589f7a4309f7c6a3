/**
 * What the diagnosis says of a run: a rule, its evidence in numbers, and what to write instead.
 * docs/findings.md explains each code.
 */
import { numberText } from "./numberText.ts";
import type { SourceLocation } from "./run.ts";

/** Rules that can make a finding. The part before the dot is its kind. */
export const FINDING_CODES = [
  "lr.diverging",
  "lr.tooLarge",
  "lr.tooSmall",
  "lr.slow",
  "numerics.nonFinite",
  "loop.zeroGrad",
  "loop.backward",
  "loop.step",
  "loop.direction",
  "params.notOptimized",
  "params.noGradient",
  "params.zeroGradient",
  "params.frozen",
  "units.dead",
  "units.symmetric",
  "units.saturated",
  "gradients.vanishing",
  "adam.epsilon",
  "decay.strong",
  "init.loss",
  "schedule.ended",
  "schedule.plateau",
  "schedule.early",
  "schedule.warmUp",
  "batch.noise",
  "loss.arguments",
  "loss.probabilities",
  "loss.guess",
  "data.sameSamples",
  "data.scale",
  "data.targets",
  "data.order",
  "data.overfitting",
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

export const SEVERITIES = ["info", "warning", "error"] as const;

export type Severity = (typeof SEVERITIES)[number];

/**
 * `raised` when first told, `cleared` when what it says is no longer so, `superseded` when another
 * finding has taken its place: also where the same rule has new numbers to say.
 */
export const FINDING_STATES = ["raised", "cleared", "superseded"] as const;

export type FindingState = (typeof FINDING_STATES)[number];

/** Options of optimizers and data loaders, and the limit of gradient clipping, by their names. */
export const HYPERPARAMETERS = [
  "lr",
  "betas",
  "eps",
  "momentum",
  "weightDecay",
  "batchSize",
  "clip",
] as const;

export type Hyperparameter = (typeof HYPERPARAMETERS)[number];

/** What a finding is about. */
export type FindingSubject =
  /** A value that the script sets; `group` is the parameter group where it is an optimizer's. */
  | { readonly type: "hyperparameter"; readonly name: Hyperparameter; readonly group: number }
  /** A parameter tensor, by its name in the record. */
  | { readonly type: "tensor"; readonly name: string }
  /** The training loop: a call that is missing, the data that it reads. */
  | { readonly type: "loop" };

/** A number that speaks for the finding, in order of weight. All are finite. */
export interface Evidence {
  /** A short name, such as `travel` or `loss at the start`. */
  readonly name: string;
  readonly value: number;
  /** The range that healthy runs stay in. */
  readonly expected?: readonly [number, number];
  /** What the number says, as a sentence. */
  readonly text: string;
}

/** What to write instead. */
export interface Suggestion {
  readonly target: Hyperparameter;
  readonly from: number;
  readonly to: number;
  /** Values that are about as good. */
  readonly range: readonly [number, number];
}

/** A finding as of `step`. Later versions have the same id. */
export interface Finding {
  /** Unique in the run. */
  readonly id: string;
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly state: FindingState;
  /** A few words: `Learning rate ≈ 5× too high`. */
  readonly title: string;
  /** One or two sentences: what is seen, and what to do. */
  readonly message: string;
  readonly about: FindingSubject;
  /** 0 … 1; 1 where the rule is exact. */
  readonly confidence: number;
  /** Step at which it was raised. */
  readonly since: number;
  /** Step of this version. */
  readonly step: number;
  /** At least two. */
  readonly evidence: readonly Evidence[];
  readonly suggestion?: Suggestion;
  /** The line that it is about, where the run knows it. */
  readonly location?: SourceLocation;
  /** Id of the finding that this one has taken the place of. */
  readonly supersedes?: string;
}

/** Whether a finding still holds. */
export function isOpen({ state }: Finding): boolean {
  return state === "raised";
}

/** Whether it says that the numbers of the run are lost: where that began can be looked for. */
export function saysNonFinite({ code, severity }: Finding): boolean {
  return code === "lr.diverging" && severity === "error";
}

/** The most serious of findings, the earliest of equals; undefined where there is none. */
export function mostSerious(findings: readonly Finding[]): Finding | undefined {
  const rank = { error: 0, warning: 1, info: 2 } as const;
  return findings.toSorted((a, b) => rank[a.severity] - rank[b.severity])[0];
}

/** The latest version of each finding, in the order in which they were raised. */
export function mergeFindings(
  findings: readonly Finding[],
  changes: readonly Finding[],
): readonly Finding[] {
  if (changes.length === 0) return findings;
  const latest = new Map(findings.map(finding => [finding.id, finding]));
  for (const change of changes) latest.set(change.id, change);
  return [...latest.values()];
}

/** Digits of a suggested number: it is an estimate. */
const SUGGESTED_DIGITS = 2;

/** A suggested number as one writes it in a source: 0.08, 3e-4. */
export function suggestedText({ target, to }: Suggestion): string {
  // Samples are counted.
  return target === "batchSize" ? String(to) : numberText(to, SUGGESTED_DIGITS);
}
