/** What the blind families train. */
import { cat, nn, randnLike, stack, type Tensor, tensor } from "../../../../runtime/index.ts";
import { CLICK_KINDS, CODE, WAGE_COLUMNS } from "./blindTasks.ts";
import { mlp } from "./models.ts";
import type { Model } from "./task.ts";

/** Layers one after the other. */
const sequential = (...layers: ConstructorParameters<typeof nn.Sequential>) =>
  new nn.Sequential(...layers) as unknown as Model;

/** An image of 8×8 pixels from a row of them. */
const toImage = () => new nn.Unflatten(1, [1, 8, 8]);

/** Two convolutions with means of windows between, as in 1998. */
export const lenet = () =>
  sequential(
    toImage(),
    new nn.Conv2d(1, 6, 3, { padding: 1 }),
    new nn.Tanh(),
    new nn.AvgPool2d(2),
    new nn.Conv2d(6, 12, 3, { padding: 1 }),
    new nn.Tanh(),
    new nn.AvgPool2d(2),
    new nn.Flatten(),
    new nn.Linear(48, 32),
    new nn.Tanh(),
    new nn.Linear(32, 10),
  );

/** Convolutions whose maps are normalised over the batch, and the means of the last ones. */
export const normedConv = () =>
  sequential(
    toImage(),
    new nn.Conv2d(1, 12, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(12),
    new nn.ReLU(),
    new nn.Conv2d(12, 24, 3, { padding: 1, stride: 2, bias: false }),
    new nn.BatchNorm2d(24),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(24, 10),
  );

/** A signal by convolutions that step over it. */
export const signalConv = () =>
  sequential(
    new nn.Unflatten(1, [1, 48]),
    new nn.Conv1d(1, 12, 5, { stride: 2 }),
    new nn.ReLU(),
    new nn.Conv1d(12, 16, 5, { stride: 2 }),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool1d(1),
    new nn.Flatten(),
    new nn.Linear(16, 4),
  );

/** Every pixel of an image of 12×12 by those around it. */
export const maskConv = () =>
  sequential(
    new nn.Unflatten(1, [1, 12, 12]),
    new nn.Conv2d(1, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(8, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(8, 1, 1),
    new nn.Flatten(),
  );

/** Whether two words go together, by the product of what stands for each. */
export class WordPair extends nn.Module<[Tensor], Tensor> {
  readonly words = new nn.Embedding(60, 12);
  readonly contexts = new nn.Embedding(60, 12);

  constructor() {
    super();
    for (const { weight } of [this.words, this.contexts]) nn.init.normal_(weight, 0, 0.3);
  }

  forward(pairs: Tensor): Tensor {
    const word = this.words.forward(pairs.select(1, 0));
    return word.mul(this.contexts.forward(pairs.select(1, 1))).sum(1, true);
  }
}

/** How far a digit is from another, and from a third. */
export class Distances extends nn.Module<[Tensor], Tensor> {
  readonly code = mlp([64, 48, 8]);

  forward(triplets: Tensor): Tensor {
    const [anchor, near, far] = triplets.split(64, 1).map(each => this.code.forward(each));
    if (!anchor || !near || !far) throw new RangeError("there are three");
    const distance = (to: Tensor) => anchor.sub(to).square().sum(1).add(1e-6).sqrt();
    return stack([distance(near), distance(far)], 1);
  }
}

/** How many stars someone gives: the mean, what is usual with both of them, and how they suit each other. */
export class Stars extends nn.Module<[Tensor], Tensor> {
  readonly mean = new nn.Parameter(tensor([0]));
  readonly users = new nn.Embedding(60, 4);
  readonly items = new nn.Embedding(50, 4);
  readonly userBias = new nn.Embedding(60, 1);
  readonly itemBias = new nn.Embedding(50, 1);

  constructor() {
    super();
    for (const { weight } of [this.users, this.items]) nn.init.normal_(weight, 0, 0.1);
    for (const { weight } of [this.userBias, this.itemBias]) nn.init.zeros_(weight);
  }

  forward(pairs: Tensor): Tensor {
    const [user, item] = [pairs.select(1, 0), pairs.select(1, 1)];
    return this.users
      .forward(user)
      .mul(this.items.forward(item))
      .sum(1, true)
      .add(this.userBias.forward(user))
      .add(this.itemBias.forward(item))
      .add(this.mean);
  }
}

/** A variational autoencoder: what it says of an image, and mean and logarithm of the variance of the code. */
export class VariationalCoder extends nn.Module<[Tensor], Tensor> {
  readonly encoder = mlp([64, 48, 2 * CODE]);
  readonly decoder = mlp([CODE, 48, 64]);

  forward(images: Tensor): Tensor {
    const [mean, logVariance] = this.encoder.forward(images).chunk(2, 1) as [Tensor, Tensor];
    const drawn = mean.add(randnLike(mean).mul(logVariance.div(2).exp()));
    return cat([this.decoder.forward(drawn), mean, logVariance], 1);
  }
}

/** Two views of a digit, each as a direction. */
export class Twins extends nn.Module<[Tensor], Tensor> {
  readonly code = mlp([64, 64, 16]);

  forward(both: Tensor): Tensor {
    const codes = both.chunk(2, 1).map(view => {
      const code = this.code.forward(view);
      return code.div(code.square().sum(1, true).add(1e-8).sqrt());
    });
    return cat(codes, 1);
  }
}

/** Says of each place in a row of symbols what it has seen at any other. */
export class Reverser extends nn.Module<[Tensor], Tensor> {
  readonly symbols = new nn.Embedding(8, 24);
  readonly places = new nn.Embedding(6, 24);
  readonly layer = new nn.TransformerEncoderLayer(24, 2, {
    dimFeedforward: 48,
    dropout: 0,
    batchFirst: true,
  });
  readonly head = new nn.Linear(24, 8);

  forward(rows: Tensor): Tensor {
    const state = this.symbols.forward(rows).add(this.places.weight);
    return this.head.forward(this.layer.forward(state));
  }
}

/** A mixture of experts: some models, and another that says how much each of them counts. */
export class Experts extends nn.Module<[Tensor], Tensor> {
  readonly experts = new nn.ModuleList(Array.from({ length: 4 }, () => mlp([2, 8, 1])));
  readonly gate = new nn.Linear(2, 4);

  forward(places: Tensor): Tensor {
    const said = [...this.experts].map(expert => (expert as Model).forward(places));
    return cat(said, 1).mul(this.gate.forward(places).softmax(1)).sum(1, true);
  }
}

/** The law of a damped oscillation, its numbers roughly guessed. */
export class Oscillation extends nn.Module<[Tensor], Tensor> {
  readonly height = new nn.Parameter(tensor([1]));
  readonly damping = new nn.Parameter(tensor([0.1]));
  readonly speed = new nn.Parameter(tensor([1.7]));
  readonly phase = new nn.Parameter(tensor([0]));
  readonly middle = new nn.Parameter(tensor([0]));

  forward(times: Tensor): Tensor {
    const swing = times.mul(this.speed).add(this.phase).cos().mul(this.height);
    return swing.mul(times.mul(this.damping).neg().exp()).add(this.middle);
  }
}

/** Columns of kinds, each kind by some numbers. */
export class Table extends nn.Module<[Tensor], Tensor> {
  readonly columns = new nn.ModuleList(WAGE_COLUMNS.map(kinds => new nn.Embedding(kinds, 4)));
  readonly head = mlp([16, 32, 1]);

  forward(rows: Tensor): Tensor {
    const parts = [...this.columns].map((column, i) =>
      (column as nn.Embedding).forward(rows.select(1, i)),
    );
    return this.head.forward(cat(parts, 1));
  }
}

/** Mixes the rows of an image, and what is known of each (MLP-Mixer). */
export class Mixer extends nn.Module<[Tensor], Tensor> {
  readonly rows = new nn.Linear(8, 24);
  readonly firstNorm = new nn.LayerNorm(24);
  readonly between = mlp([8, 16, 8], nn.GELU);
  readonly secondNorm = new nn.LayerNorm(24);
  readonly within = mlp([24, 48, 24], nn.GELU);
  readonly head = new nn.Linear(24, 10);

  forward(images: Tensor): Tensor {
    const rows = this.rows.forward(images.reshape([-1, 8, 8]));
    const turned = this.between.forward(this.firstNorm.forward(rows).transpose(1, 2));
    const state = rows.add(turned.transpose(1, 2));
    return this.head.forward(
      state.add(this.within.forward(this.secondNorm.forward(state))).mean(1),
    );
  }
}

/** Reads symbols one after the other, and says of which of two kinds the row is. */
export class BracketReader extends nn.Module<[Tensor], Tensor> {
  readonly symbols = new nn.Embedding(3, 6);
  readonly cell = new nn.RNN(6, 24, { batchFirst: true });
  readonly head = new nn.Linear(24, 2);

  forward(rows: Tensor): Tensor {
    const [, memory] = this.cell.forward(this.symbols.forward(rows)) as [Tensor, Tensor];
    return this.head.forward(memory.squeeze(0));
  }
}

/** A layer of which another says how much of it goes on. */
export class Gated extends nn.Module<[Tensor], Tensor> {
  readonly value = new nn.Linear(8, 32);
  readonly gate = new nn.Linear(8, 32);
  readonly head = new nn.Linear(32, 2);

  forward(measures: Tensor): Tensor {
    const open = this.gate.forward(measures).sigmoid();
    return this.head.forward(this.value.forward(measures).mul(open));
  }
}

/** A factorisation machine: what each kind is worth, and each pair of them. */
export class Pairwise extends nn.Module<[Tensor], Tensor> {
  readonly bias = new nn.Parameter(tensor([0]));
  readonly each = new nn.Embedding(CLICK_KINDS, 1);
  readonly factors = new nn.Embedding(CLICK_KINDS, 6);

  constructor() {
    super();
    for (const { weight } of [this.each, this.factors]) nn.init.normal_(weight, 0, 0.1);
  }

  forward(rows: Tensor): Tensor {
    const factors = this.factors.forward(rows);
    const pairs = factors.sum(1).square().sub(factors.square().sum(1)).sum(1, true).div(2);
    return this.each.forward(rows).sum(1).add(pairs).add(this.bias);
  }
}
