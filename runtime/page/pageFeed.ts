import type { LogRecord } from "../protocol/messages.ts";
import type { ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { continues, joinBatches, type StepBatch } from "../protocol/steps.ts";

/** Shortest time between two messages to a page, in milliseconds: at most 20 a second. */
export const FEED_INTERVAL = 50;

/**
 * Sends a page what happens to a run, one message each FEED_INTERVAL: what arrives meanwhile is
 * merged. The run goes first, because it names the tensors of the steps; steps and log lines take
 * turns. Everything is held until `start`, when the page has the history.
 */
export class PageFeed {
  readonly #post: (message: ToPageMessage) => void;
  #waitingRun: RunRecord | undefined;
  #batches: StepBatch[] = [];
  #logs: LogRecord[] = [];
  #logsNext = false;
  #started = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (message: ToPageMessage) => void) {
    this.#post = post;
  }

  start(): void {
    this.#started = true;
    this.#schedule();
  }

  run(run: RunRecord): void {
    this.#waitingRun = run;
    this.#schedule();
  }

  steps(batch: StepBatch): void {
    this.#batches.push(batch);
    this.#schedule();
  }

  log(log: LogRecord): void {
    this.#logs.push(log);
    this.#schedule();
  }

  /** Forgets what waits and sends nothing more. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#started = false;
    this.#waitingRun = undefined;
    this.#batches = [];
    this.#logs = [];
  }

  #schedule(): void {
    if (!this.#started) return;
    this.#timer ??= setTimeout(() => this.#flush(), FEED_INTERVAL);
  }

  #flush(): void {
    this.#timer = undefined;
    const message = this.#next();
    if (!message) return;
    this.#post(message);
    this.#schedule();
  }

  #next(): ToPageMessage | undefined {
    const run = this.#waitingRun;
    if (run) {
      this.#waitingRun = undefined;
      return { type: "run", run };
    }
    if (this.#logs.length > 0 && (this.#logsNext || this.#batches.length === 0)) {
      this.#logsNext = false;
      const logs = this.#logs;
      this.#logs = [];
      return { type: "logs", logs };
    }
    this.#logsNext = true;
    const batches = this.#takeContinuous();
    return batches.length > 0 ? { type: "steps", batch: joinBatches(batches) } : undefined;
  }

  /** The batches that wait, up to the first that cannot be joined to the one before it. */
  #takeContinuous(): StepBatch[] {
    const end = this.#batches.findIndex((batch, i) => {
      const before = this.#batches[i - 1];
      return before && !continues(before, batch);
    });
    return this.#batches.splice(0, end < 0 ? this.#batches.length : end);
  }
}
