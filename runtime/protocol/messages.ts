/**
 * Messages on a sidecar's socket. A client says hello first; the sidecar answers welcome, then
 * sends what happens. Steps, logs and metrics are stored before they are sent: a client reads steps
 * up to `welcome.run.steps`, the first `welcome.logs` logs and the first `welcome.metrics` metrics
 * from the run store, later ones from here.
 */
import type { Branches } from "./branch.ts";
import type { Control } from "./control.ts";
import type { TensorElements } from "./elements.ts";
import type { Finding } from "./finding.ts";
import type { MetricRecord } from "./metric.ts";
import type { Picture } from "./picture.ts";
import type { LearningRateProbe } from "./probe.ts";
import type { RunRecord } from "./run.ts";
import type { StepBatch } from "./steps.ts";

/** Raised when a message, a column or the run store changes; both ends must agree. */
export const PROTOCOL_VERSION = 18;

/**
 * What a run that is ended by SIGTERM may take for its last checkpoint: batch systems kill what is
 * left half a minute later.
 */
export const TERMINATION_MS = 25_000;

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line that the script printed, or that the sidecar has to say. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Last step recorded when the line was printed. */
  readonly step: number;
}

export type ClientMessage =
  | { readonly type: "hello"; readonly version: number; readonly token: string }
  /** Ends the run; its last checkpoint may take so long, and without a time no longer than somebody waits. */
  | { readonly type: "stop"; readonly patienceMs?: number }
  | { readonly type: "control"; readonly control: Control }
  /** Somebody works beside the run: it takes what others leave of the processor until false, or until this client has gone. */
  | { readonly type: "ease"; readonly isEased: boolean };

export type SidecarMessage =
  | {
      readonly type: "welcome";
      readonly version: number;
      readonly run: RunRecord;
      /** Log records and metrics stored so far; later ones are sent. */
      readonly logs: number;
      readonly metrics: number;
    }
  /** Something about the run changed: adapter, tensors, status. */
  | { readonly type: "run"; readonly run: RunRecord }
  | { readonly type: "steps"; readonly batch: StepBatch }
  | { readonly type: "log"; readonly log: LogRecord }
  /** The script logged a number of its own. */
  | { readonly type: "metric"; readonly metric: MetricRecord }
  /** A finding was raised, or changed: its new version. It is in the record of the run, too. */
  | { readonly type: "finding"; readonly finding: Finding }
  /** What is known of the learning rate, where that is tried out instead of a run. */
  | { readonly type: "probe"; readonly probe: LearningRateProbe }
  /** The loss around the place where the loop is held, as far as it is drawn. Nobody keeps it. */
  | { readonly type: "picture"; readonly picture: Picture }
  /** What other learning rates lead to, as far as they are tried. Nobody keeps it. */
  | { readonly type: "branches"; readonly branches: Branches }
  /** What the latest step did to each element of a tensor. Nobody keeps it. */
  | { readonly type: "elements"; readonly elements: TensorElements }
  /** The last message of a run. */
  | { readonly type: "end"; readonly run: RunRecord }
  /** The sidecar refuses the client (wrong token or version) and closes. */
  | { readonly type: "refused"; readonly reason: string };
