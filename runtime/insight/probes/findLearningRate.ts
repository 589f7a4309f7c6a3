/** Before a run: the learning rate that a range test finds, checked by how far it moves the parameters. */
import type { LearningRateProbe, ProbeOptions } from "../../protocol/probe.ts";
import type { ProbedLoop } from "./loop.ts";
import { rangeTest } from "./rangeTest.ts";
import { travelProbe } from "./travelProbe.ts";

const TRAVEL_STEPS = 16;

/** Decades by which two experiments that agree may differ. */
const AGREEMENT = 0.5;

/**
 * Takes both probes; the loop stands where it stood afterwards.
 * @param onProgress hears what is known after each step.
 */
export async function findLearningRate(
  loop: ProbedLoop,
  { steps, plannedSteps }: ProbeOptions,
  onProgress: (probe: LearningRateProbe) => void = () => {},
): Promise<LearningRateProbe> {
  const { lr } = loop;
  const all = steps + TRAVEL_STEPS;
  const open = {
    steps: all,
    lr,
    travel: undefined,
    suggestion: undefined,
    confidence: "low",
  } as const;
  const range = await rangeTest(loop, {
    steps,
    onStep: curve =>
      onProgress({ ...open, done: curve.length, range: { curve, suggestion: undefined } }),
  });
  if (range.suggestion === undefined) return { ...open, done: all, range };
  const travel = await travelProbe(loop, {
    lr: range.suggestion,
    steps: TRAVEL_STEPS,
    plannedSteps,
  });
  const apart = Math.log10((travel.suggestion ?? Number.NaN) / range.suggestion);
  return {
    ...open,
    done: all,
    range,
    travel,
    suggestion: Number(range.suggestion.toPrecision(2)),
    confidence: Math.abs(apart) <= AGREEMENT ? "high" : "low",
  };
}
