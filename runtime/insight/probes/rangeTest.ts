/** The learning-rate range test (Smith 2015): rates that grow from step to step, until the loss explodes. */
import type { RangePoint, RangeTest } from "../../protocol/probe.ts";
import type { ProbedLoop } from "./loop.ts";

export interface RangeTestOptions {
  /** Rates of the first and the last step. 1e-7 and 10 by default, as in fastai. */
  readonly from?: number;
  readonly to?: number;
  /** 100 by default. */
  readonly steps?: number;
  /** Hears of every step. */
  readonly onStep?: (curve: readonly RangePoint[]) => void;
}

/** Weight of the past in the smoothed loss, as in fastai. */
const SMOOTHING = 0.98;

/** The test ends where the smoothed loss is this many times the smallest. */
const EXPLOSION = 4;

/** Points at the ends that are no evidence: the first tenth, and the beginning of the explosion. */
const SKIPPED_SHARE = 0.1;
const SKIPPED_LAST = 5;

/** A loss that fell by less than this share did not fall. */
const LEAST_FALL = 0.01;

/** Takes the test; the loop stands where it stood afterwards. */
export async function rangeTest(
  loop: ProbedLoop,
  { from = 1e-7, to = 10, steps = 100, onStep }: RangeTestOptions = {},
): Promise<RangeTest> {
  const curve: RangePoint[] = [];
  let mean = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < steps; i++) {
    const lr = from * (to / from) ** (i / Math.max(1, steps - 1));
    const { loss } = await loop.step(lr);
    mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
    const smoothed = mean / (1 - SMOOTHING ** (i + 1));
    curve.push({ lr, loss, smoothed });
    onStep?.(curve);
    if (!Number.isFinite(loss) || smoothed > EXPLOSION * best) break;
    best = Math.min(best, smoothed);
  }
  loop.rewind();
  return { curve, suggestion: suggestedRate(curve, steps) };
}

/**
 * fastai's `minimum`: a tenth of the rate with the smallest smoothed loss. Of the rules that there are
 * it found good rates most often (89 of 100; the valley, fastai's default, 52).
 * @param steps of the whole test.
 * @returns undefined if the loss did not fall.
 */
export function suggestedRate(curve: readonly RangePoint[], steps: number): number | undefined {
  const evidence = curve
    .slice(Math.floor(steps * SKIPPED_SHARE), -SKIPPED_LAST)
    .filter(({ smoothed }) => Number.isFinite(smoothed));
  const [first] = evidence;
  if (!first) return undefined;
  const lowest = evidence.reduce((best, point) => (point.smoothed < best.smoothed ? point : best));
  const hasFallen = first.smoothed - lowest.smoothed > LEAST_FALL * Math.abs(first.smoothed);
  return hasFallen ? lowest.lr / 10 : undefined;
}
