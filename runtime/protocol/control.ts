import { type Finding, suggestedText } from "./finding.ts";
import type { PictureView } from "./picture.ts";

/** What can be changed while a script runs: options of a parameter group, and limits of gradients. */
export const LIVE_OPTIONS = [
  "lr",
  /** What η of script and schedule is multiplied by; 1 where nobody has set it. */
  "lrFactor",
  "momentum",
  "beta1",
  "beta2",
  /** RMSprop's. */
  "alpha",
  "eps",
  "weightDecay",
  /** Those of `clipGradNorm` and `clipGradValue`: of the run, and said to be of group 0. */
  "maxNorm",
  "clipValue",
] as const;

export type LiveOption = (typeof LIVE_OPTIONS)[number];

/** Limits that gradients are clipped by. */
export type ClipLimit = Extract<LiveOption, "maxNorm" | "clipValue">;

/** Their names as one reads them. */
export const OPTION_LABELS: Readonly<Record<LiveOption, string>> = {
  lr: "η",
  lrFactor: "η factor",
  momentum: "momentum",
  beta1: "β₁",
  beta2: "β₂",
  alpha: "α",
  eps: "ε",
  weightDecay: "weight decay",
  maxNorm: "gradient norm limit",
  clipValue: "gradient value limit",
};

/** Options that have to be below 1: how slowly running means forget. */
const BELOW_ONE: readonly LiveOption[] = ["beta1", "beta2", "alpha"];

/** Why an option cannot have a value; undefined if it can. */
export function optionObjection(name: LiveOption, value: number): string | undefined {
  const label = OPTION_LABELS[name];
  if (!Number.isFinite(value)) return `${label} has to be a number, such as 0.001 or 1e-3.`;
  if (BELOW_ONE.includes(name)) {
    return value >= 0 && value < 1 ? undefined : `${label} has to be at least 0 and below 1.`;
  }
  return value >= 0 ? undefined : `${label} has to be 0 or more.`;
}

/** An option of a run that can be changed, between two steps. */
export interface OptionRecord {
  /** Index of the parameter group. */
  readonly group: number;
  readonly name: LiveOption;
  /** In force in the next step, unless a schedule changes it until then. */
  readonly value: number;
  /** What script and schedule make of it. */
  readonly own: number;
}

/** What a client changed in a run. Changes that follow one another quickly are one. */
export interface ChangeRecord {
  /** The first step that had it. */
  readonly step: number;
  /** Index of the parameter group. */
  readonly group: number;
  readonly name: LiveOption;
  readonly from: number;
  readonly to: number;
}

/** What a client may ask of a training loop while it runs. */
export type Control =
  /** Holds the loop behind the step that it is in. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** So many steps more, then holds; controls that come before they are done add up. */
  | { readonly type: "step"; readonly count: number }
  /** Holds behind step `step` of the run, or at once where that is over. */
  | { readonly type: "runTo"; readonly step: number }
  /** Goes on until the diagnosis raises a finding, and holds behind the step that it is then in. */
  | { readonly type: "runToFinding" }
  /**
   * Puts the state back that followed step `step`, or the newest one before it that is kept, together
   * with what clients had set then. Held or not, the loop goes on from there as it was.
   */
  | { readonly type: "rewind"; readonly step: number }
  /**
   * Finds the operation that made the first value that is not finite: goes back, takes the steps up to it
   * once more, and holds before it. A finding tells of it.
   */
  | { readonly type: "locateNonFinite" }
  /**
   * Draws the loss around the place where the loop is held, or around its next step, behind which it waits
   * until that is done; `picture` messages tell of it.
   */
  | { readonly type: "draw"; readonly view: PictureView }
  /**
   * Measures what the latest step did to each element of a tensor of the run, at once where the loop is
   * held, else behind its next step; an `elements` message has it.
   */
  | { readonly type: "measure"; readonly tensor: number }
  /** Ends the drawing. */
  | { readonly type: "stopDrawing" }
  /**
   * Holds the loop, tries η times each of the factors for so many steps, one after the other, and brings
   * the loop back to where it was held; `branches` messages tell of it. A control that moves or changes
   * the loop meanwhile ends that, and is done then.
   */
  | { readonly type: "branch"; readonly factors: readonly number[]; readonly steps: number }
  /** Tries no more. */
  | { readonly type: "stopBranching" }
  /**
   * From the next step on the option of a parameter group has this value, whatever script and schedule
   * make of it; without one it is theirs again. Of `lr` and `lrFactor` the one that was set last holds.
   */
  | SetOption;

export interface SetOption {
  readonly type: "set";
  readonly group: number;
  readonly name: LiveOption;
  readonly value?: number;
}

/** What follows the suggestion of a finding in a loop that runs; undefined where nothing does. */
export function liveChange({
  about,
  suggestion,
}: Finding): (SetOption & { readonly value: number }) | undefined {
  const name = LIVE_OPTIONS.find(option => option === suggestion?.target);
  if (!suggestion || !name || about.type !== "hyperparameter") return undefined;
  return { type: "set", group: about.group, name, value: Number(suggestedText(suggestion)) };
}

/** What the loop itself obeys: findings are made elsewhere. */
export type LoopOrder =
  | Exclude<Control, { type: "runToFinding" | "locateNonFinite" }>
  /** Looks for the first value of step `step` that is not finite. */
  | { readonly type: "locate"; readonly step: number }
  /** As that, beside the run: the loop then goes on from where it is now, as if nothing had been. */
  | { readonly type: "search"; readonly step: number };
