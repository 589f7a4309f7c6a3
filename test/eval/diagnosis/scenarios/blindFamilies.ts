/**
 * Families that were written down before what is judged by them was made: textbook and tutorial tasks with other data, models and
 * losses than all before. Nothing may be chosen by what comes of them; what is made afterwards needs new ones.
 */
import { nn } from "../../../../runtime/index.ts";
import * as models from "./blindModels.ts";
import * as tasks from "./blindTasks.ts";
import { type Family, family, type Made, type OptimizerName, type Options } from "./family.ts";
import { mlp } from "./models.ts";
import { digits, type Model, type Task } from "./task.ts";

/** A family that nobody has judged anything by. */
export const blind = (
  name: string,
  optimizer: OptimizerName,
  task: () => Task,
  model: () => Model,
  options: Options,
) => {
  const make = (): Made => ({ task: task(), model: model() });
  return family("blind", name, optimizer, make, options);
};

const FULL = undefined;

const WITHOUT_MOMENTUM: readonly Family[] = [
  blind("lenet_sgd", "sgd", tasks.fewDigits, models.lenet, { steps: 120 }),
  blind("frauds_sgd", "sgd", tasks.frauds, () => mlp([12, 1]), {
    batchSize: 64,
    steps: 250,
    rates: [-3, 2],
  }),
  blind("flowers_gd", "sgd", tasks.flowers, () => mlp([4, 3]), {
    batchSize: FULL,
    steps: 400,
    rates: [-4.5, 0.5],
  }),
  blind("rentals_sgd", "sgd", tasks.rentals, () => mlp([5, 1]), {
    steps: 500,
    rates: [-5, 0],
  }),
  blind("wordpairs_sgd", "sgd", tasks.wordPairs, () => new models.WordPair(), {
    batchSize: 64,
    steps: 800,
    rates: [-1.5, 3.5],
  }),
  blind("powers_gd", "sgd", tasks.powers, () => mlp([3, 1]), {
    batchSize: FULL,
    steps: 2000,
    rates: [-7, -1.5],
  }),
];

const WITH_MOMENTUM: readonly Family[] = [
  blind("convnorm_step", "mom", tasks.fewDigits, models.normedConv, {
    steps: 100,
    schedule: "step",
    rates: [-4, 1.5],
  }),
  blind("triplets_mom", "mom", tasks.triplets, () => new models.Distances(), { steps: 200 }),
  blind("properties_nesterov", "nesterov", tasks.properties, () => mlp([64, 48, 4], nn.ELU), {
    batchSize: 16,
  }),
  blind("ratings_mom", "mom", tasks.ratings, () => new models.Stars(), {
    batchSize: 64,
    steps: 450,
    decay: 1e-4,
    rates: [-5.5, 0.5],
  }),
  blind("houses_mom", "mom", tasks.houses, () => mlp([8, 32, 16, 1], nn.LeakyReLU), {
    steps: 1000,
    decay: 1e-4,
    schedule: "step",
  }),
  blind("quantiles_mom", "mom", tasks.quantiles, () => mlp([1, 32, 32, 3], nn.Tanh), {
    batchSize: FULL,
    steps: 1500,
    rates: [-4.5, 1],
  }),
];

const ADAMS: readonly Family[] = [
  blind("reversed_adamw", "adamw", tasks.reversed, () => new models.Reverser(), {
    steps: 150,
    schedule: "warm",
    clip: 1,
    decay: 0.01,
  }),
  blind("views_cos", "adamw", tasks.views, () => new models.Twins(), {
    steps: 200,
    schedule: "cos",
    decay: 0.01,
    rates: [-5, 2],
  }),
  blind("variational_adam", "adam", tasks.codedDigits, () => new models.VariationalCoder(), {
    batchSize: 64,
  }),
  blind("signals_adam", "adam", tasks.signals, models.signalConv, { batchSize: 16, steps: 400 }),
  blind("experts_adamw", "adamw", tasks.patches, () => new models.Experts(), {
    steps: 600,
    decay: 0.01,
  }),
  blind("pendulum_adam", "adam", tasks.pendulum, () => new models.Oscillation(), {
    batchSize: FULL,
    steps: 1000,
    rates: [-5, 0.5],
  }),
  blind("wages_nadam", "nadam", tasks.wages, () => new models.Table(), {
    steps: 2000,
    rates: [-5, 1.5],
  }),
];

const OTHERS: readonly Family[] = [
  blind("mixer_lion", "lion", digits, () => new models.Mixer(), { steps: 150, decay: 0.1 }),
  blind("brackets_rmsprop", "rmsprop", tasks.brackets, () => new models.BracketReader(), {
    steps: 250,
    clip: 1,
  }),
  blind("shapes_adagrad", "adagrad", tasks.shapes, models.maskConv, {
    batchSize: 16,
    steps: 350,
  }),
  blind("buildings_rmsprop", "rmsprop", tasks.buildings, () => new models.Gated(), {
    steps: 500,
  }),
  blind("clicks_adagrad", "adagrad", tasks.clicks, () => new models.Pairwise(), {
    batchSize: 64,
    steps: 1200,
  }),
];

export const BLIND: readonly Family[] = [
  ...WITHOUT_MOMENTUM,
  ...WITH_MOMENTUM,
  ...ADAMS,
  ...OTHERS,
];
