/** What is known of one run of a training script, as stored and as sent to every client. */

import type { ChangeRecord, OptionRecord } from "./control.ts";
import type { Finding } from "./finding.ts";
import type { PlannedRates } from "./plannedRates.ts";
import type { RewindRecord } from "./rewind.ts";

/** The WebGPU adapter that a run computes on. */
export interface AdapterRecord {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for an adapter that computes on the CPU (SwiftShader), however it is called. */
  readonly software: boolean;
}

export const RUN_STATUSES = ["running", "completed", "failed", "stopped", "crashed"] as const;

/** `crashed`: the process died without saying so. Every state but `running` is final. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A place in the user's source; `line` and `column` count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Why a run failed. `stack` is mapped back to the TypeScript source. */
export interface RunError {
  readonly message: string;
  readonly stack?: string;
  readonly location?: SourceLocation;
}

/** `custom`: a user's own optimizer, or a loop that updates its parameters by hand. */
export const OPTIMIZER_NAMES = [
  "SGD",
  "Adam",
  "AdamW",
  "NAdam",
  "RAdam",
  "Adagrad",
  "RMSprop",
  "Lion",
  "Muon",
  "custom",
] as const;

export type OptimizerName = (typeof OPTIMIZER_NAMES)[number];

/** One parameter tensor that an optimizer updates. The order is that of the optimizer. */
export interface TensorRecord {
  /** PyTorch's qualified name, such as `0.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index into the η columns of a step batch. */
  readonly group: number;
  readonly optimizer: OptimizerName;
  /** True where the update keeps a running mean of gradients (Adam; SGD with momentum). */
  readonly momentum: boolean;
  /** True where the effective learning rate differs between elements (not for SGD). */
  readonly adaptive: boolean;
  /** Elements behind the percentiles: all of them, or the size of the stratified sample. */
  readonly sampled: number;
  /** Its values were loaded, or another optimizer has moved it, before this one began. */
  readonly trained?: boolean;
}

/** Options that a group of parameters was made with. */
export interface GroupRecord {
  /** Index among the groups of the run. */
  readonly group: number;
  /** By name, as JSON: `0.001`, `[0.9,0.999]`, `true`. */
  readonly options: Readonly<Record<string, string>>;
}

/** Where a run's process ran. */
export interface EnvironmentRecord {
  /** Version of Node.js. */
  readonly node: string;
  /** Operating system and processor, as Node.js names them: `linux x64`. */
  readonly platform: string;
}

/** What whoever started a run put in the place of what the script says. */
export interface OverrideRecord {
  /** η of the first group of the first optimizer that steps; all others have theirs in proportion. */
  readonly lr?: number;
  /** Added to every seed: runs of one script with different chance. */
  readonly seedOffset?: number;
}

/** The git repository that holds a script, as it was when the run began. */
export interface RepositoryRecord {
  /** Hash of the commit that was checked out. */
  readonly commit: string;
  /** Tracked files that differed from it. */
  readonly changedFiles: number;
  /**
   * Of their diff, which lies in the folder of the run: the first 16 hexadecimal digits of its SHA-256.
   * Missing where nothing was changed, or more than is kept.
   */
  readonly patchHash?: string;
}

/** A run: identity, environment, and how it stands. */
export interface RunRecord {
  readonly id: string;
  /** Absolute path of the training file. */
  readonly script: string;
  readonly args: readonly string[];
  /** Of the text of the training file when the run began: the first 16 hexadecimal digits of its SHA-256. */
  readonly sourceHash?: string;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Process that runs, or ran, the script. */
  readonly pid: number;
  /** Whether a client holds the loop between two steps. */
  readonly paused?: boolean;
  /** Whether it goes on until the next finding. */
  readonly runsToFinding?: boolean;
  /** Id of the finding that it is held for; empty where it is for none. */
  readonly heldFor?: string;
  /** Options of all groups as the script had them before their first step. */
  readonly groups?: readonly GroupRecord[];
  readonly environment?: EnvironmentRecord;
  /** Missing where the script is in no repository, and until git has answered. */
  readonly repository?: RepositoryRecord;
  /** What schedules are to make of η, as far as that is known. */
  readonly planned?: readonly PlannedRates[];
  /** What can be changed, group by group; told when it changes, and at most once a second. */
  readonly options?: readonly OptionRecord[];
  /** What clients have changed, oldest first. */
  readonly changes?: readonly ChangeRecord[];
  /** When it went back, oldest first. */
  readonly rewinds?: readonly RewindRecord[];
  /** Steps whose state is kept to go back to, in ascending order; none once the run is over. */
  readonly kept?: readonly number[];
  readonly seed: number;
  /** Missing where the script had its own way. */
  readonly overrides?: OverrideRecord;
  /** Version of stepscope that recorded the run. */
  readonly version: string;
  /** Missing until the script has used the device for the first time. */
  readonly adapter?: AdapterRecord;
  readonly tensors: readonly TensorRecord[];
  /** Steps recorded so far. */
  readonly steps: number;
  /** Loss of the last recorded step; NaN before the first. */
  readonly finalLoss: number;
  readonly error?: RunError;
  /** Why the diagnosis says nothing of the learning rate; empty, or missing, where it judges it. */
  readonly unjudged?: string;
  /** What the diagnosis has said: the latest version of each finding, oldest first. */
  readonly findings: readonly Finding[];
}

/** What became of a script that failed before it began, in words behind its name; empty for every other run. */
export function whyNotBegun({
  status,
  adapter,
  error,
}: RunRecord): "" | "does not compile" | "did not start" {
  if (status !== "failed" || adapter) return "";
  // Before a script begins, places are the compiler's.
  return error?.location ? "does not compile" : "did not start";
}
