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
  /** Trials at most. */
  readonly most: number;
  /** Hears of every step of a trial. */
  readonly onStep?: (trials: readonly RateTrial[], lr: number, loss: number) => void;
}

/** What is tried is half a decade apart: right learning rates are right over about as much. */
const APART = Math.sqrt(10);

/** Part of a trial, at its end, whose mean loss says where it has come to. */
const LAST = 0.2;

/**
 * Climbs from a learning rate to the better one of its neighbours until both are worse. The loop stands where it stood afterwards.
 * @returns the trials in ascending order of their rates.
 */
export async function rateTrials(
  loop: ProbedLoop,
  { lr, steps, most, onStep = () => {} }: RateTrialsOptions,
): Promise<readonly RateTrial[]> {
  let trials: readonly RateTrial[] = [];
  for (let next: number | undefined = 0; next !== undefined; next = nextOf(trials, lr)) {
    if (trials.length === most) break;
    const trial = await tryRate(loop, lr * APART ** next, steps, (rate, loss) =>
      onStep(trials, rate, loss),
    );
    trials = [...trials, trial].sort((a, b) => a.lr - b.lr);
  }
  return trials;
}

/** The trial whose loss fell furthest; undefined if all exploded. */
export function bestTrial(trials: readonly RateTrial[]): RateTrial | undefined {
  const finite = trials.filter(({ loss }) => Number.isFinite(loss));
  return finite.reduce<RateTrial | undefined>(
    (best, trial) => (best && best.loss <= trial.loss ? best : trial),
    undefined,
  );
}

/** Whether a lower and a higher rate than the best one were tried: then it is a summit. */
export function isSummit(trials: readonly RateTrial[]): boolean {
  const best = bestTrial(trials);
  return best !== undefined && best !== trials[0] && best !== trials.at(-1);
}

/** Half decades from the first rate to the next one to be tried; undefined behind the summit. */
function nextOf(trials: readonly RateTrial[], first: number): number | undefined {
  const [lowest, highest] = [trials[0], trials.at(-1)];
  if (!lowest || !highest) return 0;
  const at = ({ lr }: RateTrial) => Math.round(Math.log(lr / first) / Math.log(APART));
  const best = bestTrial(trials);
  // Above what explodes everything does.
  if (best === highest) return at(highest) + 1;
  if (best === undefined || best === lowest) return at(lowest) - 1;
  return undefined;
}

async function tryRate(
  loop: ProbedLoop,
  lr: number,
  steps: number,
  onStep: (lr: number, loss: number) => void,
): Promise<RateTrial> {
  const losses: number[] = [];
  while (losses.length < steps && losses.every(Number.isFinite)) {
    const { loss } = await loop.step(lr);
    losses.push(loss);
    onStep(lr, loss);
  }
  loop.rewind();
  const last = losses.slice(-Math.ceil(steps * LAST));
  const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
  return { lr, steps: losses.length, loss: losses.every(Number.isFinite) ? mean : Number.NaN };
}
