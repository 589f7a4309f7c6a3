/** The states that a loop can go back to, and when it did. */
import { type RewindRecord, type Stretch, stretchesInForce } from "../protocol/rewind.ts";

/** Snapshots within a budget of memory: a SnapshotRing. */
export interface Snapshots {
  /** Bytes; 0 if none are to be taken. */
  readonly budget: number;
  /** Steps behind which there is one, in ascending order. */
  readonly steps: readonly number[];
  /** @returns whether one fits into the budget at all. */
  take(step: number): boolean;
  /** @returns the step whose state is in force again; undefined if none is kept so early. */
  rewind(step: number): number | undefined;
  clear(): void;
}

/** Who hears of it. */
export interface TimelineListener {
  /** Says which steps can be gone back to. */
  kept(steps: readonly number[]): void;
  /** Says when the loop went back until now. */
  rewound(rewinds: readonly RewindRecord[]): void;
  warn(text: string): void;
}

/** Shortest time between two snapshots of a loop that nobody touches. */
const INTERVAL_MS = 1000;

/** Of the time of a loop, snapshots take at most one part in so many. */
const SHARE = 100;

/** Changes within this time are one, and need one snapshot: a slider is moved in many small ones. */
const GESTURE_MS = 1000;

/** All methods are to be called between two steps, and always at the same place of the loop. */
export class Timeline {
  readonly #snapshots: Snapshots;
  readonly #listener: TimelineListener;
  #rewinds: readonly RewindRecord[] = [];
  #isOff: boolean;
  /** When the next snapshot is due, and when the last change was made. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(snapshots: Snapshots, listener: TimelineListener) {
    this.#snapshots = snapshots;
    this.#listener = listener;
    this.#isOff = snapshots.budget === 0;
  }

  /** From now on the loop is seen at another place: what is kept does not belong there. */
  move(): void {
    if (this.#snapshots.steps.length === 0) return;
    this.#snapshots.clear();
    this.#dueAt = Number.NEGATIVE_INFINITY;
    this.#listener.kept([]);
  }

  /** Keeps the state behind `step` where it is time to. */
  passed(step: number): void {
    if (performance.now() >= this.#dueAt) this.keep(step);
  }

  /** Keeps the state behind `step`, which something is about to change. */
  beforeChange(step: number): void {
    const now = performance.now();
    if (now - this.#changedAt >= GESTURE_MS) this.keep(step);
    this.#changedAt = now;
  }

  /** Keeps the state behind `step`, unless it is kept. */
  keep(step: number): void {
    if (!this.#isOff && this.#snapshots.steps.at(-1) !== step) this.#take(step);
  }

  /** The steps that led to the state behind `step`. */
  inForce(step: number): readonly Stretch[] {
    return stretchesInForce(this.#rewinds, step);
  }

  /**
   * Puts the state back that followed step `to`, or the newest one before it; `step` is the last one.
   * @returns the step whose state is in force again; undefined if there was none.
   */
  rewind(to: number, step: number): number | undefined {
    const reached = this.#snapshots.rewind(to);
    if (reached === undefined) {
      const [first] = this.#snapshots.steps;
      this.#listener.warn(
        `The state after step ${to} is not kept any more, nor is one before it. ` +
          (first === undefined ? "None is kept." : `The first that is kept is that of ${first}.`),
      );
      return undefined;
    }
    this.#changedAt = Number.NEGATIVE_INFINITY;
    if (reached === step) return reached;
    this.#rewinds = [...this.#rewinds, { step, to: reached }];
    this.#listener.rewound(this.#rewinds);
    // From here on it is this state that follows the step.
    this.#take(step);
    return reached;
  }

  #take(step: number): void {
    const startedAt = performance.now();
    if (!this.#snapshots.take(step)) {
      this.#isOff = true;
      this.#listener.warn(
        "The run cannot be taken back: a copy of its parameters and state does not fit into the " +
          "memory that is set aside for that (`--rewind-memory`, setting `stepscope.rewindMemory`).",
      );
      return;
    }
    const now = performance.now();
    this.#dueAt = now + Math.max(INTERVAL_MS, SHARE * (now - startedAt));
    this.#listener.kept(this.#snapshots.steps);
  }
}
