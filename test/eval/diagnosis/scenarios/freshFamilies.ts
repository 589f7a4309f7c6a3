/**
 * Families that were made after the scorecard, the rules and their thresholds: other data, models, lengths, seeds and
 * beginnings. Nothing is chosen by what comes of them.
 */
import { manualSeed, nn, optim, type Tensor } from "../../../../runtime/index.ts";
import { drain } from "../../../../runtime/insight/recorder.ts";
import { type Family, family, type Made } from "./family.ts";
import { digitsOneByOne, parity, spiral, waves, words } from "./freshTasks.ts";
import { mlp, scale } from "./models.ts";
import { digits, linear, type Model, type Task } from "./task.ts";

const fresh = family.bind(undefined, "fresh");

/** A model that has learned other digits, with twice the contrast. */
async function trainedBefore(): Promise<Made> {
  const model = mlp([64, 64, 10]);
  const { inputs, targets, loss } = digits({ from: 900, to: 1780, scale: 2 });
  const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
  for (let step = 0; step < 60; step++) {
    optimizer.zeroGrad();
    loss(model.forward(inputs), targets).backward();
    await optimizer.step();
  }
  await drain();
  return { task: digits({ to: 900 }), model };
}

/** The mean of what some words stand for. */
class Bag extends nn.Module<[Tensor], Tensor> {
  readonly words = new nn.Embedding(1000, 16);
  readonly head = new nn.Linear(16, 1);

  forward(inputs: Tensor): Tensor {
    return this.head.forward(this.words.forward(inputs).mean(1));
  }
}

/** Reads a window of numbers, one after the other. */
class WaveReader extends nn.Module<[Tensor], Tensor> {
  readonly cell = new nn.LSTM(1, 24, { batchFirst: true });
  readonly head = new nn.Linear(24, 1);

  forward(windows: Tensor): Tensor {
    const [, [memory]] = this.cell.forward(windows.unsqueeze(2)) as [Tensor, [Tensor, Tensor]];
    return this.head.forward(memory.squeeze(0));
  }
}

const normed = () =>
  new nn.Sequential(
    new nn.Linear(64, 48),
    new nn.LayerNorm(48),
    new nn.SiLU(),
    new nn.Linear(48, 48),
    new nn.LayerNorm(48),
    new nn.SiLU(),
    new nn.Linear(48, 10),
  ) as unknown as Model;

/** Near the saddle at the origin. */
function nearZero(): Made {
  const model = mlp([64, 32, 32, 10], nn.Tanh);
  scale(model, 0.05);
  return { task: digits(), model };
}

const seeded = (seed: number, make: () => Made) => () => {
  manualSeed(seed);
  return make();
};

const made = (task: () => Task, model: () => Model) => () => ({ task: task(), model: model() });
const huber = () => waves(800, (said, is) => nn.functional.huberLoss(said, is));
const spiralModel = () => mlp([2, 32, 32, 3]);
const waveModel = () => mlp([16, 32, 1], nn.Tanh);

export const FRESH: readonly Family[] = [
  fresh("finetune_adam", "adam", trainedBefore),
  fresh("finetune_mom", "mom", trainedBefore),
  fresh(
    "zipf_adam",
    "adam",
    made(words, () => new Bag()),
  ),
  fresh(
    "zipf_sgd",
    "sgd",
    made(words, () => new Bag()),
    { rates: [-2, 3] },
  ),
  fresh("saddle_adam", "adam", nearZero),
  fresh("saddle_mom", "mom", nearZero),
  fresh(
    "parity_adam",
    "adam",
    made(parity, () => mlp([10, 64, 1])),
    {
      batchSize: undefined,
      steps: 800,
    },
  ),
  fresh(
    "accumulated_mom",
    "mom",
    made(digits, () => mlp([64, 40, 10])),
    {
      batchSize: 8,
      microBatches: 4,
      steps: 200,
    },
  ),
  fresh(
    "lstm_adam",
    "adam",
    made(waves, () => new WaveReader()),
    { steps: 250 },
  ),
  fresh("waves_sgd", "sgd", made(waves, waveModel), { steps: 400 }),
  fresh("spiral_adam", "adam", made(spiral, spiralModel), { steps: 600 }),
  fresh("spiral_mom", "mom", made(spiral, spiralModel), { steps: 2000 }),
  fresh("waves_cos", "adamw", made(waves, waveModel), {
    steps: 2000,
    schedule: "cos",
    decay: 0.01,
  }),
  fresh("layernorm_rmsprop", "rmsprop", made(digits, normed)),
  fresh(
    "bce_warmcos",
    "adamw",
    made(digitsOneByOne, () => mlp([64, 32, 10])),
    {
      schedule: "warmcos",
      steps: 400,
    },
  ),
  fresh("huber_mom", "mom", made(huber, waveModel), { batchSize: 16 }),
  fresh(
    "seed7_adam",
    "adam",
    seeded(
      7,
      made(digits, () => mlp([64, 96, 10])),
    ),
    { steps: 150 },
  ),
  fresh(
    "illposed_adam",
    "adam",
    made(
      () => linear({ condition: 1e4 }),
      () => mlp([20, 1]),
    ),
    {
      batchSize: 16,
      steps: 500,
    },
  ),
];
