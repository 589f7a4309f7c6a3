/** The families of scenarios: `recorded` ones are built as those that the scorecard was fitted on. */
import { nn } from "../../../../runtime/index.ts";
import { BLIND } from "./blindFamilies.ts";
import { type Family, family, type Made, type Options } from "./family.ts";
import { FRESH } from "./freshFamilies.ts";
import {
  ConvNet,
  Factors,
  LetterTransformer,
  mlp,
  NGram,
  ResidualMlp,
  RowReader,
  scale,
} from "./models.ts";
import { MORE_BLIND } from "./moreBlindFamilies.ts";
import { ONCE_BLIND } from "./onceBlindFamilies.ts";
import type { Model, Task } from "./task.ts";
import * as tasks from "./task.ts";

const recorded = family.bind(undefined, "recorded");
const otherwise = family.bind(undefined, "otherwise");
const FULL: Options = { batchSize: undefined };

const withModel = (task: Task, model: Model) => ({ task, model });
const digitsMlp = (sizes = [64, 64, 10], ...rest: [(new () => nn.ReLU)?, boolean?]) =>
  withModel(tasks.digits(), mlp(sizes, ...rest));

const scaledDigits = (factor: number): Made => {
  const made = digitsMlp();
  scale(made.model, factor);
  return made;
};

const letterModel = (normFirst: boolean) => {
  const task = tasks.letters(16);
  return withModel(task, new LetterTransformer(task.kinds, 16, normFirst));
};

const nGram = (length: number) => {
  const task = tasks.letters(length);
  return withModel(task, new NGram(task.kinds));
};

export const FAMILIES: readonly Family[] = [
  recorded("linreg_gd", "sgd", () => withModel(tasks.linear(), mlp([20, 1])), FULL),
  recorded("linreg_gdm", "mom", () => withModel(tasks.linear(), mlp([20, 1])), FULL),
  recorded("linreg_sgd", "sgd", () => withModel(tasks.linear({ noise: 0.5 }), mlp([20, 1])), {
    batchSize: 8,
  }),
  recorded("softmax_gd", "sgd", () => digitsMlp([64, 10]), FULL),
  recorded(
    "mlp_tanh_gd",
    "sgd",
    () => withModel(tasks.digits({ to: 400 }), mlp([64, 32, 10], nn.Tanh)),
    FULL,
  ),
  recorded("mlp_relu_gd_mse", "sgd", () => withModel(tasks.images(), mlp([64, 32, 64])), FULL),
  recorded(
    "mlp_adam_full",
    "adam",
    () => withModel(tasks.digits({ to: 400 }), mlp([64, 32, 10])),
    FULL,
  ),
  recorded("mlp_sgd", "sgd", () => digitsMlp()),
  recorded("mlp_mom", "mom", () => digitsMlp()),
  recorded("mlp_adam", "adam", () => digitsMlp()),
  recorded("mlp_rmsprop", "rmsprop", () => digitsMlp()),
  recorded("mlp_deep_adam", "adam", () => digitsMlp([64, 32, 32, 32, 32, 32, 32, 32, 10])),
  recorded("cnn_mom", "mom", () => withModel(tasks.digits(), new ConvNet()), { steps: 200 }),
  recorded("cnn_adam", "adam", () => withModel(tasks.digits(), new ConvNet()), { steps: 200 }),
  recorded("rnn_adam", "adam", () => withModel(tasks.digits(), new RowReader("rnn")), {
    steps: 200,
  }),
  recorded("gru_adam", "adam", () => withModel(tasks.digits(), new RowReader("gru")), {
    steps: 200,
  }),
  recorded("rnn_sgd_clip", "sgd", () => withModel(tasks.digits(), new RowReader("rnn")), {
    steps: 200,
    clip: 1,
  }),
  recorded("tfm_preln", "adamw", () => letterModel(true), { batchSize: 16, steps: 200 }),
  recorded("tfm_postln", "adamw", () => letterModel(false), { batchSize: 16, steps: 200 }),
  recorded("tfm_warmcos", "adamw", () => letterModel(true), {
    batchSize: 16,
    steps: 200,
    schedule: "warmcos",
  }),
  recorded("autoencoder", "adam", () => withModel(tasks.images(), mlp([64, 32, 8, 32, 64]))),
  recorded("factors_sgd", "sgd", () => withModel(tasks.matrix(), new Factors()), {
    rates: [-2.5, 2.5],
  }),
  recorded(
    "noisyreg_adam",
    "adam",
    () => withModel(tasks.teacher({ noise: 2 }), mlp([16, 32, 1])),
    {
      batchSize: 8,
    },
  ),
  recorded("labelnoise_mom", "mom", () => withModel(tasks.mislabelled(0.5), mlp([64, 64, 10]))),
  recorded("ngram_adam", "adam", () => nGram(8)),
  recorded("resmlp_cos", "adamw", () => withModel(tasks.digits(), new ResidualMlp()), {
    schedule: "cos",
  }),
  recorded(
    "unnorm_sgd",
    "sgd",
    () => withModel(tasks.digits({ scale: 8, shift: 8 }), mlp([64, 64, 10])),
    { rates: [-6, -1] },
  ),
  recorded("teacher_adam", "adam", () => withModel(tasks.teacher(), mlp([16, 64, 1])), FULL),
  otherwise("width16_adam", "adam", () => digitsMlp([64, 16, 10])),
  otherwise("width16_sgd", "sgd", () => digitsMlp([64, 16, 10])),
  otherwise("width256_adam", "adam", () => digitsMlp([64, 256, 10])),
  otherwise("width256_sgd", "sgd", () => digitsMlp([64, 256, 10])),
  otherwise("init03_adam", "adam", () => scaledDigits(0.3)),
  otherwise("init3_adam", "adam", () => scaledDigits(3)),
  otherwise("init03_mom", "mom", () => scaledDigits(0.3)),
  otherwise("init3_mom", "mom", () => scaledDigits(3)),
  otherwise("batch8_adam", "adam", () => digitsMlp(), { batchSize: 8 }),
  otherwise("batch256_adam", "adam", () => digitsMlp(), { batchSize: 256 }),
  otherwise("batch8_mom", "mom", () => digitsMlp(), { batchSize: 8 }),
  otherwise("batch256_mom", "mom", () => digitsMlp(), { batchSize: 256 }),
  otherwise("batchnorm_adam", "adam", () => digitsMlp([64, 64, 10], nn.ReLU, true)),
  otherwise("batchnorm_mom", "mom", () => digitsMlp([64, 64, 10], nn.ReLU, true)),
  otherwise("gelu_adamw", "adamw", () => digitsMlp([64, 64, 10], nn.GELU), { decay: 0.1 }),
  otherwise("gelu_cos", "adamw", () => digitsMlp([64, 64, 10], nn.GELU), { schedule: "cos" }),
  otherwise("sides_sgd", "sgd", () => withModel(tasks.sides(), mlp([20, 16, 2])), {
    batchSize: 16,
  }),
  otherwise("sides_adam", "adam", () => withModel(tasks.sides(), mlp([20, 16, 2])), {
    batchSize: 16,
  }),
  otherwise("short_adam", "adam", () => digitsMlp(), { steps: 100 }),
  otherwise("short_mom", "mom", () => digitsMlp(), { steps: 100 }),
  otherwise("short_sgd", "sgd", () => digitsMlp(), { steps: 100 }),
  otherwise("long_adam", "adam", () => digitsMlp(), { steps: 1000 }),
  otherwise("long_sgd", "sgd", () => digitsMlp(), { steps: 1000 }),
  otherwise("digits_nesterov", "nesterov", () => digitsMlp()),
  otherwise("digits_nadam", "nadam", () => digitsMlp()),
  otherwise("digits_adagrad", "adagrad", () => digitsMlp()),
  otherwise("digits_lion", "lion", () => digitsMlp()),
  otherwise("teacher_adagrad", "adagrad", () => withModel(tasks.teacher(), mlp([16, 64, 1]))),
  otherwise("letters_lion", "lion", () => nGram(8)),
  ...FRESH,
  ...ONCE_BLIND,
  ...BLIND,
  ...MORE_BLIND,
];
