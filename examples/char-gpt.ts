/**
 * A small GPT learns to write TypeScript declarations, letter by letter.
 *
 * It reads the API of VS Code (the package @types/vscode) and learns which letter comes next. Other
 * text: --text FILE. A bigger model: --layers 4 --width 128 --length 64. The model is in gpt.ts.
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/char-gpt.ts
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { manualSeed, optim } from "stepscope";
import { Alphabet, GPT, sampleTexts, write } from "./gpt.ts";

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
const alphabet = new Alphabet(text);
const letters = alphabet.encode(text);

const model = new GPT(alphabet.letters.length, { layers, heads, width, length });
const optimizer = new optim.AdamW(model.parameters(), { lr: Number(flags.lr), betas: [0.9, 0.99] });
console.log(`${model.numParameters()} parameters, ${alphabet.letters.length} letters`);

for (let step = 1; step <= steps; step++) {
  const loss = model.loss(sampleTexts(letters, batch, length + 1));
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
  if (step % 100 === 0) console.log(`step ${step}: loss ${(await loss.item()).toFixed(3)}`);
}
const written = await write(model, letters.narrow(0, 0, length), Number(flags.sample));
console.log(alphabet.decode(written));
