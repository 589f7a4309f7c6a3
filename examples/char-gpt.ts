/**
 * A small GPT learns to write TypeScript declarations, letter by letter.
 *
 * It reads the API of VS Code (the package @types/vscode) and learns which letter comes next. Other
 * text: --text FILE. A bigger model: --layers 4 --width 128 --length 64. After Karpathy's minGPT.
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/char-gpt.ts
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { arange, manualSeed, nn, noGrad, optim, randint, type Tensor, tensor } from "stepscope";

const { values: flags } = parseArgs({
  options: {
    text: { type: "string" },
    layers: { type: "string", default: "2" },
    heads: { type: "string", default: "4" },
    width: { type: "string", default: "64" },
    length: { type: "string", default: "32" },
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "300" },
    lr: { type: "string", default: "3e-3" },
    sample: { type: "string", default: "120" },
  },
});
const [layers, heads, width] = [Number(flags.layers), Number(flags.heads), Number(flags.width)];
const [length, batch, steps] = [Number(flags.length), Number(flags.batch), Number(flags.steps)];

manualSeed(1);

// Every letter of the text gets a number.
const file = flags.text ?? fileURLToPath(import.meta.resolve("@types/vscode/index.d.ts"));
const text = readFileSync(file, "utf8");
const alphabet = [...new Set(text)].sort();
const numbers = new Map(alphabet.map((letter, number) => [letter, number]));
const letters = tensor(Int32Array.from(text, letter => numbers.get(letter) ?? 0));

/** Letters look back at the letters before them, and then think about what they saw. */
class Block extends nn.Module {
  readonly norm1 = new nn.LayerNorm(width);
  readonly attention = new nn.Linear(width, 3 * width);
  readonly projection = new nn.Linear(width, width);
  readonly norm2 = new nn.LayerNorm(width);
  readonly think = new nn.Sequential(
    new nn.Linear(width, 4 * width),
    new nn.GELU(),
    new nn.Linear(4 * width, width),
  );

  forward(input: Tensor): Tensor {
    const x = input.add(this.lookBack(this.norm1.forward(input)));
    return x.add(this.think.forward(this.norm2.forward(x)));
  }

  private lookBack(x: Tensor): Tensor {
    const [count = 1, time = 1] = x.shape;
    const split = this.attention
      .forward(x)
      .reshape(count, time, 3, heads, -1)
      .permute(2, 0, 3, 1, 4);
    const [query, key, value] = [split.select(0, 0), split.select(0, 1), split.select(0, 2)];
    const seen = nn.functional.scaledDotProductAttention(query, key, value, { isCausal: true });
    return this.projection.forward(seen.transpose(1, 2).reshape(count, time, width));
  }
}

class GPT extends nn.Module {
  readonly letter = new nn.Embedding(alphabet.length, width);
  readonly place = new nn.Embedding(length, width);
  readonly blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block()));
  readonly norm = new nn.LayerNorm(width);
  readonly head = new nn.Linear(width, alphabet.length, { bias: false });

  /** Scores of the next letter, at every place of every text. */
  forward(texts: Tensor): Tensor {
    const x = this.letter.forward(texts).add(this.place.forward(arange(texts.shape[1] ?? 1)));
    return this.head.forward(this.norm.forward(this.blocks.forward(x)));
  }
}

const model = new GPT();
const optimizer = new optim.AdamW(model.parameters(), { lr: Number(flags.lr), betas: [0.9, 0.99] });
console.log(`${model.numParameters()} parameters, ${alphabet.length} letters`);

for (let step = 1; step <= steps; step++) {
  const [texts, next] = sampleTexts();
  const scores = model.forward(texts);
  const loss = nn.functional.crossEntropy(scores.reshape(-1, alphabet.length), next.reshape(-1));
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
  if (step % 100 === 0) console.log(`step ${step}: loss ${(await loss.item()).toFixed(3)}`);
}
console.log(await write(Number(flags.sample)));

/** Pieces of the text [batch, length], and the letters that come next at every place. */
function sampleTexts(): [Tensor, Tensor] {
  const starts = randint(letters.numel - length, [batch, 1]);
  const places = starts.add(arange(length)).reshape(-1);
  const pieces = (shift: number) =>
    letters.indexSelect(0, places.add(shift)).reshape(batch, length);
  return [pieces(0), pieces(1)];
}

/** Lets the model write: each letter is drawn by its score, and read for the next one. */
async function write(count: number): Promise<string> {
  const written = [...(await letters.narrow(0, 0, length).data())];
  for (let i = 0; i < count; i++) {
    const context = tensor(written.slice(-length), { dtype: "int32" }).unsqueeze(0);
    const scores = noGrad(() => model.forward(context).select(1, -1).squeeze(0));
    written.push(await scores.softmax(0).multinomial(1).item());
  }
  return written.map(number => alphabet[number]).join("");
}
