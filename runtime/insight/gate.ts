/**
 * Where a training loop can be held: every optimizer's step goes through here. Whoever controls the
 * loop (a probe, a pause) opens the gate when it may go on.
 */

import type { ClipLimit } from "../protocol/control.ts";

/** An optimizer as the gate sees it: the options of its groups may be changed. */
export interface SteppingOptimizer {
  readonly paramGroups: readonly { lr: number; readonly initialLr?: number }[];
  /** η that its first group was made with; undefined where it has none. */
  readonly firstLr?: number | undefined;
  /** Places of its groups among those of the run. */
  readonly groupIndices: readonly number[];
}

/** A schedule of learning rates as the gate sees it. */
export interface Schedule {
  /** Calls of its `step()`: epochs, or steps of the loop. */
  readonly epoch: number;
  /** Schedules that it steps itself. */
  readonly parts: readonly Schedule[];
  /** What it has to tell of the epochs from now on; undefined where nobody knows them before. */
  ahead(most: number): RatesAhead | undefined;
}

export interface RatesAhead {
  /** η of each group, epoch by epoch; of the epoch that it is in first. */
  readonly rates: readonly (readonly number[])[];
  /** They are its beginning: it goes on for ever, or for longer than was asked. */
  readonly isOpen: boolean;
}

export interface Gate {
  /**
   * A schedule was made, and has set its first rates. Without one: an optimizer got something that will
   * set its rates as nobody knows before.
   */
  scheduled?(optimizer: object, schedule?: Schedule): void;
  /**
   * Gradients are about to be clipped, before the step that they are for.
   * @returns the limit to clip by, in place of the script's.
   */
  limit?(name: ClipLimit, value: number): number;
  /**
   * An optimizer is about to update: gradients are recorded, and nothing of the step has run.
   * @returns called when the update is recorded, to put back what was changed for it alone.
   */
  before?(optimizer: SteppingOptimizer): (() => void) | undefined;
  /**
   * The update is queued. This is the place for snapshots, to be taken and gone back to: the loop
   * stands between two steps.
   * @returns settles when the loop may go on; undefined if it may at once.
   */
  after?(optimizer: object): Promise<void> | undefined;
}

let current: Gate | undefined;

/** Puts up a gate, or takes it away. */
export function setGate(gate: Gate | undefined): void {
  current = gate;
}

/** The gate that stands. */
export function gate(): Gate | undefined {
  return current;
}
