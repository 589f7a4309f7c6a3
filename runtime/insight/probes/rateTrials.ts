/**
 * Short runs at a few learning rates, all from where the loop is held and on the same batches: which of them makes the loss fall
 * furthest. Over too few steps smaller rates win that lose in the end (Wu et al. 2018, short-horizon bias).
 */
import type { RateTrial } from "../../protocol/probe.ts";
import type { ProbedLoop } from "./loop.ts";

export interface RateTrialsOptions {
  /** η of the first trial. */
  readonly lr: number;
  /** Steps of each. */
  readonly steps: number;
  /** Trials at most, without the one at a rate of 0. */
  readonly most: number;
  /** Hears of every step of a trial. */
  readonly onStep?: (trials: readonly RateTrial[], lr: number, loss: number) => void;
}

/** What is tried is half a decade apart: right learning rates are right over about as much. */
const APART = Math.sqrt(10);

/** Half decades that are taken at once as long as nothing has made the loss fall. */
const STRIDE = 4;

/** A loss that fell by less than this share did not fall. */
const LEAST_FALL = 0.01;

/** Part of a trial, at its end, whose mean loss says where it has come to. */
const LAST = 0.2;

/** Trials by their half decades above the first one. */
type Tried = ReadonlyMap<number, RateTrial>;

/**
 * Climbs from a learning rate to the better one of its neighbours until both are worse. The loop stands where it stood afterwards.
 * @returns the trials in ascending order of their rates; the first is at 0, and says what the loss is if nothing moves.
 */
export async function rateTrials(
  loop: ProbedLoop,
  { lr, steps, most, onStep = () => {} }: RateTrialsOptions,
): Promise<readonly RateTrial[]> {
  const take = (rate: number, so: readonly RateTrial[]) =>
    tryRate(loop, rate, steps, loss => onStep(so, rate, loss));
  const still = await take(0, []);
  const tried = new Map<number, RateTrial>();
  for (let next: number | undefined = 0; next !== undefined; next = nextOf(tried, still)) {
    if (tried.size === most) break;
    tried.set(next, await take(lr * APART ** next, inOrder(still, tried)));
  }
  return inOrder(still, tried);
}

/** The trial whose loss fell furthest; undefined if none fell. */
export function bestTrial([still, ...trials]: readonly RateTrial[]): RateTrial | undefined {
  const best = lowest(trials);
  return best && still && hasFallen(best, still) ? best : undefined;
}

/** Whether the neighbours of the best rate, half a decade below and above, were tried and are worse. */
export function isSummit(trials: readonly RateTrial[]): boolean {
  const best = bestTrial(trials);
  if (!best) return false;
  const isNear = (lower: RateTrial | undefined, upper: RateTrial | undefined) =>
    lower !== undefined && upper !== undefined && upper.lr / lower.lr < APART ** 1.5;
  const at = trials.indexOf(best);
  return isNear(trials[at - 1], best) && isNear(best, trials[at + 1]);
}

function inOrder(still: RateTrial, tried: Tried): readonly RateTrial[] {
  return [still, ...[...tried.values()].sort((a, b) => a.lr - b.lr)];
}

function lowest(trials: readonly RateTrial[]): RateTrial | undefined {
  const finite = trials.filter(({ loss }) => Number.isFinite(loss));
  return finite.reduce<RateTrial | undefined>(
    (best, trial) => (best && best.loss <= trial.loss ? best : trial),
    undefined,
  );
}

function hasFallen({ loss }: RateTrial, still: RateTrial): boolean {
  return still.loss - loss > LEAST_FALL * Math.abs(still.loss);
}

/** Where to try next; undefined behind the summit. */
function nextOf(tried: Tried, still: RateTrial): number | undefined {
  const places = [...tried.keys()];
  const best = lowest([...tried.values()]);
  const exploded = places.filter(at => Number.isNaN(tried.get(at)?.loss));
  const ceiling = Math.min(...exploded);
  if (best === undefined) return ceiling - 1;
  const at = places.find(place => tried.get(place) === best) ?? 0;
  const way = best.loss > still.loss ? -1 : 1;
  const stride = hasFallen(best, still) ? 1 : STRIDE;
  const ways = [at + way * stride, at + way, at - way];
  return ways.find(place => !tried.has(place) && place < ceiling);
}

async function tryRate(
  loop: ProbedLoop,
  lr: number,
  steps: number,
  onStep: (loss: number) => void,
): Promise<RateTrial> {
  const losses: number[] = [];
  while (losses.length < steps && losses.every(Number.isFinite)) {
    const { loss } = await loop.step(lr);
    losses.push(loss);
    onStep(loss);
  }
  loop.rewind();
  const last = losses.slice(-Math.ceil(steps * LAST));
  const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
  return { lr, steps: losses.length, loss: losses.every(Number.isFinite) ? mean : Number.NaN };
}
