/** Has learning rates tried on a script before a run. */
import type { SidecarMessage } from "../protocol/messages.ts";
import type { LearningRateProbe, ProbeOptions } from "../protocol/probe.ts";
import type { RunRecord } from "../protocol/run.ts";
import { type StartOptions, startRun } from "./start.ts";

export interface TrialOptions extends StartOptions {
  readonly probe: ProbeOptions;
}

/** How a trial ended. */
export interface Trial {
  /** Record of the process, which is no run: the adapter, and an error of the script. */
  readonly run: RunRecord;
  readonly probe: LearningRateProbe;
}

/** The script failed on which rates were tried. */
export class ScriptFailedError extends Error {
  /** Record of the process, with the error. */
  readonly run: RunRecord;

  constructor(run: RunRecord) {
    super(run.error?.message);
    this.run = run;
  }
}

/** An experiment ends with whoever asked for it. */
const GRACE_MS = 2000;

/**
 * Tries rates; nothing is kept.
 * @param onProgress hears what is known after each step.
 * @param signal ends the trial.
 * @returns undefined if the trial was stopped.
 * @throws as `startRun`; ScriptFailedError with the script's own message if that failed; Error if it
 *   took too few steps for a first suggestion.
 */
export async function tryLearningRates(
  options: TrialOptions,
  onProgress: (probe: LearningRateProbe) => void,
  signal: AbortSignal,
): Promise<Trial | undefined> {
  let probe: LearningRateProbe | undefined;
  let run: RunRecord | undefined;
  const listener = (message: SidecarMessage): void => {
    if (message.type === "end") run = message.run;
    if (message.type !== "probe") return;
    probe = message.probe;
    onProgress(probe);
  };
  const connection = await startRun({ ...options, graceMs: GRACE_MS }, listener);
  const stop = () => connection.stop();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  await connection.closed;
  signal.removeEventListener("abort", stop);
  if (!run) throw new Error("The training process died.");
  if (run.status === "stopped") return undefined;
  if (run.error) throw new ScriptFailedError(run);
  if (!probe) throw new Error("The script ended without a step of an optimizer that it awaits.");
  if (probe.done < probe.steps && probe.suggestion === undefined) {
    throw new Error(
      `The script ended after ${probe.done} steps, before all learning rates were tried. Have it take more, or ` +
        "try fewer with --steps.",
    );
  }
  return { run, probe };
}
