/** `stepscope train FILE`: trains, and says how it goes. */

import { JsonReport } from "../exchange/jsonLines.ts";
import { isOpen } from "../protocol/finding.ts";
import { TERMINATION_MS } from "../protocol/messages.ts";
import type { Report } from "../protocol/report.ts";
import type { OverrideRecord, RunStatus } from "../protocol/run.ts";
import { EXIT } from "./exit.ts";
import { Follower, GRACE_MS } from "./follower.ts";
import { listenToKeys } from "./keys.ts";
import { LiveReport } from "./live.ts";
import { PlainReport } from "./plain.ts";

export interface TrainOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly seed: number;
  readonly overrides?: OverrideRecord;
  readonly tags?: readonly string[];
  /** GPU memory for states that the run can go back to, in bytes; 256 MiB if left out. */
  readonly rewindBytes?: number;
  /** The folder of checkpoints to go on from. */
  readonly resume?: string;
  readonly json: boolean;
  /** Findings of the diagnosis count as failures. */
  readonly strict: boolean;
  /** The sidecar's entry. */
  readonly sidecar: string;
}

const EXIT_CODES: Readonly<Record<RunStatus, number>> = {
  running: EXIT.failed,
  completed: EXIT.completed,
  failed: EXIT.failed,
  crashed: EXIT.failed,
  stopped: EXIT.stopped,
};

/** Trains to the end; resolves to the exit code. */
export async function train({ json, strict, ...options }: TrainOptions): Promise<number> {
  const follower = new Follower(json ? jsonReport() : textReport());
  const stop = () => follower.stop();
  // Nobody waits for a batch job that is ended.
  const terminate = () => follower.stop(TERMINATION_MS);
  const signals = { SIGINT: stop, SIGHUP: stop, SIGTERM: terminate };
  for (const [signal, listener] of Object.entries(signals)) process.on(signal, listener);
  // Nobody reads on.
  process.stdout.on("error", stop);
  const { stdin } = process;
  const hasKeys = !json && isLive() && stdin.isTTY;
  const leaveKeys = hasKeys ? listenToKeys(stdin, follower) : () => {};
  const run = await follower.follow({ ...options, graceMs: GRACE_MS }).finally(leaveKeys);
  for (const [signal, listener] of Object.entries(signals)) process.off(signal, listener);
  const isFaulty = run.findings.some(each => isOpen(each) && each.severity !== "info");
  return strict && run.status === "completed" && isFaulty ? EXIT.finding : EXIT_CODES[run.status];
}

function jsonReport(): Report {
  return new JsonReport(
    line => process.stdout.write(`${line}\n`),
    text => process.stderr.write(text),
  );
}

function textReport(): Report {
  const { stdout, stderr } = process;
  if (isLive()) return new LiveReport(stdout, process.stdin.isTTY);
  return new PlainReport(
    line => stdout.write(`${line}\n`),
    line => stderr.write(`${line}\n`),
  );
}

/** Whether standard output is a terminal whose lines can be drawn again. */
function isLive(): boolean {
  return process.stdout.isTTY && process.env.TERM !== "dumb";
}
