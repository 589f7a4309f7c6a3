/** Whether the micro-batches of a step are too few for the noise of their gradients, or too many. */
import { stepValue } from "../../protocol/steps.ts";
import { brief } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";

/** Looks behind a mean: 100 steps. One estimate of a noise scale says little. */
const LOOKS = 20;

/** Decades that an estimate counts at most: of a gradient that the noise hides there is none. */
const MOST = 2;

/** Noise scale in batches: above, the gradient is mostly noise; below, more samples say nothing new. */
const NOISY = 8;
const WASTED = 0.2;

/** How many times as large, or as small, a batch is suggested at the most. */
const MOST_TIMES = 16;

/**
 * The batch of a step against the gradient noise scale tr Σ / |G|² (McCandlish et al. 2018, "An empirical
 * model of large-batch training"), which is known where gradients are accumulated.
 */
export class NoisyBatch implements Rule {
  readonly code = "batch.noise";
  readonly severity = "info";
  readonly patience = 5;
  /** Running mean of log₁₀ of the noise scale in batches, and the looks behind it. */
  #mean = 0;
  #looks = 0;
  /** Samples that the loader had handed out at the last look, and its step. */
  #before = { samples: Number.NaN, t: 0 };

  look(step: StepView): Symptom | undefined {
    const { batch, row, t } = step;
    const samples = stepValue(batch, row, "samples");
    const inStep = (samples - this.#before.samples) / (t - this.#before.t);
    this.#before = { samples, t };
    const microBatches = stepValue(batch, row, "microBatches");
    if (!(microBatches > 1)) return undefined;
    const now = stepValue(batch, row, "noiseScale") / microBatches;
    const decades = Number.isNaN(now) ? MOST : Math.log10(Math.max(now, 10 ** -MOST));
    const bounded = Math.min(MOST, decades);
    this.#looks = Math.min(LOOKS, this.#looks + 1);
    this.#mean += (bounded - this.#mean) / this.#looks;
    const ratio = 10 ** this.#mean;
    const isNoisy = ratio > NOISY;
    if (this.#looks < LOOKS || !(isNoisy || ratio < WASTED)) return undefined;
    const scale = ratio * microBatches;
    return {
      title: isNoisy
        ? "The gradient of a step is mostly noise: the batch could be larger"
        : "The batch is larger than its gradient needs",
      advice: isNoisy
        ? "Accumulate more micro-batches, with a learning rate higher by the square root of their number (Adam) or by their " +
          "number (SGD), or let the learning rate come down: both average the noise out."
        : "Fewer micro-batches in a step give nearly the same gradient in less time.",
      evidence: [
        {
          name: "gradient noise scale : batch",
          value: ratio,
          expected: [WASTED, NOISY],
          text: `Noise and gradient are equally large in a batch ${brief(ratio)} times this one.`,
        },
        {
          name: "micro-batches in a step",
          value: microBatches,
          expected: [
            Math.max(1, Math.floor(scale / NOISY)),
            Math.max(1, Math.ceil(scale / WASTED)),
          ],
          text: `A step has ${microBatches} micro-batches, and the noise scale is ${brief(scale)} of them.`,
        },
      ],
      ...ofBatch(inStep / microBatches, isNoisy ? ratio / NOISY : ratio / WASTED),
    };
  }
}

/** The batch size to write instead, `times` as large; of a loop whose loader nobody knows there is none. */
function ofBatch(size: number, times: number): Pick<Symptom, "about" | "suggestion"> {
  const decades = Math.log2(size * Math.max(1 / MOST_TIMES, Math.min(MOST_TIMES, times)));
  const to = 2 ** (times > 1 ? Math.ceil(decades) : Math.floor(decades));
  if (!Number.isInteger(size) || !(to >= 1) || to === size) return { about: { type: "loop" } };
  return {
    about: { type: "hyperparameter", name: "batchSize", group: 0 },
    suggestion: { target: "batchSize", from: size, to, range: [to / 2, to * 2] },
  };
}
