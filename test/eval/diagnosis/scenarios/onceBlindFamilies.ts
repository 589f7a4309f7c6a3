/**
 * Families that nobody had seen until a scorecard and a suggestion were judged by them: other data, models, losses and optimizers
 * than all before. Since then they are fitted on like the others.
 */
import { nn, type Tensor } from "../../../../runtime/index.ts";
import { type Family, family } from "./family.ts";
import { mlp, ResidualMlp } from "./models.ts";
import * as tasks from "./onceBlindTasks.ts";
import { digits, type Model, type Task } from "./task.ts";

const onceBlind = family.bind(undefined, "once blind");

const made = (task: () => Task, model: () => Model) => () => ({ task: task(), model: model() });

/** Makes an image small, and large again. */
class Denoiser extends nn.Module<[Tensor], Tensor> {
  readonly down = new nn.Conv2d(1, 8, 3, { padding: 1, stride: 2 });
  readonly up = new nn.ConvTranspose2d(8, 1, 4, { padding: 1, stride: 2 });

  forward(images: Tensor): Tensor {
    const maps = this.down.forward(images.reshape([-1, 1, 8, 8])).relu();
    return this.up.forward(maps).flatten(1);
  }
}

/** A convolution whose maps are normalised in groups, and the largest of each window. */
class GroupedConv extends nn.Module<[Tensor], Tensor> {
  readonly conv = new nn.Conv2d(1, 12, 3, { padding: 1 });
  readonly norm = new nn.GroupNorm(3, 12);
  readonly pool = new nn.MaxPool2d(2);
  readonly head = new nn.Linear(12 * 16, 10);

  forward(images: Tensor): Tensor {
    const maps = this.norm.forward(this.conv.forward(images.reshape([-1, 1, 8, 8])));
    return this.head.forward(this.pool.forward(maps.relu()).flatten(1));
  }
}

/** What a row of symbols is about, after the last of them. */
class SymbolReader extends nn.Module<[Tensor], Tensor> {
  readonly symbols = new nn.Embedding(5, 8);
  readonly cell = new nn.GRU(8, 20, { batchFirst: true });
  readonly head = new nn.Linear(20, 5);

  forward(rows: Tensor): Tensor {
    const [, memory] = this.cell.forward(this.symbols.forward(rows)) as [Tensor, Tensor];
    return this.head.forward(memory.squeeze(0));
  }
}

const copierLayer = () =>
  new nn.TransformerEncoderLayer(24, 2, {
    dimFeedforward: 48,
    dropout: 0,
    batchFirst: true,
    normFirst: true,
  });

/** Looks back in a row of symbols. */
class Copier extends nn.Module<[Tensor], Tensor> {
  readonly symbols = new nn.Embedding(12, 24);
  readonly places = new nn.Embedding(12, 24);
  readonly first = copierLayer();
  readonly second = copierLayer();
  readonly head = new nn.Linear(24, 12);

  forward(rows: Tensor): Tensor {
    const state = this.symbols.forward(rows).add(this.places.weight);
    const seen = this.first.forward(state, { isCausal: true });
    return this.head.forward(this.second.forward(seen, { isCausal: true }));
  }
}

/** The next letter from the last ones, each at its place. */
class LetterMlp extends nn.Module<[Tensor], Tensor> {
  readonly letters: nn.Embedding;
  readonly head: Model;

  constructor(kinds: number, length: number) {
    super();
    this.letters = new nn.Embedding(kinds, 10);
    this.head = mlp([10 * length, 48, kinds], nn.SiLU);
  }

  forward(windows: Tensor): Tensor {
    return this.head.forward(this.letters.forward(windows).flatten(1));
  }
}

async function syllableModel() {
  const task = await tasks.syllables();
  return { task, model: new LetterMlp(task.kinds, task.length) as Model };
}

const thinned = () =>
  new nn.Sequential(
    new nn.Linear(64, 80),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(80, 10),
  ) as unknown as Model;

export const ONCE_BLIND: readonly Family[] = [
  onceBlind(
    "denoise_adam",
    "adam",
    made(tasks.noisyDigits, () => new Denoiser()),
    { steps: 200 },
  ),
  onceBlind(
    "majority_mom",
    "mom",
    made(tasks.majority, () => new SymbolReader()),
    { steps: 250 },
  ),
  onceBlind(
    "copy_adamw",
    "adamw",
    made(tasks.repeated, () => new Copier()),
    { steps: 200, decay: 0.01 },
  ),
  onceBlind("syllables_sgd", "sgd", syllableModel, { steps: 500, rates: [-2.5, 2.5] }),
  onceBlind(
    "friedman_adam",
    "adam",
    made(tasks.friedman, () => mlp([10, 64, 64, 1])),
    { batchSize: 64, steps: 1000 },
  ),
  onceBlind(
    "friedman_mom",
    "mom",
    made(
      () => tasks.friedman({ standard: true }),
      () => mlp([10, 48, 1]),
    ),
    { steps: 400 },
  ),
  onceBlind(
    "absolute_sgd",
    "sgd",
    made(
      () =>
        tasks.friedman({
          standard: true,
          loss: (said, is) => nn.functional.l1Loss(said, is),
        }),
      () => mlp([10, 32, 32, 1], nn.Tanh),
    ),
    { batchSize: 16 },
  ),
  onceBlind(
    "clouds_sgd",
    "sgd",
    made(tasks.clouds, () => mlp([24, 128, 30])),
    { steps: 200 },
  ),
  onceBlind(
    "moons_gd",
    "sgd",
    made(tasks.moons, () => mlp([2, 24, 2], nn.GELU)),
    { batchSize: undefined, steps: 1500 },
  ),
  onceBlind(
    "groupnorm_nesterov",
    "nesterov",
    made(digits, () => new GroupedConv()),
    { steps: 100 },
  ),
  onceBlind(
    "picture_adam",
    "adam",
    made(tasks.picture, () => mlp([12, 64, 64, 1])),
    { batchSize: undefined, steps: 800 },
  ),
  onceBlind(
    "pairs_rmsprop",
    "rmsprop",
    made(tasks.pairsOfDigits, () => mlp([128, 64, 1])),
    { steps: 500 },
  ),
  onceBlind(
    "taught_cos",
    "adamw",
    made(tasks.taught, () => mlp([64, 48, 10])),
    { schedule: "cos" },
  ),
  onceBlind("dropout_nadam", "nadam", made(digits, thinned), { steps: 400 }),
  onceBlind(
    "topics_adagrad",
    "adagrad",
    made(tasks.topics, () => mlp([300, 32, 6])),
    { steps: 250 },
  ),
  onceBlind(
    "halves_lion",
    "lion",
    made(tasks.halfDigits, () => mlp([32, 64, 32])),
  ),
  onceBlind(
    "residual_mom",
    "mom",
    made(
      () => digits({ from: 300, to: 1780 }),
      () => new ResidualMlp(),
    ),
    { steps: 150, schedule: "warmcos" },
  ),
];
