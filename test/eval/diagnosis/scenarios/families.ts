/**
 * Families of scenarios: a task, a model, an optimizer, and learning rates half a decade apart. `known` ones are
 * built as those that the scorecard was fitted on (in PyTorch); the others were never seen by anything.
 */
import { nn } from "../../../../runtime/index.ts";
import {
  ConvNet,
  Factors,
  LetterTransformer,
  mlp,
  NGram,
  ResidualMlp,
  RowReader,
} from "./models.ts";
import type { Model, Task } from "./task.ts";
import * as tasks from "./task.ts";

export type OptimizerName = "sgd" | "mom" | "adam" | "adamw" | "rmsprop";

export interface Family {
  readonly name: string;
  readonly known: boolean;
  readonly optimizer: OptimizerName;
  /** Undefined: all samples in each step. */
  readonly batchSize: number | undefined;
  readonly steps: number;
  /** log₁₀ of the lowest and highest learning rate. */
  readonly rates: readonly [number, number];
  readonly schedule: "const" | "cos" | "warmcos";
  readonly clip: number | undefined;
  readonly decay: number | undefined;
  readonly make: () => { readonly task: Task; readonly model: Model };
}

type Options = Partial<Omit<Family, "name" | "known" | "optimizer" | "make">>;

const RATES: Readonly<Record<OptimizerName, readonly [number, number]>> = {
  sgd: [-3.5, 1.5],
  mom: [-4.5, 0.5],
  adam: [-5, 0],
  adamw: [-5, 0],
  rmsprop: [-5.5, -0.5],
};

function family(
  known: boolean,
  name: string,
  optimizer: OptimizerName,
  make: Family["make"],
  options: Options = {},
): Family {
  return {
    name,
    known,
    optimizer,
    batchSize: "batchSize" in options ? options.batchSize : 32,
    steps: options.steps ?? 300,
    rates: options.rates ?? RATES[optimizer],
    schedule: options.schedule ?? "const",
    clip: options.clip,
    decay: options.decay,
    make,
  };
}

const known = family.bind(undefined, true);
const unseen = family.bind(undefined, false);
const FULL: Options = { batchSize: undefined };

const withModel = (task: Task, model: Model) => ({ task, model });
const digitsMlp = (sizes = [64, 64, 10], ...rest: [(new () => nn.ReLU)?, boolean?]) =>
  withModel(tasks.digits(), mlp(sizes, ...rest));

/** A model whose initial weights are `factor` times as large. */
function scaled(factor: number): ReturnType<Family["make"]> {
  const made = digitsMlp();
  for (const parameter of made.model.parameters()) {
    if (parameter.ndim > 1)
      nn.init.normal_(parameter, 0, factor / Math.sqrt(3 * (parameter.shape[1] ?? 1)));
  }
  return made;
}

const letterModel = (normFirst: boolean) => {
  const task = tasks.letters(16);
  return withModel(task, new LetterTransformer(task.kinds, 16, normFirst));
};

const nGram = (length: number) => {
  const task = tasks.letters(length);
  return withModel(task, new NGram(task.kinds));
};

export const FAMILIES: readonly Family[] = [
  known("linreg_gd", "sgd", () => withModel(tasks.linear(), mlp([20, 1])), FULL),
  known("linreg_gdm", "mom", () => withModel(tasks.linear(), mlp([20, 1])), FULL),
  known("linreg_sgd", "sgd", () => withModel(tasks.linear({ noise: 0.5 }), mlp([20, 1])), {
    batchSize: 8,
  }),
  known("softmax_gd", "sgd", () => digitsMlp([64, 10]), FULL),
  known(
    "mlp_tanh_gd",
    "sgd",
    () => withModel(tasks.digits({ to: 400 }), mlp([64, 32, 10], nn.Tanh)),
    FULL,
  ),
  known("mlp_relu_gd_mse", "sgd", () => withModel(tasks.images(), mlp([64, 32, 64])), FULL),
  known(
    "mlp_adam_full",
    "adam",
    () => withModel(tasks.digits({ to: 400 }), mlp([64, 32, 10])),
    FULL,
  ),
  known("mlp_sgd", "sgd", () => digitsMlp()),
  known("mlp_mom", "mom", () => digitsMlp()),
  known("mlp_adam", "adam", () => digitsMlp()),
  known("mlp_rmsprop", "rmsprop", () => digitsMlp()),
  known("mlp_deep_adam", "adam", () => digitsMlp([64, 32, 32, 32, 32, 32, 32, 32, 10])),
  known("cnn_mom", "mom", () => withModel(tasks.digits(), new ConvNet()), { steps: 200 }),
  known("cnn_adam", "adam", () => withModel(tasks.digits(), new ConvNet()), { steps: 200 }),
  known("rnn_adam", "adam", () => withModel(tasks.digits(), new RowReader("rnn")), { steps: 200 }),
  known("gru_adam", "adam", () => withModel(tasks.digits(), new RowReader("gru")), { steps: 200 }),
  known("rnn_sgd_clip", "sgd", () => withModel(tasks.digits(), new RowReader("rnn")), {
    steps: 200,
    clip: 1,
  }),
  known("tfm_preln", "adamw", () => letterModel(true), { batchSize: 16, steps: 200 }),
  known("tfm_postln", "adamw", () => letterModel(false), { batchSize: 16, steps: 200 }),
  known("tfm_warmcos", "adamw", () => letterModel(true), {
    batchSize: 16,
    steps: 200,
    schedule: "warmcos",
  }),
  known("autoencoder", "adam", () => withModel(tasks.images(), mlp([64, 32, 8, 32, 64]))),
  known("factors_sgd", "sgd", () => withModel(tasks.matrix(), new Factors()), {
    rates: [-2.5, 2.5],
  }),
  known("noisyreg_adam", "adam", () => withModel(tasks.teacher({ noise: 2 }), mlp([16, 32, 1])), {
    batchSize: 8,
  }),
  known("labelnoise_mom", "mom", () => withModel(tasks.mislabelled(0.5), mlp([64, 64, 10]))),
  known("ngram_adam", "adam", () => nGram(8)),
  known("resmlp_cos", "adamw", () => withModel(tasks.digits(), new ResidualMlp()), {
    schedule: "cos",
  }),
  known(
    "unnorm_sgd",
    "sgd",
    () => withModel(tasks.digits({ scale: 8, shift: 8 }), mlp([64, 64, 10])),
    { rates: [-6, -1] },
  ),
  known("teacher_adam", "adam", () => withModel(tasks.teacher(), mlp([16, 64, 1])), FULL),
  unseen("width16_adam", "adam", () => digitsMlp([64, 16, 10])),
  unseen("width16_sgd", "sgd", () => digitsMlp([64, 16, 10])),
  unseen("width256_adam", "adam", () => digitsMlp([64, 256, 10])),
  unseen("width256_sgd", "sgd", () => digitsMlp([64, 256, 10])),
  unseen("init03_adam", "adam", () => scaled(0.3)),
  unseen("init3_adam", "adam", () => scaled(3)),
  unseen("init03_mom", "mom", () => scaled(0.3)),
  unseen("init3_mom", "mom", () => scaled(3)),
  unseen("batch8_adam", "adam", () => digitsMlp(), { batchSize: 8 }),
  unseen("batch256_adam", "adam", () => digitsMlp(), { batchSize: 256 }),
  unseen("batch8_mom", "mom", () => digitsMlp(), { batchSize: 8 }),
  unseen("batch256_mom", "mom", () => digitsMlp(), { batchSize: 256 }),
  unseen("batchnorm_adam", "adam", () => digitsMlp([64, 64, 10], nn.ReLU, true)),
  unseen("batchnorm_mom", "mom", () => digitsMlp([64, 64, 10], nn.ReLU, true)),
  unseen("gelu_adamw", "adamw", () => digitsMlp([64, 64, 10], nn.GELU), { decay: 0.1 }),
  unseen("gelu_cos", "adamw", () => digitsMlp([64, 64, 10], nn.GELU), { schedule: "cos" }),
  unseen("sides_sgd", "sgd", () => withModel(tasks.sides(), mlp([20, 16, 2])), { batchSize: 16 }),
  unseen("sides_adam", "adam", () => withModel(tasks.sides(), mlp([20, 16, 2])), { batchSize: 16 }),
  unseen("short_adam", "adam", () => digitsMlp(), { steps: 100 }),
  unseen("short_mom", "mom", () => digitsMlp(), { steps: 100 }),
  unseen("short_sgd", "sgd", () => digitsMlp(), { steps: 100 }),
  unseen("long_adam", "adam", () => digitsMlp(), { steps: 1000 }),
  unseen("long_sgd", "sgd", () => digitsMlp(), { steps: 1000 }),
];
