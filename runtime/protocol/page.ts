/**
 * Messages between the panel's page and its host (the extension, or `stepscope view`). The host is
 * the store: a page that says `ready` gets `hydrate` with the run and all its steps, then deltas.
 */
import type { BinsRequest, TensorBins } from "./bins.ts";
import type { Branches } from "./branch.ts";
import type { Control, LiveOption } from "./control.ts";
import type { CurveBins, CurveName, CurveRequest, CurveTotal } from "./curves.ts";
import type { TensorElements } from "./elements.ts";
import type { FindingCode } from "./finding.ts";
import type { TensorHistograms } from "./histogram.ts";
import type { LogRecord } from "./messages.ts";
import type { MetricRecord } from "./metric.ts";
import type { Picture } from "./picture.ts";
import type { RunRecord, RunStatus, SourceLocation } from "./run.ts";
import type { StepBatch, StepColumn, StepCurves } from "./steps.ts";

/** A run that can be compared with the one that is shown, as one chooses it. */
export interface RunChoice {
  readonly runFolder: string;
  /** The user's own name for it; empty without one. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly seed: number;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly steps: number;
}

/** Looks at a loop that its user asks for. */
export const LOOK_PARTS = ["picture", "branches"] as const;

export type LookPart = (typeof LOOK_PARTS)[number];

export type ToPageMessage =
  /** Give all charts their places back. */
  | { readonly type: "resetLayout" }
  /** Forget what you have and show this run. */
  | {
      readonly type: "hydrate";
      readonly run: RunRecord;
      /** Folder of the run in the store: what the page keeps as its state. */
      readonly runFolder: string;
      readonly batches: readonly StepBatch[];
      readonly logs: readonly LogRecord[];
      readonly metrics: readonly MetricRecord[];
      /** Of a long run: what `steps` do not bring, and has to be asked for. */
      readonly stored?: StoredSteps;
      /** Folders of the runs to compare it with, where its page has not been used before. */
      readonly compared?: readonly string[];
    }
  /** There is no run to show: what is instead, and why. Empty where the page knows no less. */
  | {
      readonly type: "empty";
      readonly heading: string;
      readonly reason: string;
      /** A run that ended before its script began, which says why. */
      readonly run?: RunRecord;
    }
  | { readonly type: "run"; readonly run: RunRecord }
  | { readonly type: "steps"; readonly batch: StepBatch }
  /** What was asked for of the run, or of one that is compared with it. */
  | {
      readonly type: "bins";
      readonly runFolder?: string;
      readonly bins: readonly TensorBins[];
      readonly curves: readonly CurveBins[];
    }
  | { readonly type: "logs"; readonly logs: readonly LogRecord[] }
  | { readonly type: "metrics"; readonly metrics: readonly MetricRecord[] }
  /** The picture that was asked for, as far as it is drawn. */
  | { readonly type: "picture"; readonly picture: Picture }
  /** What other learning rates lead to, as far as they are tried. */
  | { readonly type: "branches"; readonly branches: Branches }
  /** Ask for the picture of the loss, or let the user say which learning rates are to be tried. */
  | { readonly type: "open"; readonly part: LookPart }
  /** Ids of the run's findings that its user does not want to be told. */
  | { readonly type: "silenced"; readonly findings: readonly string[] }
  /** What was asked for of the histograms of a tensor. */
  | { readonly type: "histograms"; readonly histograms: TensorHistograms }
  /** What was asked for of a tensor's elements. */
  | { readonly type: "elements"; readonly elements: TensorElements }
  /** Compare what is shown with these runs and no others. */
  | { readonly type: "compare"; readonly runFolders: readonly string[] }
  /** A run to compare with begins: forget what you have of it. Its metrics and steps follow. */
  | {
      readonly type: "compared";
      readonly runFolder: string;
      /** The user's own name for it; empty without one. */
      readonly name: string;
      readonly run: RunRecord;
      /** Of a long run: what has to be asked for. */
      readonly stored?: StoredSteps;
    }
  | { readonly type: "comparedRun"; readonly runFolder: string; readonly run: RunRecord }
  /** Further steps, by the `COMPARED_COLUMNS` alone. */
  | { readonly type: "comparedSteps"; readonly runFolder: string; readonly curves: StepCurves }
  | {
      readonly type: "comparedMetrics";
      readonly runFolder: string;
      readonly metrics: readonly MetricRecord[];
    }
  /**
   * The pinned run, which is compared without being asked for; undefined for none. `problem`: why it
   * could not be changed.
   */
  | { readonly type: "baseline"; readonly runFolder?: string; readonly problem?: string }
  /** A run to compare with cannot be read, or no longer, and why. */
  | { readonly type: "comparedGone"; readonly runFolder: string; readonly reason: string }
  /** The runs that can be compared, the newest first. */
  | { readonly type: "runs"; readonly runs: readonly RunChoice[] };

/** Steps of a long run that are not sent: a page asks its host for what it draws of them. */
export interface StoredSteps {
  readonly first: number;
  readonly last: number;
  /** What is known of all of them together, of these quantities. */
  readonly names: readonly CurveName[];
  /** Of each its least and greatest value, and the first step at which it is not finite. */
  readonly totals: Float64Array;
}

/** The totals in `StoredSteps`, of which JSON could not tell infinities. */
export function totalsOf({ names, totals }: StoredSteps): readonly CurveTotal[] {
  const at = (i: number) => totals[i] ?? Number.NaN;
  return names.map((name, i) => {
    return { name, least: at(3 * i), greatest: at(3 * i + 1), firstOdd: at(3 * i + 2) };
  });
}

/** What is drawn of a run that is compared with another, beside η and what it logged; and where it stands. */
export const COMPARED_COLUMNS = [
  "loss",
  "gradNorm",
  "stepToWeight",
  "stepMs",
  "epoch",
  "time",
  "samples",
] as const satisfies readonly StepColumn[];

/** Runs that are compared with another at most: so many lines can be told apart. */
export const MOST_COMPARED = 24;

/** An option of a parameter group, and what it is to be in the script. */
export interface OptionValue {
  readonly group: number;
  readonly name: LiveOption;
  readonly value: number;
}

export type FromPageMessage =
  | { readonly type: "ready" }
  /** What did tensors have, and all parameters together, in bins? Of the run, or of one that is compared. */
  | {
      readonly type: "bins";
      readonly runFolder?: string;
      readonly requests: readonly BinsRequest[];
      readonly curves: readonly CurveRequest[];
    }
  | { readonly type: "stop" }
  | { readonly type: "control"; readonly control: Control }
  /** Send the histograms of this tensor behind a step. */
  | { readonly type: "histograms"; readonly tensor: number; readonly after: number }
  /** Train the same file again; a run that is under way is stopped. */
  | { readonly type: "train" }
  /** These runs are compared with the one that is shown: send what was not sent yet. */
  | { readonly type: "compare"; readonly runFolders: readonly string[] }
  /** Show in what the script of this run differs from the shown run's. */
  | { readonly type: "compareSource"; readonly runFolder: string }
  /** Pin this run as the baseline, or none. */
  | { readonly type: "pin"; readonly runFolder?: string }
  /** Which runs can be compared? */
  | { readonly type: "listRuns" }
  /** Keep what the user has chosen to see, as JSON: the next page of the workspace begins with it. */
  | { readonly type: "keepView"; readonly view: string }
  /** Ask where to, and save a picture of a chart: the name of a .png or .svg file, and its bytes. */
  | { readonly type: "savePicture"; readonly name: string; readonly bytes: Uint8Array }
  /** Write a value that was set while the script ran into it, as an edit that the user sees before. */
  | { readonly type: "writeOption"; readonly option: OptionValue }
  /** Open the script at the place of its error. */
  | ({ readonly type: "openSource" } & SourceLocation)
  /** Open what a finding of the run is about, where its fixes are. */
  | { readonly type: "revealFinding"; readonly id: string }
  /** Open the page that explains a rule. */
  | { readonly type: "explainFinding"; readonly code: FindingCode };
