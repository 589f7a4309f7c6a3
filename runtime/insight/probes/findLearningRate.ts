/** Before a run: the learning rate that a range test finds, corrected by short runs around it. */
import type { LearningRateProbe, ProbeOptions } from "../../protocol/probe.ts";
import type { ProbedLoop } from "./loop.ts";
import { rangeTest } from "./rangeTest.ts";
import { bestTrial, isSummit, rateTrials } from "./rateTrials.ts";
import { travelProbe } from "./travelProbe.ts";

const TRAVEL_STEPS = 16;

/** Steps of a trial: the more, the surer, and each is taken by the script's own loop. */
const TRIAL_STEPS = 75;
const MOST_TRIALS = 8;

/**
 * Takes the experiments; the loop stands where it stood afterwards.
 * @param onProgress hears what is known after each step.
 */
export async function findLearningRate(
  loop: ProbedLoop,
  { steps, plannedSteps }: ProbeOptions,
  onProgress: (probe: LearningRateProbe) => void = () => {},
): Promise<LearningRateProbe> {
  const all = steps + TRAVEL_STEPS + (1 + MOST_TRIALS) * TRIAL_STEPS;
  let known: LearningRateProbe = {
    done: 0,
    steps: all,
    lr: loop.lr,
    last: { lr: Number.NaN, loss: Number.NaN },
    range: { curve: [], suggestion: undefined },
    travel: undefined,
    trials: [],
    suggestion: undefined,
    confidence: "low",
  };
  const tell = (news: Partial<LearningRateProbe>) => {
    known = { ...known, ...news };
    onProgress(known);
  };
  const range = await rangeTest(loop, {
    steps,
    onStep: curve =>
      tell({
        done: curve.length,
        range: { curve, suggestion: undefined },
        last: curve.at(-1) ?? known.last,
      }),
  });
  tell({ range, suggestion: written(range.suggestion) });
  if (range.suggestion !== undefined) {
    const travel = await travelProbe(loop, {
      lr: range.suggestion,
      steps: TRAVEL_STEPS,
      plannedSteps,
    });
    tell({ done: known.done + TRAVEL_STEPS, travel });
  }
  const trials = await rateTrials(loop, {
    lr: range.suggestion ?? loop.lr,
    steps: TRIAL_STEPS,
    most: MOST_TRIALS,
    onStep: (trials, lr, loss) => tell({ done: known.done + 1, trials, last: { lr, loss } }),
  });
  const best = bestTrial(trials);
  return {
    ...known,
    done: all,
    trials,
    suggestion: written(best?.lr),
    confidence: isSummit(trials) ? "high" : "low",
  };
}

/** A rate as one writes it. */
function written(rate: number | undefined): number | undefined {
  return rate && Number(rate.toPrecision(2));
}
