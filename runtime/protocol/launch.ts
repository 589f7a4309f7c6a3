/** What a client tells a sidecar that it starts. */
import type { ProbeOptions } from "./probe.ts";
import type { OverrideRecord } from "./run.ts";
import {
  type Check,
  count,
  list,
  number,
  object,
  optional,
  overrides,
  string,
} from "./validate.ts";

/**
 * Environment variable that holds the options as JSON: unlike a command line it is hidden from
 * other users, and the token is in it.
 */
export const LAUNCH_VARIABLE = "STEPSCOPE_LAUNCH";

export interface LaunchOptions {
  /** Id of the run. */
  readonly id: string;
  /** Folder of the run, which exists. */
  readonly runFolder: string;
  /** Absolute path of the training file. */
  readonly script: string;
  /** The script's own arguments. */
  readonly args: readonly string[];
  readonly seed: number;
  readonly overrides?: OverrideRecord;
  /** Milliseconds that the run goes on when the last client has gone; to its end if left out. */
  readonly graceMs?: number;
  /** The step behind which the loop is held; none if left out. */
  readonly runTo?: number;
  /** GPU memory for states to go back to. */
  readonly rewindBytes: number;
  /** Where to listen, and what a client must know. */
  readonly socket: string;
  readonly token: string;
  /** Has the learning rate tried out instead of a run: nothing is kept. */
  readonly probe?: ProbeOptions;
}

/** Checks launch options that came from outside. */
export const launchOptions: Check<LaunchOptions> = object<LaunchOptions>({
  id: string,
  runFolder: string,
  script: string,
  args: list(string),
  seed: count,
  overrides: optional(overrides) as Check<OverrideRecord>,
  graceMs: optional(number) as Check<number>,
  runTo: optional(count) as Check<number>,
  rewindBytes: count,
  socket: string,
  token: string,
  probe: optional(
    object<ProbeOptions>({ steps: count, plannedSteps: count }),
  ) as Check<ProbeOptions>,
});
