/**
 * Between the two threads of a sidecar. The main thread runs the script; the recorder, a worker,
 * owns the store and the socket, so that it answers even while the script never gives way.
 */
import type { MessagePort, Worker } from "node:worker_threads";
import type { Branches } from "../protocol/branch.ts";
import type { ChangeRecord, OptionRecord } from "../protocol/control.ts";
import type { TensorElements } from "../protocol/elements.ts";
import type { StepHistograms } from "../protocol/histogram.ts";
import type { LaunchOptions } from "../protocol/launch.ts";
import type { LoopFault } from "../protocol/loopFault.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { Picture } from "../protocol/picture.ts";
import type { PlannedRates } from "../protocol/plannedRates.ts";
import type { LearningRateProbe } from "../protocol/probe.ts";
import type { RewindRecord } from "../protocol/rewind.ts";
import type {
  AdapterRecord,
  GroupRecord,
  RunError,
  RunStatus,
  SourceLocation,
  TensorRecord,
} from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import type { UntrainedLoss } from "../protocol/untrainedLoss.ts";

/** A log before the recorder knows its step. */
export type LogLine = Omit<LogRecord, "step">;

/** How a run ended. */
export interface Outcome {
  readonly status: Exclude<RunStatus, "running" | "crashed">;
  readonly error?: RunError;
  /** Not a line of the script ran: there is no run to keep. */
  readonly neverBegan?: boolean;
}

export type ToRecorder =
  | { readonly type: "adapter"; readonly adapter: AdapterRecord }
  | { readonly type: "seed"; readonly seed: number }
  | { readonly type: "tensors"; readonly tensors: readonly TensorRecord[] }
  | { readonly type: "steps"; readonly batch: StepBatch }
  | { readonly type: "paused"; readonly paused: boolean }
  | { readonly type: "groups"; readonly groups: readonly GroupRecord[] }
  | { readonly type: "planned"; readonly planned: readonly PlannedRates[] }
  | { readonly type: "options"; readonly options: readonly OptionRecord[] }
  | { readonly type: "changes"; readonly changes: readonly ChangeRecord[] }
  | { readonly type: "kept"; readonly kept: readonly number[] }
  | { readonly type: "rewinds"; readonly rewinds: readonly RewindRecord[] }
  | { readonly type: "log"; readonly line: LogLine }
  | { readonly type: "probe"; readonly probe: LearningRateProbe }
  | { readonly type: "picture"; readonly picture: Picture }
  | { readonly type: "branches"; readonly branches: Branches }
  | { readonly type: "elements"; readonly elements: TensorElements }
  | { readonly type: "histograms"; readonly histograms: readonly StepHistograms[] }
  | { readonly type: "metrics"; readonly metrics: readonly MetricRecord[] }
  | {
      readonly type: "fault";
      readonly fault: LoopFault;
      readonly step: number;
      readonly location: SourceLocation | undefined;
    }
  | { readonly type: "untrainedLoss"; readonly loss: UntrainedLoss }
  /** The process was told to stop, as by SIGTERM. */
  | { readonly type: "interrupted"; readonly signal: NodeJS.Signals }
  | { readonly type: "end"; readonly outcome: Outcome };

/** The run is to end; the script may take so long for its last checkpoint. */
export type FromRecorder = { readonly type: "stop"; readonly lastMomentMs: number };

/** What the recorder is started with. */
export interface RecorderData {
  readonly launch: LaunchOptions;
  readonly flags: SharedFlags;
  /** Where controls of clients go to. */
  readonly controls: MessagePort;
}

/** Memory that both threads see: one place for each flag. */
export type SharedFlags = Int32Array<SharedArrayBuffer>;

/** 1 once everything is stored and sent, and the process may go. */
export const FINISHED = 0;

/** Log lines that have not been stored and sent yet. */
export const BACKLOG = 1;

/** Lines that may wait before printing waits too, as it does when a pipe is full. */
const MAX_BACKLOG = 1000;

/** Longest that printing waits, or the end of the process, for a recorder that does not answer. */
const PATIENCE_MS = 5000;

export function sharedFlags(): SharedFlags {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** The main thread's end. */
export class RecorderLink {
  readonly #worker: Worker;
  readonly #flags: SharedFlags;

  constructor(worker: Worker, flags: SharedFlags) {
    this.#worker = worker;
    this.#flags = flags;
    worker.on("message", ({ lastMomentMs }: FromRecorder) => this.onstop(lastMomentMs));
    worker.on("error", error => {
      // It did not even begin; once it has, it ends the process itself.
      process.stderr.write(`The recorder of the run failed: ${error}\n`);
      process.exit(70);
    });
    // The script alone decides how long the process lives.
    worker.unref();
  }

  /** Called when the run is to end, and again where it is to end sooner. */
  onstop: (lastMomentMs: number) => void = () => {};

  send(message: ToRecorder): void {
    this.#worker.postMessage(message);
  }

  /** Hands over a batch, whose memory this thread loses. */
  steps(batch: StepBatch): void {
    const buffers = [batch.steps, batch.lr, batch.tensors].map(column => column.buffer);
    this.#worker.postMessage({ type: "steps", batch } satisfies ToRecorder, [
      ...new Set(buffers.filter(buffer => buffer instanceof ArrayBuffer)),
    ]);
  }

  /** Sends a log line; waits where the recorder cannot keep up. */
  log(line: LogLine): void {
    this.send({ type: "log", line });
    const lines = Atomics.add(this.#flags, BACKLOG, 1);
    if (lines > MAX_BACKLOG) Atomics.wait(this.#flags, BACKLOG, lines + 1, PATIENCE_MS);
  }

  /** Ends the run; returns when all that was recorded is stored and sent. */
  end(outcome: Outcome): void {
    this.send({ type: "end", outcome });
    Atomics.wait(this.#flags, FINISHED, 0, PATIENCE_MS);
  }
}

/** Takes lines off the backlog: they are stored and sent. */
export function takeFromBacklog(flags: SharedFlags, lines: number): void {
  Atomics.sub(flags, BACKLOG, lines);
  Atomics.notify(flags, BACKLOG);
}

/** Lets the main thread go. */
export function releaseMainThread(flags: SharedFlags): void {
  Atomics.store(flags, FINISHED, 1);
  Atomics.notify(flags, FINISHED);
}
