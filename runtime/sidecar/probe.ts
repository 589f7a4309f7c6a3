/** Tries learning rates on a script's loop, instead of a run. */
import { deafObserver, observe } from "../insight/observer.ts";
import type { LearningRateProbe, ProbeOptions } from "../protocol/probe.ts";

/**
 * Sees to it that the loop is held behind its first step, at a rate of 0, and that learning rates are
 * tried from there. To be called when the engine is there, before the script begins.
 * @param tell hears what is known, at last everything.
 * @returns a result that settles when all has been told; never if the script ends before.
 */
export async function probeLearningRate(
  options: ProbeOptions,
  tell: (probe: LearningRateProbe) => void,
): Promise<{ readonly result: Promise<void> }> {
  const [{ HeldLoop }, { findLearningRate }] = await Promise.all([
    import("../insight/probes/heldLoop.ts"),
    import("../insight/probes/findLearningRate.ts"),
  ]);
  const loop = new HeldLoop(0);
  observe({
    ...deafObserver,
    steps: batch => loop.steps(batch),
  });
  const result = loop
    .held()
    .then(() => findLearningRate(loop, options, tell))
    .then(tell);
  return { result };
}
