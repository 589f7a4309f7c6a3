/** What the second part of the blind families trains. */
import { cat, nn, randn, type Tensor, tensor } from "../../../../runtime/index.ts";
import { mlp } from "./models.ts";
import {
  HOURS,
  NAME_LETTERS,
  NEIGHBOUR_WORDS,
  PAPER_WORDS,
  REVIEW_WORDS,
  SONNET_KINDS,
} from "./moreBlindTasks.ts";
import type { Model } from "./task.ts";

/** Layers one after the other. */
const sequential = (...layers: ConstructorParameters<typeof nn.Sequential>) =>
  new nn.Sequential(...layers) as unknown as Model;

/** The network of 1986 that learns either-or. */
export const sigmoids = () =>
  sequential(new nn.Linear(2, 8), new nn.Sigmoid(), new nn.Linear(8, 1), new nn.Sigmoid());

/** Where something is in an image of 12×12. */
export const spotConv = () =>
  sequential(
    new nn.Unflatten(1, [1, 12, 12]),
    new nn.Conv2d(1, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(144, 32),
    new nn.ReLU(),
    new nn.Linear(32, 2),
  );

/** Days by convolutions that look further and further back. */
export const dayConv = () =>
  sequential(
    new nn.Unflatten(1, [1, 30]),
    new nn.Conv1d(1, 12, 3, { dilation: 1 }),
    new nn.ReLU(),
    new nn.Conv1d(12, 12, 3, { dilation: 2 }),
    new nn.ReLU(),
    new nn.Conv1d(12, 12, 3, { dilation: 4 }),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(12 * 16, 4),
  );

/** Makes images of 4×4 pixels twice as large. */
export const enlarger = () =>
  sequential(
    new nn.Unflatten(1, [1, 4, 4]),
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Upsample({ scaleFactor: 2 }),
    new nn.Conv2d(16, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(16, 1, 3, { padding: 1 }),
    new nn.Flatten(),
  );

const normedConv = (from: number, to: number, stride = 1) =>
  sequential(
    new nn.Conv2d(from, to, 3, { padding: 1, stride, bias: false }),
    new nn.BatchNorm2d(to),
  );

/** A residual network of convolutions (He et al. 2015). */
export class ResidualConv extends nn.Module<[Tensor], Tensor> {
  readonly first = normedConv(1, 8);
  readonly stays = sequential(normedConv(8, 8), new nn.ReLU(), normedConv(8, 8));
  readonly narrows = sequential(normedConv(8, 16, 2), new nn.ReLU(), normedConv(16, 16));
  readonly past = new nn.Conv2d(8, 16, 1, { stride: 2, bias: false });
  readonly head = new nn.Linear(16, 10);

  forward(images: Tensor): Tensor {
    const maps = this.first.forward(images.reshape([-1, 1, 8, 8])).relu();
    const same = maps.add(this.stays.forward(maps)).relu();
    const half = this.past.forward(same).add(this.narrows.forward(same)).relu();
    return this.head.forward(half.mean([2, 3]));
  }
}

/** The next letter from the last one: a table. */
export class Bigrams extends nn.Module<[Tensor], Tensor> {
  readonly table = new nn.Embedding(NAME_LETTERS, NAME_LETTERS);

  forward(letters: Tensor): Tensor {
    return this.table.forward(letters);
  }
}

/** The law of what grows until it has no more room, its numbers roughly guessed. */
export class Growth extends nn.Module<[Tensor], Tensor> {
  readonly room = new nn.Parameter(tensor([1]));
  readonly speed = new nn.Parameter(tensor([0.5]));
  readonly half = new nn.Parameter(tensor([3]));

  forward(times: Tensor): Tensor {
    return times.sub(this.half).mul(this.speed).sigmoid().mul(this.room);
  }
}

/** How much better one document is than another, each by itself (RankNet). */
export class Ranker extends nn.Module<[Tensor], Tensor> {
  readonly worth = mlp([12, 24, 1]);

  forward(both: Tensor): Tensor {
    const [left, right] = both.chunk(2, 1) as [Tensor, Tensor];
    return this.worth.forward(left).sub(this.worth.forward(right));
  }
}

/** A mixture of round normal distributions: the logarithm of how likely a point is. */
export class Heaps extends nn.Module<[Tensor], Tensor> {
  readonly middles = new nn.Parameter(randn([4, 2]));
  readonly logWidths = new nn.Parameter(tensor([0, 0, 0, 0]));
  readonly shares = new nn.Parameter(tensor([0, 0, 0, 0]));

  forward(points: Tensor): Tensor {
    const away = points.unsqueeze(1).sub(this.middles).square().sum(2);
    const logs = away.div(this.logWidths.mul(2).exp()).div(-2).sub(this.logWidths.mul(2));
    return logs
      .add(this.shares.logSoftmax(0))
      .logsumexp(1, true)
      .sub(Math.log(2 * Math.PI));
  }
}

const APART = 0.02;

/** A string that is held at its ends: how bent it is, by how it lies on both sides of a place. */
export class HeldString extends nn.Module<[Tensor], Tensor> {
  readonly shape = mlp([1, 32, 32, 1], nn.Tanh);

  forward(places: Tensor): Tensor {
    const heightAt = (place: Tensor) =>
      this.shape.forward(place).mul(place).mul(place.neg().add(1));
    const sides = heightAt(places.add(APART)).add(heightAt(places.sub(APART)));
    return sides.sub(heightAt(places).mul(2)).div(APART ** 2);
  }
}

/** Reads letters, and says at each of them what may come next. */
export class LetterReader extends nn.Module<[Tensor], Tensor> {
  readonly letters = new nn.Embedding(SONNET_KINDS, 16);
  readonly cell = new nn.LSTM(16, 40, { batchFirst: true });
  readonly head = new nn.Linear(40, SONNET_KINDS);

  forward(rows: Tensor): Tensor {
    const [states] = this.cell.forward(this.letters.forward(rows)) as [Tensor, unknown];
    return this.head.forward(states);
  }
}

/** Adds two hours by what stands for each. */
export class HourAdder extends nn.Module<[Tensor], Tensor> {
  readonly hours = new nn.Embedding(HOURS, 16);
  readonly head = mlp([32, 64, HOURS]);

  forward(pairs: Tensor): Tensor {
    return this.head.forward(this.hours.forward(pairs).flatten(1));
  }
}

/** What can be said of numbers whatever their order (deep sets). */
export class DeepSet extends nn.Module<[Tensor], Tensor> {
  readonly each = mlp([1, 32, 32]);
  readonly all = mlp([32, 32, 1]);

  forward(sets: Tensor): Tensor {
    return this.all.forward(this.each.forward(sets.unsqueeze(2)).relu().mean(1));
  }
}

/** Looks at an image as sixteen patches, which look at each other (Dosovitskiy et al. 2020). */
export class PatchTransformer extends nn.Module<[Tensor], Tensor> {
  readonly patches = new nn.Conv2d(1, 24, 2, { stride: 2 });
  readonly places = new nn.Parameter(randn([16, 24]).mul(0.02));
  readonly layer = new nn.TransformerEncoderLayer(24, 3, {
    dimFeedforward: 48,
    dropout: 0,
    batchFirst: true,
    normFirst: true,
  });
  readonly norm = new nn.LayerNorm(24);
  readonly head = new nn.Linear(24, 10);

  forward(images: Tensor): Tensor {
    const patches = this.patches.forward(images.reshape([-1, 1, 8, 8])).flatten(2);
    const state = this.layer.forward(patches.transpose(1, 2).add(this.places));
    return this.head.forward(this.norm.forward(state).mean(1));
  }
}

/** A graph convolution: papers by their words and by those of what they cite (Kipf & Welling 2016). */
export class GraphConv extends nn.Module<[Tensor], Tensor> {
  readonly first = new nn.Linear(PAPER_WORDS, 16);
  readonly second = new nn.Linear(16, 3);

  forward(papers: Tensor): Tensor {
    const words = papers.narrow(1, 0, PAPER_WORDS);
    const weights = papers.narrow(1, PAPER_WORDS, papers.shape[0] ?? 0);
    const state = weights.matmul(this.first.forward(words)).relu();
    return weights.matmul(this.second.forward(state));
  }
}

const direction = (code: Tensor) => code.div(code.square().sum(1, true).add(1e-8).sqrt());

/** Images and words as directions, and how much each image is like each of the words (CLIP). */
export class Matcher extends nn.Module<[Tensor], Tensor> {
  readonly image = mlp([64, 48, 16]);
  readonly words = mlp([12, 32, 16]);
  readonly logScale = new nn.Parameter(tensor([Math.log(5)]));

  forward(both: Tensor): Tensor {
    const [images, words] = both.split([64, 12], 1) as [Tensor, Tensor];
    const image = direction(this.image.forward(images));
    const word = direction(this.words.forward(words));
    return image.matmul(word.transpose(0, 1)).mul(this.logScale.exp());
  }
}

/** How often two words stand near each other, by vectors of theirs. */
export class Neighbours extends nn.Module<[Tensor], Tensor> {
  readonly words = new nn.Embedding(NEIGHBOUR_WORDS, 8);
  readonly contexts = new nn.Embedding(NEIGHBOUR_WORDS, 8);
  readonly wordBias = new nn.Embedding(NEIGHBOUR_WORDS, 1);
  readonly contextBias = new nn.Embedding(NEIGHBOUR_WORDS, 1);

  constructor() {
    super();
    for (const { weight } of [this.words, this.contexts]) nn.init.normal_(weight, 0, 0.2);
    for (const { weight } of [this.wordBias, this.contextBias]) nn.init.zeros_(weight);
  }

  forward(pairs: Tensor): Tensor {
    const [word, context] = [pairs.select(1, 0), pairs.select(1, 1)];
    return this.words
      .forward(word)
      .mul(this.contexts.forward(context))
      .sum(1, true)
      .add(this.wordBias.forward(word))
      .add(this.contextBias.forward(context));
  }
}

/** Reads numbers and marks, and says what it has kept of them. */
export class MarkReader extends nn.Module<[Tensor], Tensor> {
  readonly cell = new nn.GRU(2, 24, { batchFirst: true });
  readonly head = new nn.Linear(24, 1);

  forward(rows: Tensor): Tensor {
    const [, memory] = this.cell.forward(rows) as [Tensor, Tensor];
    return this.head.forward(memory.squeeze(0));
  }
}

/** Words by three at a time, and what is strongest anywhere (Kim 2014). */
export class TextConv extends nn.Module<[Tensor], Tensor> {
  readonly words = new nn.Embedding(REVIEW_WORDS, 16);
  readonly conv = new nn.Conv1d(16, 24, 3, { padding: 1 });
  readonly head = new nn.Linear(24, 2);

  forward(rows: Tensor): Tensor {
    const maps = this.conv.forward(this.words.forward(rows).transpose(1, 2));
    return this.head.forward(maps.relu().amax(2));
  }
}

/** One layer for two tasks, and more for each of them. */
export class TwoHeads extends nn.Module<[Tensor], Tensor> {
  readonly trunk = new nn.Linear(64, 48);
  readonly kind = new nn.Linear(48, 10);
  readonly place = mlp([48, 16, 2]);

  forward(images: Tensor): Tensor {
    const state = this.trunk.forward(images).relu();
    return cat([this.kind.forward(state), this.place.forward(state)], 1);
  }
}
