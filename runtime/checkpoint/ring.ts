/** Snapshots of a run within a budget of memory: the further back, the fewer. */
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface Taken {
  readonly step: number;
  readonly snapshot: Snapshot;
}

/** Most snapshots, however small they are. */
const MOST = 256;

export class SnapshotRing {
  /** Bytes of GPU memory. */
  readonly budget: number;
  /** Oldest first. */
  #taken: readonly Taken[] = [];

  constructor(budget: number) {
    this.budget = budget;
  }

  /** Steps behind which there is a snapshot, in ascending order. */
  get steps(): number[] {
    return this.#taken.map(({ step }) => step);
  }

  /** The snapshots, oldest first. */
  get taken(): readonly Taken[] {
    return this.#taken;
  }

  /** GPU memory in use. */
  get bytes(): number {
    return this.#taken.reduce((sum, { snapshot }) => sum + snapshot.bytes, 0);
  }

  /**
   * Takes a snapshot behind `step`, in place of one that there is, and gives up others where the budget
   * is exceeded.
   * @returns whether a snapshot fits into the budget at all.
   */
  take(step: number): boolean {
    const snapshot = takeSnapshot(this.budget);
    if (!snapshot) return false;
    const same = this.#taken.findIndex(taken => taken.step === step);
    if (same >= 0) this.#drop(same);
    this.#taken = [...this.#taken, { step, snapshot }];
    while (this.bytes > this.budget || this.#taken.length > MOST) {
      this.#drop(this.#leastMissed());
    }
    return true;
  }

  /**
   * Puts the state back that followed `step`, or the newest one before it.
   * @returns the step whose state is in force again, or undefined if there is none so early.
   */
  rewind(step: number): number | undefined {
    const found = this.#taken.findLast(taken => taken.step <= step);
    found?.snapshot.restore();
    return found?.step;
  }

  /** Frees everything. */
  clear(): void {
    for (const { snapshot } of this.#taken) snapshot.free();
    this.#taken = [];
  }

  /**
   * The snapshot without which the gap between its neighbours is smallest, measured by how long ago it
   * is: gaps grow with age. The oldest and the newest stay, where there are more.
   */
  #leastMissed(): number {
    const now = this.#taken.at(-1)?.step ?? 0;
    let least = { gap: Number.POSITIVE_INFINITY, index: 0 };
    for (let i = 1; i < this.#taken.length - 1; i++) {
      const [before, at, after] = [this.#taken[i - 1], this.#taken[i], this.#taken[i + 1]];
      if (!before || !at || !after) continue;
      const gap = (after.step - before.step) / (now - at.step);
      if (gap < least.gap) least = { gap, index: i };
    }
    return least.index;
  }

  #drop(index: number): void {
    this.#taken[index]?.snapshot.free();
    this.#taken = this.#taken.filter((_, i) => i !== index);
  }
}
