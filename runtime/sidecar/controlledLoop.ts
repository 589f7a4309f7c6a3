/** A training loop and its surroundings, as far as its controls need to know them. */
import type { LoopOrder } from "../protocol/control.ts";
import type { PictureView } from "../protocol/picture.ts";
import type { Stretch } from "../protocol/rewind.ts";
import type { Trials } from "./branching.ts";
import type { OptionListener } from "./liveOptions.ts";
import type { PlanListener } from "./ratePlans.ts";
import type { Snapshots, TimelineListener } from "./timeline.ts";

/** The loop, as far as its controls need to know it. */
export interface ControlledLoop {
  /** Steps of the run so far. */
  stepCount(): number;
  /** Resolves when all that was measured until now has been told. */
  drain(): Promise<void>;
  /** Time that the loop was held belongs to no step. */
  loopResumed(): void;
  /** Where states are kept to go back to. */
  readonly snapshots: Snapshots;
  /** Missing where nothing is drawn. */
  readonly pictures?: PictureDrawer;
  /** Missing where nothing is searched for. */
  readonly locator?: StepLocator;
  /** Missing where nothing is tried. */
  readonly trials?: Trials;
  /** Missing where nothing is measured of elements. */
  readonly elements?: ElementMeasurer;
}

/** Measures what the latest step did to each element of a tensor: ElementMeter. */
export interface ElementMeasurer {
  passed(optimizer: object, step: number): void;
  ask(tensor: number, step: number, isHeld: boolean): void;
  forget(): void;
}

/** Draws the loss around the place where the loop stands: Pictures. */
export interface PictureDrawer {
  before(optimizer: object, step: number, isHeld: boolean): void;
  passed(optimizer: object, isLast: boolean): void;
  forget(): void;
  cancel(): void;
  stop(): void;
  draw(view: PictureView, step: number, inForce: readonly Stretch[]): Promise<void>;
}

/** Finds where a step has its first value that is not finite: NonFiniteLocator. */
export interface StepLocator {
  arm(): void;
  disarm(): void;
  /** @returns tells what was found. Rejects with an error that says why nothing was. */
  find(step: number): Promise<() => void>;
}

/** Where controls come from. */
export interface Controls extends TimelineListener, OptionListener, PlanListener {
  /** Takes the next control that has arrived; undefined if there is none. */
  take(): LoopOrder | undefined;
  /** Says whether the loop is held, and awaits controls while it is. */
  held(isHeld: boolean): void;
  /** Whether the process lives for the controls that may come. */
  keepAlive(isKept: boolean): void;
}
