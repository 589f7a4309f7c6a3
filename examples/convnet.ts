/**
 * Handwritten digits, seen as images: a convolutional network slides small patterns over 8×8 pixels.
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/convnet.ts
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { data, log, manualSeed, metrics, nn, noGrad, optim, tensor } from "stepscope";

const { values } = parseArgs({ options: { epochs: { type: "string", default: "8" } } });
manualSeed(1);

// One image a line: 64 pixels from 0 (white) to 16 (black), and then the digit that it shows.
const file = gunzipSync(readFileSync(new URL("data/digits.csv.gz", import.meta.url))).toString();
const rows = file
  .trim()
  .split("\n")
  .map(line => line.split(",").map(Number));

// Every fifth image is for the test: the network never learns from those.
const training = dataset(rows.filter((_, i) => i % 5 !== 0));
const test = dataset(rows.filter((_, i) => i % 5 === 0));

// 16 patterns of 3×3 pixels, the strongest answer of each four pixels, 32 patterns of those answers,
// and from the 32·2·2 numbers that are left one score for each digit.
const model = new nn.Sequential(
  new nn.Conv2d(1, 16, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(16, 32, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(32 * 2 * 2, 10),
);
const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3, weightDecay: 0.01 });
const lossFn = new nn.CrossEntropyLoss();
const loader = new data.DataLoader(training, { batchSize: 32, shuffle: true });

for (let epoch = 1; epoch <= Number(values.epochs); epoch++) {
  for await (const [images, digits] of loader) {
    const loss = lossFn.forward(model.forward(images), digits);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
  const [images, digits] = test.tensors;
  const accuracy = metrics.accuracy(
    noGrad(() => model.forward(images)),
    digits,
  );
  log({ "test/accuracy": accuracy }); // a curve of its own
  const percent = 100 * (await accuracy.item());
  console.log(`epoch ${epoch}: ${percent.toFixed(1)} % of the test images read correctly`);
}

/** Images of one channel, [N, 1, 8, 8] with pixels from -1 to 1, beside their digits. */
function dataset(rows: number[][]) {
  const images = rows.map(row => row.slice(0, 64).map(pixel => pixel / 8 - 1));
  const digits = rows.flatMap(row => row.slice(64));
  return new data.TensorDataset(
    tensor(images).reshape(-1, 1, 8, 8),
    tensor(digits, { dtype: "int32" }),
  );
}
