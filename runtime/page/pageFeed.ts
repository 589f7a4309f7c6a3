import type { Branches } from "../protocol/branch.ts";
import type { TensorElements } from "../protocol/elements.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { ToPageMessage } from "../protocol/page.ts";
import type { Picture } from "../protocol/picture.ts";
import type { RunRecord } from "../protocol/run.ts";
import { continues, joinBatches, type StepBatch } from "../protocol/steps.ts";

/** Shortest time between two messages to a page, in milliseconds: steps, logs and metrics that come all at once take turns. */
export const FEED_INTERVAL = 20;

/** The same while the page is to leave the processor to others: then all that waits is sent at once. */
export const EASED_INTERVAL = 500;

/**
 * Sends a page what happens to a run, one message each FEED_INTERVAL: what arrives meanwhile is
 * merged. The run goes first, because it names the tensors of the steps; steps, log lines and metrics
 * take turns. Everything is held until `start`, when the page has the history.
 */
export class PageFeed {
  readonly #post: (message: ToPageMessage) => void;
  #waitingRun: RunRecord | undefined;
  #batches: StepBatch[] = [];
  #logs: LogRecord[] = [];
  #metrics: MetricRecord[] = [];
  #picture: Picture | undefined;
  #branches: Branches | undefined;
  #elements: TensorElements | undefined;
  #started = false;
  #isEased = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (message: ToPageMessage) => void) {
    this.#post = post;
  }

  start(): void {
    this.#started = true;
    this.#schedule();
  }

  /** Sends seldom: the page, which draws what it gets, takes little time then. False: as fast as before. */
  ease(isEased: boolean): void {
    if (isEased === this.#isEased) return;
    this.#isEased = isEased;
    clearTimeout(this.#timer);
    this.#timer = undefined;
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

  metric(metric: MetricRecord): void {
    this.#metrics.push(metric);
    this.#schedule();
  }

  /** Of several that wait the last is sent: each has all that the one before it had. */
  picture(picture: Picture): void {
    this.#picture = picture;
    this.#schedule();
  }

  /** The same of what other learning rates lead to. */
  branches(branches: Branches): void {
    this.#branches = branches;
    this.#schedule();
  }

  /** Sends what was measured of a tensor's elements; of several that wait the last. */
  elements(elements: TensorElements): void {
    this.#elements = elements;
    this.#schedule();
  }

  /** Forgets what waits and sends nothing more. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#started = false;
    this.#waitingRun = undefined;
    this.#batches = [];
    this.#logs = [];
    this.#metrics = [];
    this.#picture = undefined;
    this.#branches = undefined;
    this.#elements = undefined;
  }

  #schedule(): void {
    if (!this.#started) return;
    const interval = this.#isEased ? EASED_INTERVAL : FEED_INTERVAL;
    this.#timer ??= setTimeout(() => this.#flush(), interval);
  }

  #flush(): void {
    this.#timer = undefined;
    const message = this.#next();
    if (!message) return;
    this.#post(message);
    if (this.#isEased) this.#flush();
    else this.#schedule();
  }

  #next(): ToPageMessage | undefined {
    const run = this.#waitingRun;
    if (run) {
      this.#waitingRun = undefined;
      return { type: "run", run };
    }
    for (let turn = 0; turn < this.#turns.length; turn++) {
      const [take] = this.#turns;
      this.#turns.push(...this.#turns.splice(0, 1));
      const message = take?.();
      if (message) return message;
    }
    return undefined;
  }

  /** What gives the next message of each kind, if there is one; the first is the next in turn. */
  readonly #turns: (() => ToPageMessage | undefined)[] = [
    () => {
      const batches = this.#takeContinuous();
      return batches.length > 0 ? { type: "steps", batch: joinBatches(batches) } : undefined;
    },
    () => {
      const logs = this.#logs.splice(0);
      return logs.length > 0 ? { type: "logs", logs } : undefined;
    },
    () => {
      const metrics = this.#metrics.splice(0);
      return metrics.length > 0 ? { type: "metrics", metrics } : undefined;
    },
    () => {
      const picture = this.#picture;
      this.#picture = undefined;
      return picture && { type: "picture", picture };
    },
    () => {
      const branches = this.#branches;
      this.#branches = undefined;
      return branches && { type: "branches", branches };
    },
    () => {
      const elements = this.#elements;
      this.#elements = undefined;
      return elements && { type: "elements", elements };
    },
  ];

  /** The batches that wait, up to the first that cannot be joined to the one before it. */
  #takeContinuous(): StepBatch[] {
    const end = this.#batches.findIndex((batch, i) => {
      const before = this.#batches[i - 1];
      return before && !continues(before, batch);
    });
    return this.#batches.splice(0, end < 0 ? this.#batches.length : end);
  }
}
