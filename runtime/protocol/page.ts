/**
 * Messages between the panel's page and its host (the extension, or `stepscope view`). The host is
 * the store: a page that says `ready` gets `hydrate` with the run and all its steps, then deltas.
 */
import type { Control } from "./control.ts";
import type { LogRecord } from "./messages.ts";
import type { MetricRecord } from "./metric.ts";
import type { RunRecord } from "./run.ts";
import type { StepBatch } from "./steps.ts";

export type ToPageMessage =
  /** Forget what you have and show this run. */
  | {
      readonly type: "hydrate";
      readonly run: RunRecord;
      /** Folder of the run in the store: what the page keeps as its state. */
      readonly runFolder: string;
      readonly batches: readonly StepBatch[];
      readonly logs: readonly LogRecord[];
      readonly metrics: readonly MetricRecord[];
    }
  /** There is no run to show, and why. */
  | { readonly type: "empty"; readonly reason: string }
  | { readonly type: "run"; readonly run: RunRecord }
  | { readonly type: "steps"; readonly batch: StepBatch }
  | { readonly type: "logs"; readonly logs: readonly LogRecord[] }
  | { readonly type: "metrics"; readonly metrics: readonly MetricRecord[] };

export type FromPageMessage =
  | { readonly type: "ready" }
  | { readonly type: "stop" }
  | { readonly type: "control"; readonly control: Control }
  /** Train the same file again; a run that is under way is stopped. */
  | { readonly type: "train" }
  /** Open the script at the line of its error. */
  | { readonly type: "openSource"; readonly file: string; readonly line: number };
