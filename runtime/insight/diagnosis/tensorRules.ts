/** What can be wrong with single tensors: they get no gradient, a tiny one, or too much decay. */
import type { Suggestion } from "../../protocol/finding.ts";
import type { OptimizerName, TensorRecord } from "../../protocol/run.ts";
import { stepValue, type TensorColumn, tensorValue } from "../../protocol/steps.ts";
import { option } from "./groupOptions.ts";
import { brief, tensorNames, tensors } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";

/** Looks at which something has to be so before it is no accident: 25 steps. */
const PATIENCE = 5;

export function tensorRules(): readonly Rule[] {
  return [new ZeroGradient(), new VanishingGradient(), new LargeEpsilon(), new StrongDecay()];
}

/** A weight at a step. Biases and scales are left out: they say little, and many are 0 for good reasons. */
interface Weight {
  readonly record: TensorRecord;
  readonly gradNorm: number;
  readonly weightNorm: number;
}

/** The weights that have a gradient which is finite, in the order of the model. */
function weights(step: StepView): readonly Weight[] {
  return step.tensors.flatMap((record, tensor) => {
    const of = (column: TensorColumn) => tensorValue(step.batch, step.row, tensor, column);
    if (record.shape.length < 2 || of("nonFinite") !== 0) return [];
    return [{ record, gradNorm: of("gradNorm"), weightNorm: of("weightNorm") }];
  });
}

/** Gradients of weights that are exactly 0 while other parameters learn: dead units, or zeros that stay. */
class ZeroGradient implements Rule {
  readonly code = "params.zeroGradient";
  readonly severity = "warning";
  readonly patience = 1;
  /** Weights whose gradients have been 0, and the looks at which it was so in a row. */
  #streaks = new Map<string, number>();

  look(step: StepView): Symptom | undefined {
    const learns = stepValue(step.batch, step.row, "gradNorm") > 0;
    const zero = learns ? weights(step).filter(({ gradNorm }) => gradNorm === 0) : [];
    this.#streaks = new Map(
      zero.map(({ record: { name } }) => [name, (this.#streaks.get(name) ?? 0) + 1]),
    );
    const lasting = zero.filter(({ record }) => (this.#streaks.get(record.name) ?? 0) > PATIENCE);
    const [first] = lasting;
    if (!first) return undefined;
    const { length } = lasting;
    const empty = lasting.filter(({ weightNorm }) => weightNorm === 0).length;
    return {
      title: `${tensors(length)} of weights ${length === 1 ? "gets" : "get"} no signal`,
      advice: empty
        ? "Weights that are all 0 pass nothing on: initialise them at random, as the layers do by default."
        : "Every unit on the way is switched off, as ReLU does for good where an update was too large: lower " +
          "the learning rate, or use LeakyReLU or GELU, and start again.",
      evidence: [
        {
          name: "weights with a gradient of 0",
          value: length,
          expected: [0, 0],
          text: `The gradients of ${tensorNames(lasting.map(({ record }) => record.name))} are exactly 0.`,
        },
        {
          name: "of them, all 0 themselves",
          value: empty,
          expected: [0, 0],
          text: `${empty} of these ${length} hold nothing but zeros.`,
        },
      ],
      about: { type: "tensor", name: first.record.name },
    };
  }
}

/** ‖g‖ and ‖g‖ / ‖θ‖ below this part of the largest are lost on the way. */
const VANISHING = 1e-3;

/** Of fewer weights one is small by accident. */
const FEWEST_WEIGHTS = 3;

/** Gradients of the first layers that are a thousandth of the last ones'. */
class VanishingGradient implements Rule {
  readonly code = "gradients.vanishing";
  readonly severity = "warning";
  readonly patience = PATIENCE;

  look(step: StepView): Symptom | undefined {
    const learning = weights(step).filter(each => each.gradNorm > 0 && each.weightNorm > 0);
    const [first] = learning;
    if (!first || learning.length < FEWEST_WEIGHTS) return undefined;
    const relative = ({ gradNorm, weightNorm }: Weight) => gradNorm / weightNorm;
    const last = learning.reduce((a, b) => (relative(b) > relative(a) ? b : a));
    const small = learning.reduce((a, b) => (relative(b) < relative(a) ? b : a));
    const share = relative(small) / relative(last);
    const isVanishing = share < VANISHING && small.gradNorm < VANISHING * last.gradNorm;
    if (!isVanishing || learning.indexOf(small) > learning.indexOf(last)) return undefined;
    return {
      title: "Gradients vanish on their way to the first layers",
      advice:
        "Use ReLU or GELU instead of sigmoid and tanh, a normalisation between layers, or residual connections; " +
        "fewer layers learn more here.",
      evidence: [
        {
          name: "smallest relative gradient : largest",
          value: share,
          expected: [0.01, 1],
          text:
            `Relative to its weights, the gradient of ${small.record.name} is ${brief(share)} of that of ` +
            `${last.record.name}.`,
        },
        {
          name: `gradient norm of ${small.record.name}`,
          value: small.gradNorm,
          text: `Its norm is ${brief(small.gradNorm)}, the other's ${brief(last.gradNorm)}.`,
        },
      ],
      about: { type: "tensor", name: small.record.name },
    };
  }
}

/** Steps after which v̂ says what gradients are usual. */
const SETTLED_STEPS = 50;

/** Share of elements from which Adam is no longer Adam. */
const MOST_DOMINATED = 0.5;
const USUAL_EPSILON = 1e-8;

/** √v̂ below ε in most elements: the update is η/ε · m̂, SGD with a learning rate that nobody chose. */
class LargeEpsilon implements Rule {
  readonly code = "adam.epsilon";
  readonly severity = "warning";
  readonly patience = PATIENCE;

  look(step: StepView): Symptom | undefined {
    if (step.seen < SETTLED_STEPS) return undefined;
    let [dominated, elements, group] = [0, 0, -1];
    step.tensors.forEach((record, tensor) => {
      const share = tensorValue(step.batch, step.row, tensor, "epsDominated");
      // What has no gradient at all is another matter.
      const isDead = tensorValue(step.batch, step.row, tensor, "gradNorm") === 0;
      if (Number.isNaN(share) || isDead) return;
      const size = record.shape.reduce((a, b) => a * b, 1);
      dominated += share * size;
      elements += size;
      if (group < 0 && share > MOST_DOMINATED) group = record.group;
    });
    const eps = option(step, group, "eps");
    // With the usual ε it is the end of a training that has arrived.
    if (!(dominated > MOST_DOMINATED * elements) || !(eps > 100 * USUAL_EPSILON)) return undefined;
    const share = dominated / elements;
    return {
      title: "ε is larger than the gradients: Adam acts as SGD",
      advice:
        "Leave out `eps`, or give it the usual 1e-8; then the learning rate means again what it does elsewhere.",
      evidence: [
        {
          name: "share of elements with √v̂ < ε",
          value: share,
          expected: [0, 0.1],
          text: `In ${brief(100 * share)} % of the elements the running gradient is smaller than ε.`,
        },
        {
          name: "ε",
          value: eps,
          expected: [1e-10, 1e-6],
          text: `ε is ${brief(eps)}, and so the update there is the gradient times η/ε, not η.`,
        },
      ],
      about: { type: "hyperparameter", name: "eps", group },
      suggestion: suggestionFor("eps", eps, USUAL_EPSILON),
    };
  }
}

/** Part of a weight that decay may take in a step: half of it would be gone after 230 steps. */
const MOST_DECAY = 3e-3;

/**
 * Optimizers that take η λ of each weight in a step, or more, with the largest λ that is usual: where that takes
 * too much η is what is wrong, of which the verdict tells. Others divide the decay as the gradient.
 */
const USUAL_MOST: Readonly<Partial<Record<OptimizerName, number>>> = {
  SGD: 1e-3,
  AdamW: 0.1,
  Muon: 0.1,
  Lion: 1,
};

/** Part of ‖θ₀‖ below which decay has had its way. */
const SHRUNK = 0.7;

/** η λ of what is suggested, and the largest λ of that. */
const USUAL_DECAY = 1e-4;
const LARGEST_DECAY = 0.1;

/** Weight decay that takes the weights away faster than they can learn. */
class StrongDecay implements Rule {
  readonly code = "decay.strong";
  readonly severity = "warning";
  readonly patience = PATIENCE;
  #origin: number | undefined;

  look(step: StepView): Symptom | undefined {
    const norm = stepValue(step.batch, step.row, "weightNorm");
    this.#origin ??= norm;
    const update = stepValue(step.batch, step.row, "updateNorm");
    for (const { group } of step.groups) {
      const optimizer = step.tensors.find(tensor => tensor.group === group)?.optimizer;
      const usual = optimizer && USUAL_MOST[optimizer];
      const decay = option(step, group, "weightDecay");
      if (usual === undefined || !(decay > usual)) continue;
      const lr = step.batch.lr[step.row * step.batch.groups + group] ?? Number.NaN;
      if (!(lr * decay >= MOST_DECAY)) continue;
      const pull = (lr * decay * norm) / update;
      // Where weights do not shrink under it, their gradients do little but hold against it.
      if (norm < SHRUNK * this.#origin || pull > 1) {
        return this.#symptom(group, lr, decay, norm / this.#origin, pull);
      }
    }
    return undefined;
  }

  #symptom(group: number, lr: number, decay: number, left: number, pull: number): Symptom {
    const steps = Math.LN2 / (lr * decay);
    const to = Math.min(LARGEST_DECAY, USUAL_DECAY / lr);
    return {
      title: "Weight decay takes the weights away",
      advice: `Try weightDecay: ${brief(to)} instead of ${brief(decay)}.`,
      evidence: [
        {
          name: "part of each weight that decay takes in a step",
          value: lr * decay,
          expected: [0, 1e-3],
          text:
            `In every step decay takes ${brief(100 * lr * decay)} % of each weight: half of it in ` +
            `${brief(steps)} steps.`,
        },
        {
          name: "norm of the parameters : at the start",
          value: left,
          expected: [0.8, 10],
          text: `The norm of the parameters is ${brief(100 * left)} % of what it was at the start.`,
        },
        {
          name: "what decay takes : the whole update",
          value: pull,
          expected: [0, 1],
          text: `What decay takes is ${brief(pull)} times as long as the whole update.`,
        },
      ],
      about: { type: "hyperparameter", name: "weightDecay", group },
      suggestion: suggestionFor("weightDecay", decay, to),
    };
  }
}

function suggestionFor(target: "eps" | "weightDecay", from: number, to: number): Suggestion {
  const value = Number(to.toPrecision(2));
  return { target, from, to: value, range: [value / 10, value * 3] };
}
