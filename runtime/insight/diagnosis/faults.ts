/** The words of a fault of the loop: what was seen, what it does, what to write. */
import type { Evidence, Finding, FindingCode, Severity } from "../../protocol/finding.ts";
import type { LoopFault, LoopFaultType } from "../../protocol/loopFault.ts";
import type { SourceLocation } from "../../protocol/run.ts";
import { brief, tensorNames, tensors } from "./phrases.ts";

/** Digits that tell bounds apart. */
const DIGITS = 3;

/** Severity `error`: nothing that the run shows means what it should. */
const RULES: Readonly<Record<LoopFaultType, readonly [FindingCode, Severity]>> = {
  staleGradients: ["loop.zeroGrad", "error"],
  noBackward: ["loop.backward", "error"],
  noStep: ["loop.step", "error"],
  risingLoss: ["loop.direction", "error"],
  notOptimized: ["params.notOptimized", "warning"],
  noGradient: ["params.noGradient", "warning"],
  swappedArguments: ["loss.arguments", "error"],
  probabilities: ["loss.probabilities", "warning"],
  sameSamples: ["data.sameSamples", "warning"],
  largeInputs: ["data.scale", "warning"],
  largeTargets: ["data.targets", "info"],
  nonFinite: ["numerics.nonFinite", "error"],
  sortedLabels: ["data.order", "warning"],
  saturated: ["units.saturated", "warning"],
};

/** What is found by a fault at a step. */
export function findingOf(
  fault: LoopFault,
  step: number,
  location: SourceLocation | undefined,
): Finding {
  const [code, severity] = RULES[fault.type];
  const { title, advice, evidence, tensor } = describe(fault);
  return {
    id: `${code}:1`,
    code,
    severity,
    state: "raised",
    title,
    message: `${evidence[0].text} ${advice}`,
    about: tensor ? { type: "tensor", name: tensor } : { type: "loop" },
    confidence: 1,
    since: step,
    step,
    evidence,
    ...(location && { location }),
  };
}

interface Words {
  readonly title: string;
  readonly advice: string;
  readonly evidence: readonly [Evidence, ...Evidence[]];
  /** Name of the tensor that it is about. */
  readonly tensor?: string;
}

function describe(fault: LoopFault): Words {
  switch (fault.type) {
    case "staleGradients":
      return {
        title: "Gradients pile up: zeroGrad() is missing",
        advice:
          "Call optimizer.zeroGrad() once in every step, before backward(). To accumulate gradients " +
          "over micro-batches, call zeroGrad() behind each step.",
        evidence: [
          {
            name: "steps in a row with old gradients",
            value: fault.steps,
            expected: [0, 0],
            text: `${fault.steps} steps in a row used gradients that contain those of the steps before.`,
          },
          count("tensors with old gradients", fault.tensors, "It was so for", "parameter tensors."),
        ],
      };
    case "noBackward":
      return {
        title: "Steps without new gradients: backward() is missing",
        advice: "Call loss.backward() before each optimizer.step().",
        evidence: [
          {
            name: "steps in a row without backward()",
            value: fault.steps,
            expected: [0, 0],
            text: `${fault.steps} steps in a row came without a backward() between them.`,
          },
          count(
            "tensors without a new gradient",
            fault.tensors,
            "None of",
            "tensors had a new one.",
          ),
        ],
      };
    case "noStep":
      return {
        title: "Nothing is learned: step() is missing",
        advice: "Write `await optimizer.step()` behind backward().",
        evidence: [
          {
            name: "calls of backward()",
            value: fault.backwards,
            text: `backward() was called ${fault.backwards} times, and no optimizer made a step.`,
          },
          { name: "steps", value: 0, expected: [1, fault.backwards], text: "0 steps were made." },
        ],
      };
    case "risingLoss":
      return describeDirection(fault);
    case "notOptimized":
      return {
        title: `${tensors(fault.tensors)} will not learn: no optimizer has them`,
        advice:
          "Give the optimizer all of model.parameters(). If they shall stay as they are, say so with " +
          "requiresGrad_(false): their gradients are computed for nothing.",
        evidence: unreached(fault, "got gradients", "and belong to no optimizer"),
      };
    case "noGradient":
      return {
        title: `${tensors(fault.tensors)} of the optimizer never got a gradient`,
        advice:
          "The loss does not depend on them: is a layer missing in forward(), or is there a detach(), a " +
          "noGrad() or an argmax() on the way? If they shall stay as they are, leave them out of the " +
          "optimizer.",
        evidence: unreached(fault, "have had no gradient", "though the optimizer has them"),
        ...(fault.names[0] && { tensor: fault.names[0] }),
      };
    case "swappedArguments":
      return {
        title: `The arguments of ${fault.loss} are the wrong way round`,
        advice: "Write the predictions first, then the targets.",
        evidence: [
          {
            name: "numbers of the targets that learn",
            value: fault.elements,
            expected: [0, 0],
            text: `The second argument, the targets, was computed from parameters: ${fault.elements} numbers.`,
          },
          {
            name: "numbers of the predictions that learn",
            value: 0,
            expected: [fault.elements, fault.elements],
            text: "Of the first argument, the predictions, 0 numbers depend on parameters.",
          },
        ],
      };
    case "probabilities":
      return describeProbabilities(fault);
    case "sameSamples":
      return {
        title: "The same batch again and again",
        advice:
          "Iterate over the loader inside of the loop of epochs, and use what it hands out. To check that " +
          "a model can learn one batch by heart, this is what you want.",
        evidence: [
          {
            name: "times in a row",
            value: fault.times,
            text: `The same ${fault.samples} samples were used ${fault.times} times in a row.`,
          },
          {
            name: "samples in the data",
            value: fault.of,
            text: `The data set has about ${fault.of}.`,
          },
        ],
      };
    case "nonFinite":
      return describeNonFinite(fault);
    case "sortedLabels":
      return {
        title: "The samples come in the order of their labels",
        advice:
          "Write `shuffle: true` for the loader: each batch should look like all of the data, or the model forgets one " +
          "class while it learns the next.",
        evidence: [
          {
            name: "classes in a batch",
            value: fault.inBatch,
            expected: [Math.min(2, fault.classes), fault.classes],
            text:
              `A batch has ${brief(fault.inBatch, DIGITS)} classes on average, and the ${fault.batches} batches have ` +
              `${fault.classes}.`,
          },
          {
            name: "entropy of its labels : of shuffled ones",
            value: fault.entropy,
            expected: [0.9, 1],
            text: `Its labels have ${brief(100 * fault.entropy, DIGITS)} % of the entropy that shuffled ones have.`,
          },
        ],
      };
    case "saturated":
      return {
        title: `Most units of a ${fault.activation} layer are saturated`,
        advice:
          "Hardly any gradient passes a saturated unit. Scale the inputs, make the first weights smaller (the layers' default, " +
          "or nn.init.xavierUniform_), put a normalisation before it, or use ReLU.",
        evidence: [
          {
            name: "share of saturated values",
            value: fault.share,
            expected: [0, 0.5],
            text:
              `${brief(100 * fault.share, DIGITS)} % of what ${fault.activation} hands on lies beyond ` +
              `${fault.activation === "tanh" ? "±0.97" : "0.03 and 0.97"}.`,
          },
          {
            name: "steps in a row that were looked at",
            value: fault.looks,
            text: `It was so at ${fault.looks} looks within the first steps, at ${fault.units} values each.`,
          },
        ],
      };
    case "largeTargets":
      return {
        title: "What is to be predicted is not scaled",
        advice:
          "Train on targets with a mean of 0 and a deviation of 1 (subtract their mean, divide by their deviation), and take " +
          "that back where predictions are read. Else the last layer spends the first steps on growing.",
        evidence: scaleEvidence("targets", fault),
      };
    case "largeInputs":
      return {
        title: "The inputs are not scaled",
        advice:
          "Bring them to a mean of 0 and a deviation of 1: subtract the mean and divide by the deviation " +
          "of the training data, or begin the model with a normalisation.",
        evidence: scaleEvidence("inputs", fault),
      };
  }
}

function scaleEvidence(
  what: "inputs" | "targets",
  { mean, deviation, largest }: Extract<LoopFault, { readonly largest: number }>,
): readonly [Evidence, ...Evidence[]] {
  const whose = what === "inputs" ? "The inputs of the first layer" : "The targets of the loss";
  return [
    {
      name: `deviation of the ${what}`,
      value: deviation,
      expected: [0.1, 10],
      text:
        `${whose} have a mean of ${brief(mean, DIGITS)} and a deviation of ` +
        `${brief(deviation, DIGITS)}.`,
    },
    {
      name: `mean of the ${what}`,
      value: mean,
      expected: [-1, 1],
      text: `Their mean is ${brief(mean, DIGITS)}.`,
    },
    {
      name: `largest of the ${what}`,
      value: largest,
      text: `The largest is ${brief(largest, DIGITS)} in size.`,
    },
  ];
}

function describeDirection({
  loss,
  factor,
  maximize,
  steps,
}: Extract<LoopFault, { type: "risingLoss" }>): Words {
  return {
    title: "Every step makes the loss larger",
    advice: maximize
      ? "Leave out `maximize: true`: a loss is to be minimised."
      : "Call backward() on the loss itself, not on its negative.",
    evidence: [
      {
        name: "steps in a row uphill",
        value: steps,
        expected: [0, 0],
        text: maximize
          ? `The optimizer maximises ${loss}: so ${steps} steps in a row went uphill.`
          : `backward() was called on ${loss} times a negative number: so ${steps} steps in a row went uphill.`,
      },
      {
        name: "sign of the loss",
        value: factor,
        expected: maximize ? [-1, -1] : [1, 1],
        text: `What is differentiated has the sign ${factor}, and the optimizer ${maximize ? "maximises" : "minimises"} it.`,
      },
    ],
  };
}

function describeProbabilities({
  loss,
  from,
  expected,
  classes,
}: Extract<LoopFault, { type: "probabilities" }>): Words {
  const isLog = expected === "log-probabilities";
  const [lowest, highest] = boundsOf(loss, classes);
  return {
    title: `${loss} expects ${expected} and gets the output of ${from}`,
    advice: isLog
      ? "Use logSoftmax in its place."
      : `Leave the ${from} out: ${loss} applies it itself. Use it only to read predictions.`,
    evidence: [
      {
        name: "lowest loss that can be reached",
        value: lowest,
        expected: [isLog ? Number.MIN_VALUE : 0, 0.01],
        text: isLog
          ? `Of probabilities, ${loss} is a number from −1 to 0 and no likelihood.`
          : `Behind a ${from} the scores lie between 0 and 1, and ${loss} never gets below ${brief(lowest, DIGITS)}.`,
      },
      {
        name: "highest loss that can be reached",
        value: highest,
        text: `Nor above ${brief(highest, DIGITS)}: the gradients are small wherever the prediction is wrong.`,
      },
    ],
  };
}

/** The lowest and highest loss of one sample whose scores lie between 0 and 1. */
function boundsOf(loss: string, classes: number): readonly [number, number] {
  if (loss === "crossEntropy") {
    return [Math.log(Math.E + classes - 1) - 1, Math.log((classes - 1) * Math.E + 1)];
  }
  // log(1 + e^−x) at 1, and log(1 + e^x) there.
  if (loss === "binaryCrossEntropyWithLogits") return [Math.log1p(1 / Math.E), Math.log1p(Math.E)];
  return [-1, 0];
}

function unreached(
  { names, tensors: of, elements, steps }: Extract<LoopFault, { readonly names: unknown }>,
  what: string,
  though: string,
): readonly [Evidence, ...Evidence[]] {
  const known = tensorNames(names.filter(Boolean), of);
  const list = known && ` (${known})`;
  return [
    {
      name: "tensors",
      value: of,
      expected: [0, 0],
      text: `${tensors(of)}${list} ${what} in ${steps} steps, ${though}.`,
    },
    count("parameters", elements, "They are", "parameters."),
    count("steps", steps, "It was so in", "steps in a row."),
  ];
}

function count(name: string, value: number, before: string, after: string): Evidence {
  return { name, value, text: `${before} ${value} ${after}` };
}

function describeNonFinite({
  operation,
  shape,
  elements,
  nan,
  infinite,
  inputs,
  phase,
}: Extract<LoopFault, { type: "nonFinite" }>): Words {
  const what = nan > 0 ? "NaN" : "infinite";
  const count = nan > 0 ? nan : infinite;
  const size = `[${shape.join(", ")}]`;
  const where = phase === "backward" ? "In the backward pass, " : "";
  const ranges = inputs.filter(({ low }) => Number.isFinite(low));
  return {
    title: operation
      ? `${operation} makes the first value that is not finite`
      : "The data that the model gets are not finite",
    advice: operation
      ? "Keep the input of the operation in its range (a small number added, " +
        "a clamp, a form that is stable such as crossEntropy on scores), or lower the learning rate where values have grown."
      : "Look at how the batch is made: a division by zero, a gap in a file.",
    evidence: [
      {
        name: "elements that are not finite",
        value: nan + infinite,
        expected: [0, 0],
        text: operation
          ? `${where}${operation} gives ${count} of ${elements} elements that are ${what}, in ${size}.`
          : `${count} of ${elements} elements of a tensor ${size} are ${what} before anything is computed from them.`,
      },
      ...ranges.flatMap(({ low, high }, i) => {
        const name = ranges.length > 1 ? `input ${i + 1}` : "input";
        return [
          {
            name: `largest of ${name}`,
            value: high,
            text: `Its ${name} runs from ${brief(low, DIGITS)} to ${brief(high, DIGITS)}.`,
          },
        ];
      }),
      ...(ranges.length > 0
        ? []
        : [{ name: "elements", value: elements, text: `The tensor has ${elements} elements.` }]),
    ],
  };
}
