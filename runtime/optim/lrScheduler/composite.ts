/** Schedules made of others. */
import { checkNames } from "../optimizer.ts";
import { LRScheduler, type Reach, type Scheduled } from "./scheduler.ts";

/** The states of the parts, in their order. */
interface CompositeState {
  lastEpoch: number;
}

/** As CompositeState, with those of the parts, as `stateDict()` gives it. */
interface CompositeDict extends CompositeState {
  readonly schedulers?: readonly object[];
}

abstract class CompositeScheduler extends LRScheduler<CompositeDict> {
  protected readonly schedulers: readonly LRScheduler<object>[];

  constructor(optimizer: Scheduled, schedulers: readonly LRScheduler<object>[]) {
    super(optimizer, { lastEpoch: 0 });
    this.schedulers = schedulers;
  }

  override get parts(): readonly LRScheduler<object>[] {
    return this.schedulers;
  }

  override stateDict(): CompositeDict {
    const schedulers = this.schedulers.map(scheduler => scheduler.stateDict());
    return { lastEpoch: this.state.lastEpoch, schedulers };
  }

  override loadStateDict({ lastEpoch, schedulers = [] }: CompositeDict): void {
    this.state = { lastEpoch };
    this.schedulers.forEach((scheduler, i) => {
      const part = schedulers[i];
      if (part) scheduler.loadStateDict(part);
    });
  }
}

/** All schedules at once, each from the rate that the one before it set: PyTorch's `ChainedScheduler`. */
export class ChainedScheduler extends CompositeScheduler {
  /** @throws RangeError if there are none, or if they are of different optimizers. */
  constructor(schedulers: readonly LRScheduler<object>[]) {
    const [first] = schedulers;
    if (!first) throw new RangeError("ChainedScheduler expects at least one scheduler");
    checkOptimizer("ChainedScheduler", first.optimizer, schedulers);
    super(first.optimizer, schedulers);
    this.hasBegun(ChainedScheduler, longest(schedulers));
  }

  override step(): void {
    this.state.lastEpoch++;
    for (const scheduler of this.schedulers) scheduler.step();
  }

  override initialStep(): void {
    this.state.lastEpoch = 0;
    for (const scheduler of this.schedulers) scheduler.initialStep();
  }
}

/** One schedule after the other: PyTorch's `SequentialLR`. */
export class SequentialLR extends CompositeScheduler {
  readonly #milestones: readonly number[];

  /**
   * @param options `schedulers`, and `milestones`: the epochs at which the second, third, … begin,
   * each from the optimizer's first rate.
   * @throws RangeError if their numbers do not fit, or if one is of another optimizer.
   */
  constructor(
    optimizer: Scheduled,
    options: {
      readonly schedulers: readonly LRScheduler<object>[];
      readonly milestones: readonly number[];
    },
  ) {
    checkNames("SequentialLR", options, { schedulers: 0, milestones: 0 });
    const { schedulers, milestones } = options;
    checkOptimizer("SequentialLR", optimizer, schedulers);
    if (milestones.length !== schedulers.length - 1) {
      throw new RangeError(
        "SequentialLR expects number of schedulers provided to be one more than the number of " +
          `milestone points, but got number of schedulers ${schedulers.length} and the number of ` +
          `milestones to be equal to ${milestones.length}`,
      );
    }
    milestones.forEach((milestone, i) => {
      if (Number.isInteger(milestone) && milestone > (milestones[i - 1] ?? 0)) return;
      throw new RangeError(
        `SequentialLR expects milestones that rise, from 1 on, got ${milestones.join(", ")}`,
      );
    });
    super(optimizer, schedulers);
    this.#milestones = milestones;
    this.restart();
    this.hasBegun(SequentialLR, inTurn(schedulers, milestones));
  }

  override step(): void {
    const epoch = ++this.state.lastEpoch;
    const scheduler = this.schedulers[this.#milestones.filter(m => m <= epoch).length];
    if (this.#milestones.includes(epoch)) scheduler?.restart();
    else scheduler?.step();
  }

  override initialStep(): void {
    this.state.lastEpoch = 0;
    this.schedulers[0]?.initialStep();
  }
}

/** As far as the last of them; undefined where one is not known. */
function inTurn(
  schedulers: readonly LRScheduler<object>[],
  milestones: readonly number[],
): Reach | undefined {
  const last = schedulers.at(-1)?.reach;
  if (!last || schedulers.some(({ reach }) => !reach)) return undefined;
  return { ...last, epochs: (milestones.at(-1) ?? 0) + last.epochs };
}

/** As far as the one that goes on for longest; undefined where one of them is not known. */
function longest(schedulers: readonly LRScheduler<object>[]): Reach | undefined {
  const reaches = schedulers.flatMap(({ reach }) => reach ?? []);
  if (reaches.length < schedulers.length) return undefined;
  return {
    epochs: Math.max(...reaches.map(({ epochs }) => epochs)),
    isOpen: reaches.some(({ isOpen }) => isOpen),
  };
}

function checkOptimizer(
  name: string,
  optimizer: Scheduled,
  schedulers: readonly LRScheduler<object>[],
): void {
  const stranger = schedulers.findIndex(scheduler => scheduler.optimizer !== optimizer);
  if (stranger < 0) return;
  throw new RangeError(
    `${name} expects all schedulers to belong to the same optimizer, but the scheduler at index ` +
      `${stranger} belongs to another`,
  );
}
