import { checkNames } from "../optimizer.ts";
import { checkPositiveInteger, perGroup, RateScheduler, type Scheduled } from "./scheduler.ts";

export interface OneCycleOptions {
  /** The highest rate, or one a group. */
  readonly maxLr: number | readonly number[];
  /** Length of the cycle: this, or epochs · stepsPerEpoch. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** Share of the cycle in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
  /** Whether momentum (Adam: β₁) falls while the rate rises. Default true. */
  readonly cycleMomentum?: boolean;
  readonly baseMomentum?: number | readonly number[];
  readonly maxMomentum?: number | readonly number[];
  /** The cycle begins at maxLr / divFactor. Default 25. */
  readonly divFactor?: number;
  /** It ends at its first rate / finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Fall to the first rate as fast as it rose, then to the end. Default false. */
  readonly threePhase?: boolean;
}

/** Defaults; undefined where there is none. */
const OPTIONS = {
  maxLr: undefined,
  totalSteps: undefined,
  epochs: undefined,
  stepsPerEpoch: undefined,
  pctStart: 0.3,
  annealStrategy: "cos",
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
} as const;

/** A way from one rate to another, as indices of a group's three rates and two momenta. */
interface Phase {
  readonly endStep: number;
  readonly lr: readonly [Rate, Rate];
  readonly momentum: readonly ["base" | "max", "base" | "max"];
}

type Rate = "initial" | "max" | "min";

/** Rates and momenta of a group at the corners of its cycle. */
interface Corners {
  readonly lr: Readonly<Record<Rate, number>>;
  readonly momentum: Readonly<Record<"base" | "max", number>>;
}

/** Where a group keeps its momentum. */
interface MomentumGroup {
  betas?: readonly [number, number];
  momentum?: number;
}

/**
 * One rise and one fall of the rate, with momentum (Adam: β₁) going the other way (Smith and Topin
 * 2017, "Super-Convergence"): PyTorch's `OneCycleLR`.
 */
export class OneCycleLR extends RateScheduler {
  readonly #totalSteps: number;
  readonly #phases: readonly Phase[];
  readonly #corners: readonly Corners[];
  readonly #cycleMomentum: boolean;
  readonly #anneal: (start: number, end: number, share: number) => number;

  /** @throws RangeError or TypeError, as PyTorch does, for options that make no sense. */
  constructor(optimizer: Scheduled, options: OneCycleOptions) {
    super(optimizer);
    checkNames("OneCycleLR", options, OPTIONS);
    const all = { ...OPTIONS, ...options };
    const { pctStart, annealStrategy, cycleMomentum, divFactor, finalDivFactor } = all;
    this.#totalSteps = totalSteps(options);
    if (!(pctStart >= 0 && pctStart <= 1)) {
      throw new RangeError(`Expected number between 0 and 1 pctStart, but got ${pctStart}`);
    }
    if (annealStrategy !== "cos" && annealStrategy !== "linear") {
      throw new RangeError(
        `annealStrategy must be one of "cos" or "linear", instead got ${String(annealStrategy)}`,
      );
    }
    this.#anneal = annealStrategy === "cos" ? annealCosine : annealLinear;
    this.#phases = phases(this.#totalSteps, pctStart, all.threePhase);
    this.#cycleMomentum = cycleMomentum;
    const [first] = optimizer.paramGroups as MomentumGroup[];
    if (cycleMomentum && first?.betas === undefined && first?.momentum === undefined) {
      throw new RangeError("optimizer must support momentum with `cycleMomentum` option enabled");
    }
    const maxLrs = perGroup("maxLr", optimizer, all.maxLr);
    const base = perGroup("baseMomentum", optimizer, all.baseMomentum);
    const max = perGroup("maxMomentum", optimizer, all.maxMomentum);
    this.#corners = maxLrs.map((maxLr, i) => {
      const initial = maxLr / divFactor;
      return {
        lr: { initial, max: maxLr, min: initial / finalDivFactor },
        momentum: { base: base[i] ?? 0, max: max[i] ?? 0 },
      };
    });
    optimizer.paramGroups.forEach((group, i) => {
      group.initialLr = this.#corners[i]?.lr.initial ?? group.lr;
    });
    this.state.baseLrs = this.#corners.map(({ lr }) => lr.initial);
    this.initialStep();
    this.hasBegun(OneCycleLR, { epochs: this.#totalSteps });
  }

  /** @throws RangeError after the last step of the cycle. */
  override step(): void {
    const { lastEpoch } = this.state;
    if (lastEpoch >= this.#totalSteps) {
      throw new RangeError(
        `Tried to step ${lastEpoch + 2} times. The specified number of total steps is ` +
          String(this.#totalSteps),
      );
    }
    super.step();
  }

  protected override rate(lr: number, _baseLr: number, epoch: number, index: number): number {
    const corners = this.#corners[index];
    const last = this.#phases.length - 1;
    const at = this.#phases.findIndex(({ endStep }, i) => epoch <= endStep || i === last);
    const phase = this.#phases[at];
    if (!corners || !phase) return lr;
    const start = this.#phases[at - 1]?.endStep ?? 0;
    const share = (epoch - start) / (phase.endStep - start);
    if (this.#cycleMomentum) {
      const [from, to] = phase.momentum;
      const momentum = this.#anneal(corners.momentum[from], corners.momentum[to], share);
      setMomentum(this.optimizer.paramGroups[index] as MomentumGroup, momentum);
    }
    const [from, to] = phase.lr;
    return this.#anneal(corners.lr[from], corners.lr[to], share);
  }
}

function totalSteps({ totalSteps, epochs, stepsPerEpoch }: OneCycleOptions): number {
  if (totalSteps !== undefined) {
    checkPositiveInteger("totalSteps", totalSteps);
    return totalSteps;
  }
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new RangeError("You must define either totalSteps OR (epochs AND stepsPerEpoch)");
  }
  checkPositiveInteger("epochs", epochs);
  checkPositiveInteger("stepsPerEpoch", stepsPerEpoch);
  return epochs * stepsPerEpoch;
}

function phases(total: number, pctStart: number, threePhase: boolean): Phase[] {
  const rise: Phase = {
    endStep: pctStart * total - 1,
    lr: ["initial", "max"],
    momentum: ["max", "base"],
  };
  if (!threePhase) {
    return [rise, { endStep: total - 1, lr: ["max", "min"], momentum: ["base", "max"] }];
  }
  return [
    rise,
    { endStep: 2 * pctStart * total - 2, lr: ["max", "initial"], momentum: ["base", "max"] },
    { endStep: total - 1, lr: ["initial", "min"], momentum: ["max", "max"] },
  ];
}

function annealCosine(start: number, end: number, share: number): number {
  return end + ((start - end) / 2) * (Math.cos(Math.PI * share) + 1);
}

function annealLinear(start: number, end: number, share: number): number {
  return (end - start) * share + start;
}

function setMomentum(group: MomentumGroup, momentum: number): void {
  if (group.betas) group.betas = [momentum, group.betas[1]];
  else group.momentum = momentum;
}
