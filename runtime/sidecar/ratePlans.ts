/**
 * What schedules are to make of the learning rates. A plan is told as soon as a schedule is made, as if it were
 * stepped behind each step of the loop; how often it is indeed the loop shows, and then the plan is told anew.
 * What does not come as it was planned is not planned any more.
 */
import type { RatesAhead, Schedule, SteppingOptimizer } from "../insight/gate.ts";
import { MOST_PLANNED, type PlannedRates } from "../protocol/plannedRates.ts";
import { cornersOf } from "./corners.ts";

export interface PlanListener {
  /** Says what is planned, if that is not what was said last. */
  planned(planned: readonly PlannedRates[]): void;
}

/** What clients make of a rate that the script has set: a factor; undefined where it is another whatever that is. */
export type FactorOf = (group: number, firstLr: number | undefined) => number | undefined;

/** Epochs of a schedule that are looked at. */
const MOST_EPOCHS = 100_000;

/** Groups with a plan: more lines than these are not told apart. */
const MOST_GROUPS = 8;

/** By how much of itself a rate may differ from the planned one. */
const TOLERANCE = 1e-6;

/** So often the loop may do something else than was planned until nothing is planned any more. */
const MOST_SURPRISES = 4;

export class RatePlans {
  readonly #listener: PlanListener;
  readonly #factorOf: FactorOf;
  readonly #plans = new Map<object, RatePlan>();
  #told = "[]";

  constructor(listener: PlanListener, factorOf: FactorOf) {
    this.#listener = listener;
    this.#factorOf = factorOf;
  }

  /** An optimizer got a schedule, or something else that sets its rates, behind step `step` of the run. */
  scheduled(optimizer: object, schedule: Schedule | undefined, step: number): void {
    // One of the user's own is measured without its groups.
    if (!isStepping(optimizer)) return;
    const plan = this.#plans.get(optimizer) ?? new RatePlan(optimizer);
    this.#plans.set(optimizer, plan);
    plan.scheduled(schedule, step + 1);
    this.tell();
  }

  /** To be called before step number `step`, which an optimizer takes, while its rates are the script's own. */
  before(optimizer: object, step: number): void {
    if (this.#plans.get(optimizer)?.before(step)) this.tell();
  }

  /** The loop has gone back, and goes on with step number `step`: what it says is not told yet. */
  wentBack(step: number): void {
    for (const plan of this.#plans.values()) plan.wentBack(step);
  }

  /** To be called when clients have changed rates. */
  tell(): void {
    const planned = this.#list();
    const text = JSON.stringify(planned);
    if (text === this.#told) return;
    this.#told = text;
    this.#listener.planned(planned);
  }

  #list(): PlannedRates[] {
    const all: PlannedRates[] = [];
    // Groups get their numbers with their first step; the optimizers of most scripts step in this order.
    let next = 0;
    for (const { optimizer, own } of this.#plans.values()) {
      optimizer.paramGroups.forEach((_, i) => {
        const group = optimizer.groupIndices[i] ?? next;
        next = Math.max(next, group + 1);
        const factor = this.#factorOf(group, optimizer.firstLr);
        const planned = own[i];
        if (!planned || factor === undefined) return;
        all.push({ ...planned, group, lr: planned.lr.map(lr => lr * factor) });
      });
    }
    return all;
  }
}

/** Where an optimizer stands in its schedule. */
class RatePlan {
  readonly optimizer: SteppingOptimizer;
  /** What is planned of each group, as the script sets it. */
  own: readonly Omit<PlannedRates, "group">[] = [];
  #schedules: readonly Schedule[] = [];
  /** Something sets the rates as nobody knows before. */
  #isUnknown = false;
  /** Steps of the run in an epoch of the schedule; undefined until the end of one is seen. */
  #pace: number | undefined = 1;
  /** The epoch, the first step that was seen of it, and whether it began with that. */
  #at = { epoch: 0, step: 0, isBegin: true };
  #ahead: RatesAhead | undefined;
  #surprises = 0;
  #hasStepped = false;

  constructor(optimizer: SteppingOptimizer) {
    this.optimizer = optimizer;
  }

  scheduled(schedule: Schedule | undefined, step: number): void {
    if (!schedule) this.#isUnknown = true;
    else {
      const others = this.#schedules.filter(each => !schedule.parts.includes(each));
      this.#schedules = [...others, schedule];
      this.#pace = 1;
      this.#at = { epoch: schedule.epoch, step, isBegin: true };
    }
    this.#plan();
  }

  wentBack(step: number): void {
    const [schedule] = this.#schedules;
    if (!schedule) return;
    this.#at = { epoch: schedule.epoch, step, isBegin: false };
    this.#plan();
  }

  /** Looks at how far the schedule has come. Returns whether there is something else to tell. */
  before(step: number): boolean {
    const isFirst = !this.#hasStepped;
    this.#hasStepped = true;
    const [schedule] = this.#schedules;
    if (!schedule || this.#isUnknown || this.#schedules.length > 1) return false;
    const { own } = this;
    const steps = step - this.#at.step;
    if (schedule.epoch === this.#at.epoch) this.#stays(steps);
    else if (schedule.epoch === this.#at.epoch + 1) this.#passes(schedule.epoch, step, steps);
    else {
      // It was put where it was, or is to be: by a checkpoint, or by going back.
      this.#at = { epoch: schedule.epoch, step, isBegin: false };
      this.#plan();
    }
    if (this.own === own) this.#check(step);
    // Its groups have their numbers now.
    return isFirst || this.own !== own;
  }

  /** It is in the same epoch as before. */
  #stays(steps: number): void {
    if (this.#pace === undefined || steps < this.#pace) return;
    this.#pace = undefined;
    this.#plan();
  }

  /** It has come to the next epoch. */
  #passes(epoch: number, step: number, steps: number): void {
    const { isBegin } = this.#at;
    this.#at = { epoch, step, isBegin: true };
    if (isBegin ? steps === this.#pace : steps <= (this.#pace ?? 0)) {
      if (!isBegin) this.#plan();
      return;
    }
    // Before the first step it may be stepped, too.
    if (isBegin && steps > 0) {
      this.#pace = steps;
      this.#surprise();
    }
    this.#plan();
  }

  /** Whether the step has the rate that was planned for it; else it is planned from there. */
  #check(step: number): void {
    const last = this.own[0]?.steps.at(-1);
    const isOver = last !== undefined && step > last;
    const rates = this.#ahead?.rates[this.#epochsSince(step)];
    if (isOver ? !this.#ahead?.isOpen : !rates) return;
    const isAsPlanned = this.optimizer.paramGroups.every(({ lr }, i) => {
      const planned = rates?.[i] ?? lr;
      return Math.abs(lr - planned) <= TOLERANCE * Math.abs(planned);
    });
    if (isAsPlanned && !isOver) return;
    if (!isAsPlanned) this.#surprise();
    this.#plan();
  }

  #surprise(): void {
    this.#surprises++;
    if (this.#surprises > MOST_SURPRISES) this.#isUnknown = true;
  }

  /** Epochs between the beginning of the plan and a step. */
  #epochsSince(step: number): number {
    return Math.floor((step - (this.own[0]?.steps[0] ?? step)) / (this.#pace ?? 1));
  }

  #plan(): void {
    const [schedule] = this.#schedules;
    const isKnown = !this.#isUnknown && this.#schedules.length === 1 && this.#pace !== undefined;
    this.#ahead = isKnown ? lookAhead(schedule) : undefined;
    this.own = this.#ahead ? this.#drawn(this.#ahead, this.#pace ?? 1) : [];
  }

  /** The rate of an epoch holds in all of its steps. */
  #drawn({ rates, isOpen }: RatesAhead, pace: number): Omit<PlannedRates, "group">[] {
    const { paramGroups } = this.optimizer;
    const begins = rates.map((_, epoch) => this.#at.step + epoch * pace);
    const x = pace === 1 ? begins : begins.flatMap(begin => [begin, begin + pace - 1]);
    return paramGroups.slice(0, MOST_GROUPS).map((_, group) => {
      const own = rates.map(each => each[group] ?? Number.NaN);
      const y = pace === 1 ? own : own.flatMap(rate => [rate, rate]);
      const corners = cornersOf({ x, y }, MOST_PLANNED);
      const isCut = corners.x.at(-1) !== x.at(-1);
      return { steps: corners.x, lr: corners.y, isOpen: isOpen || isCut };
    });
  }
}

/** What a schedule tells; nothing of one that comes to an error, which the loop will meet if it goes so far. */
function lookAhead(schedule: Schedule | undefined): RatesAhead | undefined {
  try {
    const ahead = schedule?.ahead(MOST_EPOCHS);
    const areFinite = ahead?.rates.every(rates => rates.every(Number.isFinite));
    return ahead && areFinite && ahead.rates.length > 0 ? ahead : undefined;
  } catch {
    return undefined;
  }
}

function isStepping(optimizer: object): optimizer is SteppingOptimizer {
  return "paramGroups" in optimizer && "groupIndices" in optimizer;
}
