/**
 * What can be wrong with the units of a layer: they are dead, or copies of each other, or never change. A unit
 * is seen in its bias: that of a unit which never fires gets a gradient of exactly 0, and the biases of units that
 * are alike get the same one.
 */
import type { TensorRecord } from "../../protocol/run.ts";
import { type TensorColumn, tensorValue } from "../../protocol/steps.ts";
import { brief, tensorNames, tensors } from "./phrases.ts";
import type { Rule, StepView, Symptom } from "./rules.ts";
import { lossCourse } from "./signals.ts";

/** Looks at which something has to be so before it is no accident: 25 steps. */
const PATIENCE = 5;

export function unitRules(): readonly Rule[] {
  return [new DeadUnits(), new SymmetricUnits(), new FrozenTensors()];
}

/** Biases, and scales of normalisations, one number a unit. */
interface Units {
  readonly record: TensorRecord;
  /** Their number. */
  readonly units: number;
  of(column: TensorColumn): number;
}

function unitsOf({ batch, row, tensors: records }: StepView, fewest: number): readonly Units[] {
  return records.flatMap((record, tensor) => {
    const [units = 0, ...others] = record.shape;
    const of = (column: TensorColumn) => tensorValue(batch, row, tensor, column);
    if (others.length > 0 || units < fewest || of("nonFinite") !== 0) return [];
    return [{ record, units, of }];
  });
}

/** Of fewer units, some without a gradient are no loss. */
const FEWEST_UNITS = 8;

/** Part of the first loss below which gradients end because there is nothing left to learn. */
const LEARNED = 0.05;

/** A step below this part of the layer's largest is what is left in a running mean of one that has ended. */
const NO_STEP = 1e-6;

/** Half of the units of a layer, or more, get no gradient, step after step. */
class DeadUnits implements Rule {
  readonly code = "units.dead";
  readonly severity = "warning";
  readonly patience = PATIENCE;

  look(step: StepView): Symptom | undefined {
    // Who has learned the samples has no gradient left to give, to dead units or others.
    if (!(lossCourse(step.signals).level > LEARNED)) return undefined;
    const dead = unitsOf(step, FEWEST_UNITS).filter(isDying);
    const [first] = dead;
    if (!first) return undefined;
    const share = stands(first, "stepSizeP95") ? 0.95 : 0.5;
    const names = dead.map(({ record }) => record.name);
    return {
      title: `Half of the units of ${dead.length === 1 ? "a layer" : `${dead.length} layers`}, or more, are dead`,
      advice:
        "ReLU has switched them off for every sample, mostly after an update that was too large: lower the learning rate, " +
        "or use LeakyReLU or GELU, and start again, as what is dead stays dead.",
      evidence: [
        {
          name: "share of units that get no gradient, at least",
          value: share,
          expected: [0, 0.1],
          text:
            `At least ${brief(100 * share)} % of the ${first.units} units of ${tensorNames(names)} get no gradient in ` +
            "any step.",
        },
        {
          name: "median step of its biases : the largest",
          value: first.of("stepSizeP50") / first.of("stepSizeMax"),
          expected: [0.01, 1],
          text: `The median step of its biases is ${brief(first.of("stepSizeP50"))}, the largest ${brief(first.of("stepSizeMax"))}.`,
        },
      ],
      about: { type: "tensor", name: first.record.name },
    };
  }
}

/** Without a running mean a unit is judged by one batch, which may not have been its own: more have to stand still. */
function isDying(units: Units): boolean {
  return stands(units, units.record.momentum ? "stepSizeP50" : "stepSizeP95");
}

function stands({ of }: Units, column: "stepSizeP50" | "stepSizeP95"): boolean {
  const largest = of("stepSizeMax");
  return largest > 0 && of(column) <= NO_STEP * largest;
}

/** Two outputs that share a probability have gradients of one size; of three that is no accident. */
const FEWEST_ALIKE = 3;

/** Units of which a twentieth are three. */
const MANY_UNITS = 60;

/** How far steps that are computed alike may differ, by rounding. */
const SAME = 1e-5;

/** Steps before which Adam's are all of one size. */
const SETTLED_STEPS = 20;

/** Every unit of a layer gets the same gradient: they began alike, and stay alike. */
class SymmetricUnits implements Rule {
  readonly code = "units.symmetric";
  readonly severity = "warning";
  readonly patience = PATIENCE;

  look(step: StepView): Symptom | undefined {
    if (step.seen < SETTLED_STEPS) return undefined;
    const alike = unitsOf(step, FEWEST_ALIKE).filter(isAlike);
    const [first] = alike;
    if (!first) return undefined;
    const [least, largest] = [first.of("stepSizeMin"), first.of("stepSizeMax")];
    return {
      title: "The units of a layer are copies of each other",
      advice:
        "Weights that are all equal give every unit the same output and the same gradient, for good: initialise them at " +
        "random, as the layers do by default. Only biases may begin alike.",
      evidence: [
        {
          name: "units with the same gradient",
          value: first.units,
          expected: [1, 1],
          text: `The ${first.units} units of ${tensorNames(alike.map(({ record }) => record.name))} take the same step.`,
        },
        {
          name: "smallest step of its biases : the largest",
          value: least / largest,
          expected: [0, 0.99],
          text: `The smallest step of its biases is ${brief(least, 6)}, and the largest ${brief(largest, 6)}.`,
        },
      ],
      about: { type: "tensor", name: first.record.name },
    };
  }
}

function isAlike({ record, units, of }: Units): boolean {
  // Lion's steps are all of one size.
  if (record.optimizer === "Lion") return false;
  const largest = of("stepSizeMax");
  if (!(largest > 0)) return false;
  const isSame = (a: TensorColumn, b: TensorColumn) => of(b) - of(a) <= SAME * largest;
  if (isSame("stepSizeMin", "stepSizeMax")) return true;
  // The gates of a recurrent cell have their biases in one tensor: those of a gate are alike.
  const isMany = units >= MANY_UNITS;
  return isMany && isSame("stepSizeMin", "stepSizeP5") && isSame("stepSizeP95", "stepSizeMax");
}

/** ‖Δθ‖ / ‖θ‖ below which float32 keeps nothing of an update: half of its precision, 2⁻²⁵. */
const ROUNDED_AWAY = 2 ** -25;

/** Tensors that an optimizer has, that get gradients, and that have never changed. */
class FrozenTensors implements Rule {
  readonly code = "params.frozen";
  readonly severity = "warning";
  readonly patience = PATIENCE;
  readonly #moved = new Set<number>();

  look(step: StepView): Symptom | undefined {
    const { batch, row } = step;
    const rateOf = ({ group }: TensorRecord) => batch.lr[row * batch.groups + group] ?? Number.NaN;
    const updated = step.tensors.flatMap((record, tensor) => {
      const of = (column: TensorColumn) => tensorValue(batch, row, tensor, column);
      if (of("updateNorm") > ROUNDED_AWAY * of("weightNorm")) this.#moved.add(tensor);
      const isStill = !this.#moved.has(tensor);
      return of("gradNorm") > 0 ? [{ record, isStill, ratio: of("stepToWeight") }] : [];
    });
    // A bias in front of a normalisation has no gradient but rounding, and rightly stays where it is.
    const isRounded = updated.every(({ isStill }) => isStill);
    const frozen = updated.filter(each => each.isStill && (isRounded || rateOf(each.record) === 0));
    const [first] = frozen;
    if (!first) return undefined;
    const { name } = first.record;
    const rate = rateOf(first.record);
    const largest = Math.max(...frozen.map(({ ratio }) => ratio || 0));
    return {
      title: `${tensors(frozen.length)} never ${frozen.length === 1 ? "changes" : "change"}, though an optimizer has ${frozen.length === 1 ? "it" : "them"}`,
      advice:
        rate > 0
          ? "Their updates are lost in rounding: the learning rate is far too low for weights of this size."
          : "Their learning rate is 0: give the group one, or, if they shall stay as they are, say so with " +
            "requiresGrad_(false), which saves their gradients.",
      evidence: [
        {
          name: "step : weight, the largest of them",
          value: largest,
          expected: [1e-6, 0.1],
          text:
            `The largest step of ${tensorNames(frozen.map(({ record }) => record.name))} is ${brief(largest)} of the weights; ` +
            `below ${brief(ROUNDED_AWAY)} float32 keeps nothing of it.`,
        },
        {
          name: "tensors that never changed",
          value: frozen.length,
          expected: [0, 0],
          text: `It has been so since the first step, for ${tensors(frozen.length)}.`,
        },
        ...(Number.isFinite(rate)
          ? [
              {
                name: "learning rate",
                value: rate,
                text: `The learning rate is ${brief(rate)}.`,
              },
            ]
          : []),
      ],
      ...(rate === 0
        ? ofRate(first.record.group, Math.max(...updated.map(each => rateOf(each.record))))
        : { about: { type: "tensor", name } }),
    };
  }
}

/** The learning rate of a group that is 0, and the highest of the others to write instead. */
function ofRate(group: number, to: number): Pick<Symptom, "about" | "suggestion"> {
  return {
    about: { type: "hyperparameter", name: "lr", group },
    ...(to > 0 && { suggestion: { target: "lr", from: 0, to, range: [to / 10, to] } }),
  };
}
