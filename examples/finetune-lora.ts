/**
 * A small GPT that has learned TypeScript declarations learns prose, by adapters of low rank (LoRA).
 *
 * It is trained first on the API of VS Code and then, with its weights frozen, on the README of this
 * project: the adapters that learn are a few per cent of the model, and all that has to be saved for
 * the second task. Usual learning rates to start from: 3e-4 to pre-train and 2e-4 for LoRA. So small a
 * model bears ten times as much.
 *
 * In VS Code: click ▶ Train above a loop. In a terminal: npx stepscope train examples/finetune-lora.ts
 */
import { readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { manualSeed, nn, noGrad, optim, save, type Tensor } from "stepscope";
import { Alphabet, GPT, sampleTexts } from "./gpt.ts";

const { values: flags } = parseArgs({
  options: {
    layers: { type: "string", default: "2" },
    heads: { type: "string", default: "4" },
    width: { type: "string", default: "64" },
    length: { type: "string", default: "32" },
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "300" },
    lr: { type: "string", default: "3e-3" },
    rank: { type: "string", default: "4" },
    "lora-lr": { type: "string", default: "2e-3" },
    out: { type: "string", default: join(tmpdir(), "readme-adapters.safetensors") },
  },
});
const [layers, heads, width] = [Number(flags.layers), Number(flags.heads), Number(flags.width)];
const [length, batch, steps] = [Number(flags.length), Number(flags.batch), Number(flags.steps)];

manualSeed(1);

const read = (url: string | URL) => readFileSync(fileURLToPath(url), "utf8");
const declarations = read(import.meta.resolve("@types/vscode/index.d.ts"));
const readme = read(new URL("../README.md", import.meta.url));
const alphabet = new Alphabet(declarations, readme);
const texts = { declarations: alphabet.encode(declarations), readme: alphabet.encode(readme) };

const model = new GPT(alphabet.letters.length, { layers, heads, width, length });
console.log(`${model.numParameters()} parameters learn declarations`);
await train(model.parameters(), Number(flags.lr), texts.declarations);
await report("declarations are learned");

// The weights stay as they are; two small matrices beside each of them learn.
nn.lora.apply(model, { rank: Number(flags.rank), alpha: 2 * Number(flags.rank), target: "blocks" });
const adapters = nn.lora.parameters(model);
const learned = adapters.reduce((sum, { numel }) => sum + numel, 0);
console.log(`${learned} parameters of ${adapters.length / 2} adapters learn prose`);
await train(adapters, Number(flags["lora-lr"]), texts.readme);
await report("prose is learned");

await save(nn.lora.stateDict(model), flags.out);
console.log(`${flags.out}: ${statSync(flags.out).size} bytes`);

// Part of the weights now, they cost nothing more.
nn.lora.merge(model);
await report("merged");

async function train(parameters: nn.Parameter[], lr: number, text: Tensor): Promise<void> {
  const optimizer = new optim.AdamW(parameters, { lr, betas: [0.9, 0.99] });
  for (let step = 1; step <= steps; step++) {
    const loss = model.loss(sampleTexts(text, batch, length + 1));
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}

/** The losses on both texts, at the same places of them each time. */
async function report(what: string): Promise<void> {
  const losses = Object.entries(texts).map(async ([name, text]) => {
    const pieces = text.narrow(0, 0, 64 * (length + 1)).reshape(64, length + 1);
    const loss = noGrad(() => model.loss(pieces));
    return `loss on ${name} ${(await loss.item()).toFixed(3)}`;
  });
  console.log(`${what}: ${(await Promise.all(losses)).join(", ")}`);
}
