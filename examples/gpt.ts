/**
 * A small GPT over letters, after Karpathy's minGPT: what char-gpt.ts and finetune-lora.ts train.
 */
import { arange, nn, noGrad, randint, type Tensor, tensor } from "stepscope";

export interface GPTSizes {
  readonly layers: number;
  readonly heads: number;
  /** Numbers for each letter, at every place. */
  readonly width: number;
  /** Letters that it looks back at. */
  readonly length: number;
}

/** Letters look back at the letters before them, and then think about what they saw. */
class Block extends nn.Module {
  readonly heads: number;
  readonly norm1: nn.LayerNorm;
  readonly attention: nn.Linear;
  readonly projection: nn.Linear;
  readonly norm2: nn.LayerNorm;
  readonly think: nn.Sequential;

  constructor({ heads, width }: GPTSizes) {
    super();
    this.heads = heads;
    this.norm1 = new nn.LayerNorm(width);
    this.attention = new nn.Linear(width, 3 * width);
    this.projection = new nn.Linear(width, width);
    this.norm2 = new nn.LayerNorm(width);
    this.think = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU(),
      new nn.Linear(4 * width, width),
    );
  }

  forward(input: Tensor): Tensor {
    const x = input.add(this.lookBack(this.norm1.forward(input)));
    return x.add(this.think.forward(this.norm2.forward(x)));
  }

  private lookBack(x: Tensor): Tensor {
    const [count = 1, time = 1, width = 1] = x.shape;
    const split = this.attention
      .forward(x)
      .reshape(count, time, 3, this.heads, -1)
      .permute(2, 0, 3, 1, 4);
    const [query, key, value] = [split.select(0, 0), split.select(0, 1), split.select(0, 2)];
    const seen = nn.functional.scaledDotProductAttention(query, key, value, { isCausal: true });
    return this.projection.forward(seen.transpose(1, 2).reshape(count, time, width));
  }
}

export class GPT extends nn.Module {
  readonly length: number;
  readonly letter: nn.Embedding;
  readonly place: nn.Embedding;
  readonly blocks: nn.Sequential;
  readonly norm: nn.LayerNorm;
  readonly head: nn.Linear;

  /** @param letters how many there are. */
  constructor(letters: number, sizes: GPTSizes) {
    super();
    const { layers, width, length } = sizes;
    this.length = length;
    this.letter = new nn.Embedding(letters, width);
    this.place = new nn.Embedding(length, width);
    this.blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block(sizes)));
    this.norm = new nn.LayerNorm(width);
    this.head = new nn.Linear(width, letters, { bias: false });
  }

  /** Scores of the next letter, at every place of every text. */
  forward(texts: Tensor): Tensor {
    const x = this.letter.forward(texts).add(this.place.forward(arange(texts.shape[1] ?? 1)));
    return this.head.forward(this.norm.forward(this.blocks.forward(x)));
  }

  /** How surprised it is by the letters of texts [batch, length + 1], each seen from those before. */
  loss(texts: Tensor): Tensor {
    const scores = this.forward(texts.narrow(1, 0, this.length));
    const next = texts.narrow(1, 1, this.length);
    return nn.functional.crossEntropy(scores.reshape(-1, scores.size(-1)), next.reshape(-1));
  }
}

/** The letters of texts, each with its number. */
export class Alphabet {
  readonly letters: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(...texts: readonly string[]) {
    this.letters = [...new Set(texts.join(""))].sort();
    this.#numbers = new Map(this.letters.map((letter, number) => [letter, number]));
  }

  encode(text: string): Tensor {
    return tensor(Int32Array.from(text, letter => this.#numbers.get(letter) ?? 0));
  }

  decode(numbers: readonly number[]): string {
    return numbers.map(number => this.letters[number]).join("");
  }
}

/** Pieces of a text, from places at random: [batch, length]. */
export function sampleTexts(text: Tensor, batch: number, length: number): Tensor {
  const starts = randint(text.numel - length + 1, [batch, 1]);
  const places = starts.add(arange(length)).reshape(-1);
  return text.indexSelect(0, places).reshape(batch, length);
}

/** Lets the model write on: each letter is drawn by its score, and read for the next one. */
export async function write(model: GPT, start: Tensor, count: number): Promise<number[]> {
  const written = [...(await start.data())];
  for (let i = 0; i < count; i++) {
    const context = tensor(written.slice(-model.length), { dtype: "int32" }).unsqueeze(0);
    const scores = noGrad(() => model.forward(context).select(1, -1).squeeze(0));
    written.push(await scores.softmax(0).multinomial(1).item());
  }
  return written;
}
