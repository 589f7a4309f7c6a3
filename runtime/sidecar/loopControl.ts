/** A training loop in a hand: pause, resume, single steps, and options that are changed as it runs. */
import type { Gate, Schedule, SteppingOptimizer } from "../insight/gate.ts";
import type { ClipLimit, LoopOrder } from "../protocol/control.ts";
import type { LaunchOptions } from "../protocol/launch.ts";
import type { PictureView } from "../protocol/picture.ts";
import { Branching, type Excursion, LoopLeft } from "./branching.ts";
import type { ControlledLoop, Controls, StepLocator } from "./controlledLoop.ts";
import { LiveOptions } from "./liveOptions.ts";
import { LoopPlace } from "./loopPlace.ts";
import { NonFiniteSearch } from "./nonFiniteSearch.ts";
import { RatePlans } from "./ratePlans.ts";
import { Timeline } from "./timeline.ts";

/** What a loop has from the beginning. */
export type Beginning = Pick<LaunchOptions, "runTo" | "overrides">;

/** Controls that neither move the loop nor change it. */
const LOOKS: readonly LoopOrder["type"][] = ["draw", "stopDrawing", "measure", "search"];

/** Controls that move the loop elsewhere than to a step that is searched. */
const MOVES: readonly LoopOrder["type"][] = [
  "pause",
  "resume",
  "step",
  "runTo",
  "rewind",
  "branch",
];

/** What is done between two steps. */
type Deed = Extract<LoopOrder, { type: "set" | "rewind" | "locate" }>;

/** The gate of a run. Each control has its effect once, in the order in which they arrive. */
export class LoopControl implements Gate {
  readonly #loop: ControlledLoop;
  readonly #controls: Controls;
  readonly #options: LiveOptions;
  readonly #plans: RatePlans;
  readonly #timeline: Timeline;
  /** Changes and ways back are there alone. */
  readonly #place = new LoopPlace();
  #isAtPlace = false;
  /** What is to be done there. */
  #due: Deed[] = [];
  /** The loop is held behind this step, and behind every later one. */
  #until: number;
  /** The step that is searched, taken once more. */
  #searched: number | undefined;
  /** The optimizer whose step was the last one. */
  #heldBehind: object | undefined;
  /** Resolves when the loop may go on; undefined while it does. */
  #hold: PromiseWithResolvers<void> | undefined;
  /** The loop is held, and all that was measured has been told. */
  #isAtRest = false;
  /** What is to be drawn of the next step, and whether that is the one that has begun. */
  #toDraw: PictureView | undefined;
  #isDrawn = false;
  /** Where the loop goes, to come back, as soon as it is at its place. */
  #excursion: Excursion | undefined;
  /** It has the loop take a step: resolves when it is held again. */
  #arrival: PromiseWithResolvers<void> | undefined;
  /** Controls that wait for the loop to come back. */
  #later: LoopOrder[] = [];

  constructor(loop: ControlledLoop, controls: Controls, beginning: Beginning = {}) {
    const { runTo = Number.POSITIVE_INFINITY, overrides } = beginning;
    this.#until = runTo;
    this.#loop = loop;
    this.#controls = controls;
    this.#options = new LiveOptions(controls, overrides?.lr);
    this.#plans = new RatePlans(controls, (group, firstLr) =>
      this.#options.rateFactor(group, firstLr),
    );
    this.#timeline = new Timeline(loop.snapshots, controls);
  }

  /** Does what has been asked for; to be called when a control arrives, and at every step. */
  receive(): void {
    for (let next = this.#controls.take(); next; next = this.#controls.take()) this.#hear(next);
    this.#act();
  }

  /** Has the loop go on, whatever was asked for. */
  letGo(): void {
    this.#toDraw = undefined;
    this.#isDrawn = false;
    this.#loop.pictures?.stop();
    this.#hear({ type: "resume" });
    this.#act();
  }

  /** The script has come to its end by itself: who is on an excursion has no loop to come back to. */
  ended(): void {
    if (this.#arrival && this.#excursion) this.#controls.warn(this.#excursion.left());
  }

  limit(name: ClipLimit, value: number): number {
    return this.#options.limit(name, value, this.#loop.stepCount() + 1);
  }

  scheduled(optimizer: object, schedule?: Schedule): void {
    // What is made on an excursion is no part of the run.
    if (!this.#arrival) this.#plans.scheduled(optimizer, schedule, this.#loop.stepCount());
  }

  before(optimizer: SteppingOptimizer): (() => void) | undefined {
    this.#isAtPlace = false;
    this.receive();
    const now = this.#loop.stepCount();
    this.#loop.locator?.disarm();
    if (!this.#arrival) this.#plans.before(optimizer, now + 1);
    const putBack = this.#options.apply(optimizer, now + 1);
    if (this.#arrival) {
      if (this.#excursion?.isRemembered) this.#loop.pictures?.before(optimizer, now, true);
    } else {
      // Of several that share a batch the first optimizer has its loss.
      this.#isDrawn = this.#toDraw !== undefined && this.#place.isBehind;
      this.#loop.pictures?.before(optimizer, now, this.#isDrawn || now + 1 >= this.#until);
    }
    return putBack;
  }

  after(optimizer: object): Promise<void> | undefined {
    if (this.#arrival) return this.#arrive(optimizer, this.#arrival);
    this.#loop.elements?.passed(optimizer, this.#loop.stepCount());
    if (this.#place.follow(optimizer)) this.#timeline.move();
    this.#isAtPlace = this.#place.isBehind;
    if (this.#isAtPlace) this.#doWhatIsDue();
    if (this.#isAtPlace) this.#timeline.passed(this.#loop.stepCount());
    this.#armForSearch();
    if (this.#mayGoOn()) {
      this.#loop.pictures?.passed(optimizer, this.#isAtPlace);
      this.#isAtPlace = false;
      return undefined;
    }
    this.#hold ??= this.#begin();
    this.#heldBehind = optimizer;
    const { locator } = this.#loop;
    if (locator && this.#searched === this.#loop.stepCount()) {
      void this.#look(this.#searched, locator);
      this.#searched = undefined;
    }
    return this.#hold.promise;
  }

  /** Whether the loop has steps to take, or a way to the place where something is to be done. */
  #mayGoOn(): boolean {
    if (this.#isDrawn) return false;
    const isOnItsWay = this.#due.length > 0 || (this.#excursion && !this.#isAtPlace);
    return isOnItsWay || this.#loop.stepCount() < this.#until;
  }

  /** While the loop is on an excursion, controls wait: those that move or change the loop end that. */
  #hear(control: LoopOrder): void {
    if (!this.#excursion) {
      this.#obey(control);
      return;
    }
    this.#later.push(control);
    if (!LOOKS.includes(control.type)) this.#excursion.cancel();
  }

  /** Does what can be done where the loop is. */
  #act(): void {
    if (this.#isAtPlace) this.#doWhatIsDue();
    if (!this.#hold || this.#arrival) return;
    if (this.#mayGoOn()) this.#release(this.#hold);
    else if (this.#isAtRest && this.#excursion) void this.#depart(this.#excursion);
  }

  #obey(control: LoopOrder): void {
    const now = this.#loop.stepCount();
    if (MOVES.includes(control.type)) this.#endSearch();
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
      case "draw":
        if (this.#isAtRest) void this.#draw(control.view);
        else this.#toDraw = control.view;
        break;
      case "measure":
        this.#loop.elements?.ask(control.tensor, now, this.#hold !== undefined);
        break;
      case "stopDrawing":
        this.#loop.pictures?.cancel();
        break;
      case "branch":
        this.#until = now;
        if (this.#loop.trials) this.#excursion = new Branching(this.#loop.trials, control);
        break;
      case "search":
        this.#beginSearch(control.step, now);
        break;
      case "stopBranching":
        break;
      case "set":
      case "rewind":
      case "locate":
        // Before the first step there is nothing to go back to.
        if (control.type !== "set" || now > 0) this.#due.push(control);
        else {
          this.#options.set(control);
          this.#plans.tell();
        }
        break;
    }
  }

  #doWhatIsDue(): void {
    if (this.#due.length === 0) return;
    const now = this.#loop.stepCount();
    for (const deed of this.#due.splice(0)) {
      if (deed.type === "rewind") {
        this.#goBack(deed.step, now);
        continue;
      }
      if (deed.type === "locate") {
        this.#search(deed.step, now);
        continue;
      }
      this.#timeline.beforeChange(now);
      this.#options.set(deed);
    }
    this.#options.tell();
    this.#plans.tell();
  }

  /** Returns the step whose state is in force again. */
  #goBack(to: number, now: number): number | undefined {
    const reached = this.#timeline.rewind(to, now);
    if (reached === undefined) return undefined;
    this.#forgetStep();
    this.#plans.wentBack(now + 1);
    return reached;
  }

  #beginSearch(step: number, now: number): void {
    const { trials, locator, snapshots, stepCount } = this.#loop;
    if (!trials || !locator) return;
    const warn = (text: string) => this.#controls.warn(text);
    const loop = { trials, locator, snapshots, stepCount, warn };
    this.#excursion = new NonFiniteSearch(loop, step, this.#until);
    this.#until = now;
  }

  /** Takes the steps up to `step` once more, from the newest state that is kept before it. */
  #search(step: number, now: number): void {
    const reached = this.#goBack(step - 1, now);
    if (reached === undefined) return;
    this.#searched = now + step - reached;
    this.#until = this.#searched;
  }

  /** A loop that is sent elsewhere does not come to the step that is searched, or comes by another way. */
  #endSearch(): void {
    this.#searched = undefined;
    this.#due = this.#due.filter(({ type }) => type !== "locate");
  }

  /** To be called whenever the loop goes on. */
  #armForSearch(): void {
    if (this.#searched === this.#loop.stepCount() + 1) this.#loop.locator?.arm();
  }

  /** Looks at the step that was searched, and puts back the state before it: there the loop may go on. */
  async #look(step: number, locator: StepLocator): Promise<void> {
    const hold = this.#hold;
    const tell = await locator.find(step).catch((error: Error) => {
      return () => this.#controls.warn(error.message);
    });
    await this.#loop.drain();
    if (this.#hold !== hold) return;
    this.#due.push({ type: "rewind", step: step - 1 });
    this.receive();
    tell();
  }

  /** The last step is not what led here. */
  #forgetStep(): void {
    this.#loop.pictures?.forget();
    this.#loop.elements?.forget();
  }

  async #draw(view: PictureView): Promise<void> {
    const now = this.#loop.stepCount();
    await this.#loop.pictures?.draw(view, now, this.#timeline.inForce(now));
  }

  #begin(): PromiseWithResolvers<void> {
    const hold = Promise.withResolvers<void>();
    if (this.#isAtPlace) this.#timeline.keep(this.#loop.stepCount());
    this.#options.tell();
    // Whoever watches sees the loop stand with all its points.
    this.#loop
      .drain()
      .then(() => this.#rest(hold))
      .catch(hold.reject);
    return hold;
  }

  /** The loop stands still: for a picture, or for good. */
  async #rest(hold: PromiseWithResolvers<void>): Promise<void> {
    if (this.#hold !== hold) return;
    while (this.#toDraw) {
      const view = this.#toDraw;
      await this.#draw(view);
      if (this.#hold !== hold) return;
      if (this.#toDraw === view) this.#toDraw = undefined;
    }
    this.#isDrawn = false;
    this.#isAtRest = true;
    const comesBack = this.#excursion?.goesOnUntil ?? this.#until;
    if (!this.#mayGoOn() && comesBack <= this.#loop.stepCount()) this.#controls.held(true);
    this.#act();
  }

  /** Takes steps from here; the loop is here again when that is over. */
  async #depart(excursion: Excursion): Promise<void> {
    this.#loop.pictures?.stop();
    // A script that ends meanwhile is to be seen to end.
    this.#controls.keepAlive(false);
    try {
      await excursion.run(this.#loop.stepCount(), this.#options, () => this.#takeStep());
    } catch (error) {
      this.#hold?.reject(error);
    }
    this.#controls.keepAlive(true);
    if (this.#arrival) this.#forgetStep();
    this.#arrival = undefined;
    this.#excursion = undefined;
    this.#until = excursion.goesOnUntil ?? this.#until;
    for (const control of this.#later.splice(0)) this.#hear(control);
    this.#act();
  }

  #takeStep(): Promise<void> {
    const hold = this.#hold;
    if (this.#heldBehind) this.#loop.pictures?.passed(this.#heldBehind, true);
    this.#hold = Promise.withResolvers();
    this.#arrival = Promise.withResolvers();
    hold?.resolve();
    return this.#arrival.promise;
  }

  /** A step of an excursion is queued. @returns what the loop waits for. */
  #arrive(optimizer: object, arrival: PromiseWithResolvers<void>): Promise<void> | undefined {
    this.#isAtPlace = this.#place.passed(optimizer);
    if (this.#isAtPlace) this.#loop.drain().then(arrival.resolve, arrival.reject);
    else if (this.#place.isLeft) arrival.reject(new LoopLeft());
    else {
      this.#loop.pictures?.passed(optimizer, false);
      return undefined;
    }
    this.#heldBehind = optimizer;
    return this.#hold?.promise;
  }

  #release(hold: PromiseWithResolvers<void>): void {
    this.#hold = undefined;
    this.#isAtRest = false;
    this.#loop.pictures?.stop();
    if (this.#heldBehind) this.#loop.pictures?.passed(this.#heldBehind, this.#isAtPlace);
    this.#isAtPlace = false;
    this.#armForSearch();
    this.#loop.loopResumed();
    this.#controls.held(false);
    hold.resolve();
  }
}
