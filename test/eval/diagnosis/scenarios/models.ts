/** Small models of the kinds that people train. */
import { nn, type Tensor } from "../../../../runtime/index.ts";
import type { Model } from "./task.ts";

type Activation = new () => nn.Module<[Tensor], Tensor>;

/** Linear layers of these sizes with an activation between. */
export function mlp(sizes: readonly number[], act: Activation = nn.ReLU, norm = false): Model {
  const layers = sizes.slice(1).flatMap((size, i) => {
    const layer = new nn.Linear(sizes[i] ?? 1, size);
    if (i === sizes.length - 2) return [layer];
    return norm ? [layer, new nn.BatchNorm1d(size), new act()] : [layer, new act()];
  });
  return new nn.Sequential(...layers) as unknown as Model;
}

/** Makes the initial weights `factor` times as large as they usually are. */
export function scale(model: Model, factor: number): void {
  for (const parameter of model.parameters()) {
    if (parameter.ndim > 1)
      nn.init.normal_(parameter, 0, factor / Math.sqrt(3 * (parameter.shape[1] ?? 1)));
  }
}

/** Two convolutions on images of 8×8 pixels. */
export class ConvNet extends nn.Module<[Tensor], Tensor> {
  readonly first = new nn.Conv2d(1, 8, 3, { padding: 1 });
  readonly second = new nn.Conv2d(8, 16, 3, { padding: 1, stride: 2 });
  readonly head = new nn.Linear(16 * 16, 10);

  forward(images: Tensor): Tensor {
    const maps = this.first.forward(images.reshape([-1, 1, 8, 8])).relu();
    return this.head.forward(this.second.forward(maps).relu().flatten(1));
  }
}

/** Blocks of two layers that are added to what goes by them. */
export class ResidualMlp extends nn.Module<[Tensor], Tensor> {
  readonly first = new nn.Linear(64, 32);
  readonly blocks = new nn.ModuleList(
    Array.from({ length: 3 }, () => mlp([32, 32, 32]) as unknown as nn.Module),
  );
  readonly head = new nn.Linear(32, 10);

  forward(images: Tensor): Tensor {
    let state = this.first.forward(images);
    for (const block of this.blocks) state = state.add(block.forward(state) as Tensor);
    return this.head.forward(state.relu());
  }
}

/** Reads an image a row of pixels at a time. */
export class RowReader extends nn.Module<[Tensor], Tensor> {
  readonly cell: nn.RNN | nn.GRU;
  readonly head = new nn.Linear(32, 10);

  constructor(kind: "rnn" | "gru") {
    super();
    const Cell = kind === "rnn" ? nn.RNN : nn.GRU;
    this.cell = new Cell(8, 32, { batchFirst: true });
  }

  forward(images: Tensor): Tensor {
    const [, memory] = this.cell.forward(images.reshape([-1, 8, 8])) as [Tensor, Tensor];
    return this.head.forward(memory.squeeze(0));
  }
}

/** A small transformer over letters. */
export class LetterTransformer extends nn.Module<[Tensor], Tensor> {
  readonly letters: nn.Embedding;
  readonly places: nn.Embedding;
  readonly layer: nn.TransformerEncoderLayer;
  readonly head: nn.Linear;

  constructor(kinds: number, length: number, normFirst: boolean) {
    super();
    this.letters = new nn.Embedding(kinds, 32);
    this.places = new nn.Embedding(length, 32);
    const options = { dimFeedforward: 64, dropout: 0, batchFirst: true, normFirst };
    this.layer = new nn.TransformerEncoderLayer(32, 2, options);
    this.head = new nn.Linear(32, kinds);
  }

  forward(windows: Tensor): Tensor {
    const state = this.letters.forward(windows).add(this.places.weight);
    return this.head.forward(this.layer.forward(state, { isCausal: true }));
  }
}

/** The next letter from the last few. */
export class NGram extends nn.Module<[Tensor], Tensor> {
  readonly letters: nn.Embedding;
  readonly head: Model;

  constructor(kinds: number) {
    super();
    this.letters = new nn.Embedding(kinds, 16);
    this.head = mlp([16, 32, kinds]);
  }

  forward(windows: Tensor): Tensor {
    return this.head.forward(this.letters.forward(windows));
  }
}

/** Entries of a matrix as products of a row's and a column's vectors. */
export class Factors extends nn.Module<[Tensor], Tensor> {
  readonly rows = new nn.Embedding(40, 4);
  readonly columns = new nn.Embedding(40, 4);

  constructor() {
    super();
    for (const { weight } of [this.rows, this.columns]) nn.init.normal_(weight, 0, 0.3);
  }

  forward(places: Tensor): Tensor {
    const [row, column] = [0, 1].map(i => places.select(1, i));
    if (!row || !column) throw new RangeError("a place is a row and a column");
    return this.rows.forward(row).mul(this.columns.forward(column)).sum(1, true);
  }
}
