/**
 * Training loops that are made wrong in one place, and the same made right in several ways: on models that no rule was
 * made with. Each kind of fault has the rules that name it.
 */
import { nn, noGrad, type Tensor } from "../../../../runtime/index.ts";
import type { FindingCode } from "../../../../runtime/protocol/finding.ts";
import type { OptimizerName } from "./family.ts";
import { ConvNet, LetterTransformer, mlp, RowReader } from "./models.ts";
import type { Model, Task } from "./task.ts";
import * as tasks from "./task.ts";

/** A loop that is right. */
export interface Base {
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly batchSize: number;
  readonly isClasses: boolean;
  /** Whether its units can die. */
  readonly hasReLU: boolean;
  /** The first `count` samples, or held-out ones. */
  readonly task: (part: "training" | "heldOut", count?: number) => Task;
  readonly model: () => Model;
}

const LETTERS = 8;

const digitsOf: Base["task"] = (part, count = 1400) =>
  tasks.digits(part === "training" ? { to: count } : { from: 1400, to: 1780 });

const imagesOf: Base["task"] = (part, count) => {
  const { inputs } = digitsOf(part, count);
  return { inputs, targets: inputs, loss: (said, is) => nn.functional.mseLoss(said, is) };
};

function lettersOf(part: "training" | "heldOut", count = 1000): Task {
  const all = tasks.letters(LETTERS);
  const [from, size] = part === "training" ? [0, count] : [1000, 64];
  return {
    ...all,
    inputs: all.inputs.narrow(0, from, size).clone().keep(),
    targets: all.targets.narrow(0, from, size).clone().keep(),
  };
}

export const BASES: Readonly<Record<string, Base>> = {
  mlp: {
    optimizer: "adam",
    lr: 3e-3,
    batchSize: 32,
    isClasses: true,
    hasReLU: true,
    task: digitsOf,
    model: () => mlp([64, 48, 48, 10]),
  },
  cnn: {
    optimizer: "mom",
    lr: 0.02,
    batchSize: 32,
    isClasses: true,
    hasReLU: true,
    task: digitsOf,
    model: () => new ConvNet(),
  },
  gru: {
    optimizer: "adam",
    lr: 5e-3,
    batchSize: 32,
    isClasses: true,
    hasReLU: false,
    task: digitsOf,
    model: () => new RowReader("gru"),
  },
  transformer: {
    optimizer: "adamw",
    lr: 5e-3,
    batchSize: 16,
    isClasses: true,
    hasReLU: false,
    task: lettersOf,
    model: () => new LetterTransformer(tasks.letters(LETTERS).kinds, LETTERS, true),
  },
  autoencoder: {
    optimizer: "adamw",
    lr: 3e-3,
    batchSize: 32,
    isClasses: false,
    hasReLU: true,
    task: imagesOf,
    model: () => mlp([64, 32, 16, 32, 64]),
  },
};

/** What of a loop is otherwise than in its base. */
export interface Variation {
  /** Rules that name it; none where it is right. */
  readonly codes: readonly FindingCode[];
  /** Bases that it can be made in. */
  readonly fits?: (base: Base) => boolean;
  readonly zeroGrad?: "before" | "behind" | "never";
  readonly microBatches?: number;
  readonly backward?: boolean;
  readonly step?: boolean;
  readonly shuffle?: boolean;
  readonly sameBatch?: boolean;
  /** Samples of the training; else all. */
  readonly samples?: number;
  readonly eps?: number;
  /** η λ. */
  readonly decay?: number;
  /** Part of the learning rate at a part of the run. */
  readonly schedule?: (part: number) => number;
  /** Step whose inputs are not finite. */
  readonly nanAt?: number;
  readonly clip?: number;
  readonly inputs?: (task: Task) => Tensor;
  readonly targets?: (task: Task) => Tensor;
  readonly model?: () => Model;
  readonly change?: (model: Model) => void;
  /** Parameters that the optimizer gets, in groups with their learning rates' factors. */
  readonly groups?: (model: Model) => readonly (readonly [nn.Parameter[], number])[];
  readonly loss?: (value: Tensor, scores: Tensor, targets: Tensor, task: Task) => Tensor;
}

const filled = (value: number) => (model: Model) =>
  noGrad(() => {
    for (const parameter of model.parameters()) parameter.fill_(value);
  });

const classes = ({ isClasses }: Base) => isClasses;
const isLetters = ({ task }: Base) => task === lettersOf;
const isDigits = ({ task }: Base) => task === digitsOf;

export const FAULTS: Readonly<Record<string, Variation>> = {
  noZeroGrad: { codes: ["loop.zeroGrad"], zeroGrad: "never" },
  noStep: { codes: ["loop.step"], step: false },
  noBackward: { codes: ["loop.backward"], backward: false },
  wrongSign: { codes: ["loop.direction"], loss: value => value.neg() },
  sumReduction: {
    codes: ["init.loss", "lr.tooLarge", "lr.diverging"],
    fits: isDigits,
    loss: (_, scores, targets) => nn.functional.crossEntropy(scores, targets, { reduction: "sum" }),
  },
  randomLabels: {
    codes: ["loss.guess", "data.overfitting"],
    fits: isDigits,
    targets: ({ targets }) => targets.flip([0]).clone(),
  },
  zeroInit: { codes: ["params.zeroGradient", "units.symmetric"], change: filled(0) },
  constantInit: {
    codes: ["units.symmetric"],
    fits: base => !isLetters(base),
    change: filled(0.05),
  },
  deadUnits: {
    codes: ["units.dead", "params.zeroGradient"],
    fits: ({ hasReLU }) => hasReLU,
    change(model) {
      const bias = [...model.parameters()].find(({ ndim }) => ndim === 1);
      noGrad(() => bias?.narrow(0, 0, Math.ceil(bias.numel * 0.9)).fill_(-100));
    },
  },
  deepSigmoid: {
    codes: ["gradients.vanishing", "params.zeroGradient"],
    fits: base => base === BASES.mlp,
    model: () => mlp([64, ...Array<number>(10).fill(32), 10], nn.Sigmoid),
  },
  largeInit: {
    codes: ["init.loss"],
    fits: classes,
    change: model => noGrad(() => [...model.parameters()].forEach(each => void each.mul_(4))),
  },
  largeInputs: {
    codes: ["data.scale", "init.loss"],
    fits: base => !isLetters(base),
    inputs: ({ inputs }) => inputs.mul(100).add(50),
  },
  missingParameters: {
    codes: ["params.notOptimized"],
    groups: model => [[[...model.parameters()].slice(-2), 1]],
  },
  frozenParameters: {
    codes: ["params.frozen"],
    groups: model => [
      [[...model.parameters()].slice(2), 1],
      [[...model.parameters()].slice(0, 2), 0],
    ],
  },
  doubleSoftmax: {
    codes: ["loss.probabilities"],
    fits: classes,
    loss: (_, scores, targets, { loss }) => loss(scores.softmax(-1), targets),
  },
  fewSamples: { codes: ["data.overfitting"], samples: 60 },
  sortedSamples: { codes: ["data.order"], fits: isDigits, shuffle: false },
  largeEpsilon: {
    codes: ["adam.epsilon"],
    fits: ({ optimizer }) => optimizer.startsWith("adam"),
    eps: 1,
  },
  strongDecay: { codes: ["decay.strong"], decay: 0.03 },
  largeTargets: {
    codes: ["data.targets"],
    fits: base => !classes(base),
    targets: ({ targets }) => targets.mul(100).add(500),
  },
  endedSchedule: { codes: ["schedule.ended"], schedule: part => Math.max(0, 1 - part / 0.15) },
  earlyDecay: { codes: ["schedule.early"], schedule: part => (part < 0.2 ? 1 : 0.02) },
  nanBatch: {
    codes: ["lr.diverging", "numerics.nonFinite"],
    fits: base => !isLetters(base),
    nanAt: 60,
  },
  sameBatch: { codes: ["data.sameSamples"], sameBatch: true },
};

export const HEALTHY: Readonly<Record<string, Variation>> = {
  asItIs: { codes: [] },
  behind: { codes: [], zeroGrad: "behind" },
  accumulated: { codes: [], microBatches: 2 },
  cosine: { codes: [], schedule: part => (1 + Math.cos(Math.PI * part)) / 2 },
  warmUp: { codes: [], schedule: part => Math.min(1, part / 0.1 + 0.01) },
  clipped: { codes: [], clip: 1 },
  decayed: { codes: [], decay: 3e-5 },
  lower: { codes: [], schedule: () => 0.5 },
};

/** Seeds of the right loops. */
const SEEDS = 3;

export interface Loop {
  readonly base: string;
  readonly variation: string;
  readonly seed: number;
}

/** Every loop there is, the right ones of a seed before the wrong ones. */
export function loops(): readonly Loop[] {
  const bases = Object.entries(BASES);
  const of = (variations: Readonly<Record<string, Variation>>, seed: number) =>
    bases.flatMap(([base, made]) =>
      Object.entries(variations)
        .filter(([, { fits }]) => fits?.(made) ?? true)
        .map(([variation]) => ({ base, variation, seed })),
    );
  const seeds = Array.from({ length: SEEDS - 1 }, (_, i) => i + 2);
  return [...of(HEALTHY, 1), ...of(FAULTS, 1), ...seeds.flatMap(seed => of(HEALTHY, seed))];
}
