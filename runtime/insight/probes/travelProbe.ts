/** How far the parameters move in a few steps tells whether a learning rate is right before a run. */
import type { TravelProbe } from "../../protocol/probe.ts";
import { suitedLength, usualTravel } from "../diagnosis/signals.ts";
import type { ProbedLoop } from "./loop.ts";

export interface TravelProbeOptions {
  readonly lr: number;
  /** 16 by default. */
  readonly steps?: number;
  /** Steps that the run is to have, where that is known. */
  readonly plannedSteps?: number;
}

/** Decades by which a rate is lowered, or raised, at most. */
const [LOWEST, HIGHEST] = [-2, 3];

/** Takes the probe from the start of a run; the loop stands where it stood afterwards. */
export async function travelProbe(
  loop: ProbedLoop,
  { lr, steps = 16, plannedSteps }: TravelProbeOptions,
): Promise<TravelProbe> {
  let travel = 0;
  for (let i = 0; i < steps && Number.isFinite(travel); i++) {
    const measured = await loop.step(lr);
    travel = Number.isFinite(measured.loss) ? measured.travel : Number.NaN;
  }
  loop.rewind();
  const expected = plannedSteps ? 10 ** usualTravel(steps / plannedSteps) : undefined;
  const decades = Number.isNaN(travel)
    ? -1
    : Math.log10(expected ?? Number.NaN) - Math.log10(travel);
  return {
    lr,
    steps,
    travel,
    expected,
    suggestion: expected ? lr * 10 ** Math.min(HIGHEST, Math.max(LOWEST, decades)) : undefined,
    horizon: suitedLength(steps, travel),
  };
}
