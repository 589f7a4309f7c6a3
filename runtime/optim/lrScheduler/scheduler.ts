/**
 * What all schedules share. A schedule sets `lr` of the optimizer's groups, which is a number in the
 * scalars of an update: it compiles nothing.
 *
 * The formulas are the recursions of PyTorch 1.13 (from the rate as it is, not from the first one),
 * so schedules can be chained, and a rate that was changed by hand is carried on.
 */
import { takePart } from "../../checkpoint/parts.ts";
import { gate, type RatesAhead } from "../../insight/gate.ts";
import { Optimizer } from "../optimizer.ts";

/** An optimizer that has a learning rate. */
export type Scheduled = Optimizer<{ readonly lr: number }>;

/** Where a schedule stands: plain data. Options are not in it: the script gives them again. */
export interface SchedulerState {
  /** Calls of `step()` so far. */
  lastEpoch: number;
  /** Rates of the groups when the first schedule was made for the optimizer. */
  baseLrs: readonly number[];
}

/** How far the rates of a schedule are known before. */
export interface Reach {
  /** From its beginning on; of one without end as many as show what it does. */
  readonly epochs: number;
  readonly isOpen?: boolean;
}

/** Base of all schedules that need nothing but the number of steps. */
export abstract class LRScheduler<State extends object = SchedulerState> {
  readonly optimizer: Scheduled;
  #reach: Reach | undefined;
  protected state: State;

  /** @throws TypeError if `optimizer` is none. */
  constructor(optimizer: Scheduled, state: State) {
    requireOptimizer(optimizer);
    this.optimizer = optimizer;
    this.state = state;
    takePart(this);
  }

  /** Sets the rates of the next epoch (or step). To be called after `optimizer.step()`. */
  abstract step(): void;

  /** Begins at epoch 0, from the rates as they are. @internal */
  abstract initialStep(): void;

  /** Begins again at epoch 0, from the optimizer's first rates. @internal */
  restart(): void {
    for (const group of this.optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    this.initialStep();
  }

  /** Rates of the groups as they were set last. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Where the schedule stands, as plain data. The rates themselves are the optimizer's. */
  stateDict(): State {
    return structuredClone(this.state);
  }

  /** Goes on where `stateDict()` was taken; load the optimizer's state too. */
  loadStateDict(state: State): void {
    this.state = structuredClone(state);
  }

  /** Remembers the state, for a snapshot. @internal */
  capture(): () => void {
    const state = this.stateDict();
    return () => this.loadStateDict(state);
  }

  /** Calls of `step()` so far. @internal */
  get epoch(): number {
    const { lastEpoch = 0 }: Partial<SchedulerState> = this.state;
    return lastEpoch;
  }

  /** Schedules that it steps itself. @internal */
  get parts(): readonly LRScheduler<object>[] {
    return [];
  }

  /** How far its rates are known before; undefined where they are the script's to compute. @internal */
  get reach(): Reach | undefined {
    return this.#reach;
  }

  /** Rates from this epoch on, as far as they are known. @internal */
  ahead(most: number): RatesAhead | undefined {
    if (!this.#reach) return undefined;
    const { epochs, isOpen = false } = this.#reach;
    const left = isOpen ? epochs : Math.max(0, epochs - this.epoch);
    return { rates: this.preview(Math.min(left, most)), isOpen: isOpen || left > most };
  }

  /**
   * The last thing that the constructor of a class does: its first rates are set, and whoever watches may
   * see what follows.
   * @param made the class. Of one that is derived from it `step()` may be another, and begins later.
   */
  protected hasBegun(made: object, reach?: Reach): void {
    if (this.constructor === made) this.#reach = reach;
    gate()?.scheduled?.(this.optimizer, this);
  }

  /**
   * The schedule as data: rates of the groups in the next `steps` steps of the optimizer, the one
   * that is set now first. Changes nothing.
   */
  preview(steps: number): number[][] {
    const state = this.stateDict();
    const groups = this.optimizer.paramGroups.map(group => ({ ...group }));
    const rates: number[][] = [];
    try {
      for (let i = 0; i < steps; i++) {
        if (i > 0) this.step();
        rates.push(this.getLastLr());
      }
    } finally {
      this.loadStateDict(state);
      this.optimizer.paramGroups.forEach((group, i) => {
        Object.assign(group, groups[i]);
      });
    }
    return rates;
  }
}

/** A schedule with one formula for the rate of every group. */
export abstract class RateScheduler extends LRScheduler {
  constructor(optimizer: Scheduled) {
    requireOptimizer(optimizer);
    super(optimizer, { lastEpoch: 0, baseLrs: optimizer.paramGroups.map(firstRate) });
  }

  override step(): void {
    this.state.lastEpoch++;
    this.#apply();
  }

  override initialStep(): void {
    this.state.lastEpoch = 0;
    this.#apply();
  }

  /**
   * The rate of a group in an epoch.
   * @param lr its rate in the epoch before (at epoch 0: as another schedule left it).
   * @param baseLr its first rate.
   */
  protected abstract rate(lr: number, baseLr: number, epoch: number, group: number): number;

  #apply(): void {
    const { baseLrs, lastEpoch } = this.state;
    // Groups that were added later keep their rates.
    baseLrs.forEach((baseLr, i) => {
      const group = this.optimizer.paramGroups[i];
      if (group) group.lr = this.rate(group.lr, baseLr, lastEpoch, i);
    });
  }
}

/** Throws unless `optimizer` is one; the message is PyTorch's. */
export function requireOptimizer(optimizer: unknown): asserts optimizer is Scheduled {
  if (optimizer instanceof Optimizer) return;
  throw new TypeError(`${Object.prototype.toString.call(optimizer)} is not an Optimizer`);
}

/** One value a group: the list that was given, or one for all. */
export function perGroup<T>(name: string, optimizer: Scheduled, given: T | readonly T[]): T[] {
  const groups = optimizer.paramGroups.length;
  if (!Array.isArray(given)) return Array.from({ length: groups }, () => given as T);
  if (given.length === groups) return [...given];
  throw new RangeError(`expected ${groups} values for ${name}, got ${given.length}`);
}

/** Throws unless `value` is a whole number of at least 1. */
export function checkPositiveInteger(name: string, value: unknown): void {
  if (Number.isInteger(value) && Number(value) > 0) return;
  throw new RangeError(`Expected positive integer ${name}, but got ${String(value)}`);
}

/** Throws unless `value` is a finite number. */
export function checkNumber(name: string, value: unknown): void {
  if (Number.isFinite(value)) return;
  throw new TypeError(`Expected a number for ${name}, but got ${String(value)}`);
}

/** The rate that schedules start from: that of the first schedule, if there was one before. */
function firstRate(group: Scheduled["paramGroups"][number]): number {
  group.initialLr ??= group.lr;
  return group.initialLr;
}
