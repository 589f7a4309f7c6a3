/** A training loop in a hand: pause, resume, single steps, and options that are changed as it runs. */
import type { Gate, SteppingOptimizer } from "../insight/gate.ts";
import type { ChangeRecord, Control } from "../protocol/control.ts";
import { LiveOptions } from "./liveOptions.ts";

/** The loop, as far as its controls need to know it. */
export interface ControlledLoop {
  /** Steps of the run so far. */
  stepCount(): number;
  /** Resolves when all that was measured until now has been told. */
  drain(): Promise<void>;
  /** Time that the loop was held belongs to no step. */
  loopResumed(): void;
}

/** Where controls come from. */
export interface Controls {
  /** Takes the next control that has arrived; undefined if there is none. */
  take(): Control | undefined;
  /** Says whether the loop is held, and awaits controls while it is. */
  held(isHeld: boolean): void;
  /** Says what has been changed until now. */
  changed(changes: readonly ChangeRecord[]): void;
}

/** The gate of a run. Each control has its effect once, in the order in which they arrive. */
export class LoopControl implements Gate {
  readonly #loop: ControlledLoop;
  readonly #controls: Controls;
  readonly #options: LiveOptions;
  /** The loop is held behind this step, and behind every later one. */
  #until = Number.POSITIVE_INFINITY;
  /** Resolves when the loop may go on; undefined while it does. */
  #hold: PromiseWithResolvers<void> | undefined;

  constructor(loop: ControlledLoop, controls: Controls) {
    this.#loop = loop;
    this.#controls = controls;
    this.#options = new LiveOptions(changes => controls.changed(changes));
  }

  /** Does what has been asked for; to be called when a control arrives, and at every step. */
  receive(): void {
    for (let next = this.#controls.take(); next; next = this.#controls.take()) this.#obey(next);
    if (this.#hold && this.#loop.stepCount() < this.#until) this.#release(this.#hold);
  }

  /** Has the loop go on, whatever was asked for. */
  letGo(): void {
    this.#until = Number.POSITIVE_INFINITY;
    this.receive();
  }

  before(optimizer: SteppingOptimizer): (() => void) | undefined {
    this.receive();
    return this.#options.apply(optimizer, this.#loop.stepCount() + 1);
  }

  after(): Promise<void> | undefined {
    this.receive();
    if (this.#loop.stepCount() < this.#until) return undefined;
    this.#hold ??= this.#begin();
    return this.#hold.promise;
  }

  #obey(control: Control): void {
    const now = this.#loop.stepCount();
    switch (control.type) {
      case "pause":
        this.#until = now;
        break;
      case "resume":
        this.#until = Number.POSITIVE_INFINITY;
        break;
      case "step":
        this.#until =
          (Number.isFinite(this.#until) ? Math.max(this.#until, now) : now) + control.count;
        break;
      case "runTo":
        this.#until = control.step;
        break;
      case "set":
        this.#options.set(control);
        break;
    }
  }

  #begin(): PromiseWithResolvers<void> {
    const hold = Promise.withResolvers<void>();
    // Whoever watches sees the loop stand with all its points.
    this.#loop.drain().then(() => {
      if (this.#hold === hold) this.#controls.held(true);
    }, hold.reject);
    return hold;
  }

  #release(hold: PromiseWithResolvers<void>): void {
    this.#hold = undefined;
    this.#loop.loopResumed();
    this.#controls.held(false);
    hold.resolve();
  }
}
