/**
 * The signals of a run, from what is measured at each step: a history of constant size however long
 * the run is, and the features that the scorecard judges. Pure functions; a state is plain data.
 */
import type { RunPlan, StepRecord } from "./record.ts";

/** Buckets of the history; when it is full, neighbours are joined. */
const BUCKETS = 64;

/** Losses that are kept as they were. */
const RECENT = 10;

/** Steps at the start whose update ratio is remembered. */
export const EARLY_STEPS = 16;

/** Sums over consecutive steps. */
interface Bucket {
  readonly steps: number;
  readonly loss: number;
  /** Sum of log₁₀(‖Δθ‖ / ‖θ‖). */
  readonly ratio: number;
  /** Sum of log₁₀ ‖g‖. */
  readonly gradient: number;
  /** Sum of ‖Δθ‖², and of (lr √n)²: how large Adam's steps are to what they could be. */
  readonly squares: number;
  readonly unit: number;
  /** max ‖θ − θ₀‖ so far, at the end of the bucket. */
  readonly travel: number;
}

/** What is remembered of a run. */
export interface Signals {
  readonly steps: number;
  /** Steps in a full bucket. */
  readonly stride: number;
  readonly buckets: readonly Bucket[];
  readonly firstLoss: number;
  readonly firstWeightNorm: number;
  readonly recent: readonly number[];
  /** Largest median of three consecutive losses. */
  readonly highest: number;
  readonly firstGradNorm: number;
  readonly maxGradNorm: number;
  /** max ‖θ − θ₀‖ */
  readonly travel: number;
  /** Sum of log₁₀(‖Δθ‖ / ‖θ‖) over the first steps. */
  readonly earlyRatio: number;
  /** log₁₀ of the learning rate at which the first step would take all of the loss, if its slope lasted: η loss / (‖g‖ ‖Δθ‖). */
  readonly slopeRate: number;
  /** Sum of ‖Δθ‖ and of ‖Δθ‖². */
  readonly path: number;
  readonly pathSquares: number;
  /** Sum of the learning rates. */
  readonly rates: number;
  /** Learning rate of the last step, the highest so far, and the step at which somebody changed it. */
  readonly lastRate: number;
  readonly peakRate: number;
  readonly rateChangedAt: number | undefined;
  /** Not every step updates the same parameters. */
  readonly mixed: boolean;
  readonly lastTensors: number;
  /** First step whose loss or gradient is not finite. */
  readonly nonFiniteAt: number | undefined;
}

export const NO_SIGNALS: Signals = {
  steps: 0,
  stride: 1,
  buckets: [],
  firstLoss: Number.NaN,
  firstWeightNorm: Number.NaN,
  recent: [],
  highest: Number.NEGATIVE_INFINITY,
  firstGradNorm: Number.NaN,
  maxGradNorm: 0,
  travel: 0,
  earlyRatio: 0,
  slopeRate: Number.NaN,
  path: 0,
  pathSquares: 0,
  rates: 0,
  lastRate: Number.NaN,
  peakRate: 0,
  rateChangedAt: undefined,
  mixed: false,
  lastTensors: 0,
  nonFiniteAt: undefined,
};

/** The signals after one more step. */
export function observe(signals: Signals, record: StepRecord, plan: RunPlan): Signals {
  const { t, loss, gradNorm, weightNorm, updateNorm } = record;
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
    return {
      ...signals,
      steps: signals.steps + 1,
      recent: [...signals.recent, Number.NaN].slice(-RECENT),
      nonFiniteAt: signals.nonFiniteAt ?? t,
    };
  }
  const isFirst = signals.steps === 0;
  const isChanged = !plan.scheduled && !isFirst && record.lr !== signals.lastRate;
  const recent = [...signals.recent, loss].slice(-RECENT);
  const middle = median(recent.slice(-3));
  const ratio = logRatio(updateNorm, weightNorm);
  const travel = Math.max(signals.travel, record.travel || 0);
  const isEarly = signals.steps < EARLY_STEPS;
  return {
    ...signals,
    ...append(signals, bucketOf(record, plan, ratio, travel)),
    steps: signals.steps + 1,
    firstLoss: isFirst ? loss : signals.firstLoss,
    firstWeightNorm: isFirst ? weightNorm : signals.firstWeightNorm,
    recent,
    highest: Math.max(signals.highest, middle),
    firstGradNorm: isFirst ? gradNorm : signals.firstGradNorm,
    maxGradNorm: Math.max(signals.maxGradNorm, gradNorm),
    travel,
    earlyRatio: signals.earlyRatio + (isEarly ? ratio : 0),
    // A warm-up may begin at a rate of 0.
    slopeRate: Number.isFinite(signals.slopeRate) ? signals.slopeRate : slopeRate(record),
    path: signals.path + updateNorm,
    pathSquares: signals.pathSquares + updateNorm ** 2,
    rates: signals.rates + record.lr,
    lastRate: record.lr,
    peakRate: Math.max(signals.peakRate, record.lr || 0),
    mixed: signals.mixed || (!isFirst && record.tensors !== signals.lastTensors),
    lastTensors: record.tensors,
    rateChangedAt: signals.rateChangedAt ?? (isChanged ? t : undefined),
  };
}

function bucketOf(record: StepRecord, plan: RunPlan, ratio: number, travel: number): Bucket {
  return {
    steps: 1,
    loss: record.loss,
    ratio,
    gradient: Math.log10(Math.max(record.gradNorm, 1e-30)),
    squares: record.updateNorm ** 2,
    unit: record.lr ** 2 * plan.parameters,
    travel,
  };
}

/** NaN where it is not defined: of a loss that is not positive, of a step that goes nowhere. */
function slopeRate({ lr, loss, gradNorm, updateNorm }: StepRecord): number {
  const rate = (lr * loss) / (gradNorm * updateNorm);
  return rate > 0 && Number.isFinite(rate) ? Math.log10(rate) : Number.NaN;
}

function logRatio(part: number, whole: number): number {
  return Math.log10(Math.max(part, 1e-30) / Math.max(whole, 1e-30));
}

function append({ buckets, stride }: Signals, next: Bucket): Pick<Signals, "buckets" | "stride"> {
  const last = buckets.at(-1);
  if (last && last.steps < stride) {
    return { buckets: [...buckets.slice(0, -1), join(last, next)], stride };
  }
  if (buckets.length < BUCKETS) return { buckets: [...buckets, next], stride };
  const halved: Bucket[] = [];
  for (let i = 0; i < buckets.length; i += 2) {
    const [left, right] = [buckets[i], buckets[i + 1]];
    if (left) halved.push(right ? join(left, right) : left);
  }
  return { buckets: [...halved, next], stride: stride * 2 };
}

function join(a: Bucket, b: Bucket): Bucket {
  const steps = a.steps + b.steps;
  return {
    steps,
    loss: a.loss + b.loss,
    ratio: a.ratio + b.ratio,
    gradient: a.gradient + b.gradient,
    squares: a.squares + b.squares,
    unit: a.unit + b.unit,
    travel: b.travel,
  };
}

/** What the scorecard judges. NaN: cannot be known. */
export interface Features {
  /** log₁₀ of the travel over that of runs that end well, at this part of the run. */
  readonly travel: number;
  /**
   * log₁₀ of ‖Δθ‖ / ‖θ‖ over the first steps, and over the last half; as it would be in a run of
   * USUAL_STEPS.
   */
  readonly earlyRatio: number;
  readonly ratio: number;
  /** log₁₀ of the loss now over the first. */
  readonly level: number;
  /** log₁₀ of the highest loss over the first. */
  readonly peak: number;
  /** log₁₀ of the largest gradient over the first. */
  readonly gradPeak: number;
  /** log₁₀ of ‖θ − θ₀‖ / Σ‖Δθ‖: 0 for a straight way. */
  readonly straightness: number;
  /** log₁₀ of ‖θ − θ₀‖ / √Σ‖Δθ‖²: 0 for a random walk. */
  readonly drift: number;
  /** `travelGrowth`. */
  readonly growth: number;
  /** Adam: log₁₀ of the rms step in units of the learning rate, over the last half. */
  readonly gain: number;
  /** log₁₀ of the part of the run that is over. */
  readonly progress: number;
  /** log₁₀ of the median of the last ten losses over the first. */
  readonly recent: number;
  /** log₁₀ of the mean loss of the last quarter over that of the one before. */
  readonly trend: number;
  /** t statistic t of a line through the losses of the last half, as sign(t) log₁₀(1 + |t|): negative, they fall. */
  readonly slope: number;
  /** log₁₀ of their deviation from that line over their mean. */
  readonly noise: number;
  /** log₁₀ of ‖g‖ over the last half, over the first. */
  readonly gradient: number;
  /**
   * log₁₀ of the part of the loss that the slope of the first step promised for it, η ‖g‖² / L for gradient descent; momentum
   * makes each step 1 / (1 − β) of them.
   */
  readonly promise: number;
  /** 1 where the optimizer is adaptive, else 0: what is usual differs. */
  readonly adaptive: number;
}

export type FeatureName = keyof Features;

/** Travel grows with this power of the steps. */
export const TRAVEL_GROWTH = 0.4;

/** log₁₀ of the travel of runs that end well, when a fraction of the run is over. */
export function usualTravel(fraction: number): number {
  return 0.2 + TRAVEL_GROWTH * Math.log10(fraction);
}

/** Parts of that travel between which nearly all runs that end well are. */
export const TRAVEL_RANGE = [1 / 5, 6] as const;

/** Steps of a run that would end well with the relative travel that there is after `steps`. */
export function suitedLength(steps: number, travel: number): number {
  return steps * (10 ** usualTravel(1) / travel) ** (1 / TRAVEL_GROWTH);
}

/** The learning rate that a schedule multiplies: behind a warm-up the highest so far. */
export function baseRate({ peakRate }: Signals, { lr, scheduled }: RunPlan): number {
  return scheduled ? Math.max(lr, peakRate) : lr;
}

/** log₁₀ of the travel over that of runs that end well; positive: too far. */
export function excessTravel(signals: Signals, plan: RunPlan): number {
  const { steps, travel, firstWeightNorm, rates } = signals;
  const fraction = steps / (plan.plannedSteps ?? Number.NaN);
  // A warm-up has not moved yet what a constant rate would have.
  const share = rates / (steps * baseRate(signals, plan));
  return (
    Math.log10(Math.max(travel, 1e-30) / firstWeightNorm) -
    usualTravel(fraction) -
    Math.log10(share)
  );
}

/** Length of the runs that ratios of updates are compared with. */
const USUAL_STEPS = 400;

/** What takes log₁₀ ‖Δθ‖ / ‖θ‖ to a run of the usual length: in longer ones updates are smaller. */
export function horizonShift({ plannedSteps = USUAL_STEPS }: RunPlan): number {
  return 0.6 * Math.log10(plannedSteps / USUAL_STEPS);
}

/** The features of a run after at least two steps. */
export function features(signals: Signals, plan: RunPlan): Features {
  const { buckets, steps, firstLoss } = signals;
  const half = lastHalf(buckets);
  const total = half.reduce(join);
  const quarter = lastHalf(half).reduce(join);
  const now = quarter.loss / quarter.steps;
  const level = (part: number) => Math.log10(Math.max(part, 1e-12) / Math.max(firstLoss, 1e-12));
  const horizon = horizonShift(plan);
  return {
    travel: excessTravel(signals, plan),
    earlyRatio: signals.earlyRatio / Math.min(steps, EARLY_STEPS) + horizon,
    ratio: total.ratio / total.steps + horizon,
    level: level(now),
    peak: level(signals.highest),
    gradPeak: Math.log10(signals.maxGradNorm / signals.firstGradNorm),
    straightness: Math.log10(Math.max(signals.travel, 1e-30) / signals.path),
    drift: Math.log10(Math.max(signals.travel, 1e-30) / Math.sqrt(signals.pathSquares)),
    growth: travelGrowth(signals),
    gain: plan.usualRate ? Math.log10(total.squares / total.unit) / 2 : Number.NaN,
    progress: Math.log10(steps / (plan.plannedSteps ?? Number.NaN)),
    recent: level(median(signals.recent)),
    ...courseOf(signals),
    gradient: total.gradient / total.steps - Math.log10(signals.firstGradNorm),
    promise: Math.log10(baseRate(signals, plan) / (1 - plan.momentum)) - signals.slopeRate,
    adaptive: plan.usualRate ? 1 : 0,
  };
}

/** Exponent of the travel's growth over the last half: 1 straight, ½ a random walk, 0 at rest. */
export function travelGrowth({ buckets, travel }: Signals): number {
  const [start] = lastHalf(buckets);
  return Math.log2(Math.max(travel, 1e-30) / Math.max(start?.travel ?? travel, 1e-30));
}

/** Fewest buckets that a line through them says something of. */
const FEWEST_BUCKETS = 4;

/** Decades of the loss that are as good as any more. */
const LARGEST_TREND = 3;

/** A line through losses, such as those of the last half of a run. */
export interface LossCourse {
  /** t statistic of its slope: negative, they fall. */
  readonly t: number;
  /** Deviation from it, in parts of the mean. */
  readonly noise: number;
  /** How much the loss falls in a step. */
  readonly fall: number;
  /** log₁₀ of the mean of its second part over that of its first. */
  readonly trend: number;
  /** The mean loss, and in parts of the first one. */
  readonly loss: number;
  readonly level: number;
}

const NO_COURSE = { t: Number.NaN, noise: Number.NaN, fall: Number.NaN, trend: Number.NaN };

/** Several ask for the same, for each length that a run may have. */
const courses = new WeakMap<Signals, LossCourse>();

/** How the loss has gone over the last half of a run; NaN where it has only begun. */
export function lossCourse(signals: Signals): LossCourse {
  const known = courses.get(signals);
  if (known) return known;
  const course = fitCourse(signals, lastHalf(signals.buckets));
  courses.set(signals, course);
  return course;
}

/** How the loss has gone over the last `steps` steps, or a few less; NaN where those are too few. */
export function lossCourseOf(signals: Signals, steps: number): LossCourse {
  const { buckets, stride } = signals;
  return fitCourse(signals, buckets.slice(buckets.length - Math.floor(steps / stride)));
}

function fitCourse({ stride, firstLoss }: Signals, over: readonly Bucket[]): LossCourse {
  const losses = over.map(({ loss, steps }) => loss / steps);
  const n = losses.length;
  const loss = meanOf(losses);
  const level = loss / firstLoss;
  if (n < FEWEST_BUCKETS) return { ...NO_COURSE, loss, level };
  const middle = (n - 1) / 2;
  const spread = losses.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  const rise = losses.reduce((sum, each, i) => sum + (i - middle) * (each - loss), 0) / spread;
  const squares = losses.reduce(
    (sum, each, i) => sum + (each - loss - rise * (i - middle)) ** 2,
    0,
  );
  const deviation = Math.sqrt(squares / (n - 2));
  return {
    t: rise / Math.max(deviation / Math.sqrt(spread), 1e-12),
    noise: deviation / Math.max(Math.abs(loss), 1e-12),
    fall: -rise / stride,
    trend: logRatio(meanOf(losses.slice(n >> 1)), meanOf(losses.slice(0, n >> 1))),
    loss,
    level,
  };
}

/** As the scorecard sees it. */
function courseOf(signals: Signals): Pick<Features, "trend" | "slope" | "noise"> {
  const { t, noise, trend } = lossCourse(signals);
  return {
    trend: Math.max(-LARGEST_TREND, Math.min(LARGEST_TREND, trend)),
    slope: Math.sign(t) * Math.log10(1 + Math.abs(t)),
    noise: Math.log10(noise + 1e-6),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lastHalf(buckets: readonly Bucket[]): readonly Bucket[] {
  return buckets.slice(Math.floor(buckets.length / 2));
}

/** The middle of a few numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
