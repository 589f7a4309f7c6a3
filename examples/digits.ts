/**
 * Handwritten digits: a small network learns to read images of 8×8 pixels.
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/digits.ts
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { data, manualSeed, nn, noGrad, optim, tensor } from "stepscope";

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

// 64 pixels go in, 128 hidden units look for patterns, and one score for each digit comes out.
const model = new nn.Sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Linear(128, 10));
const optimizer = new optim.AdamW(model.parameters(), { lr: 2e-3, weightDecay: 0.01 });
const lossFn = new nn.CrossEntropyLoss();
const loader = new data.DataLoader(training, { batchSize: 32, shuffle: true });

for (let epoch = 1; epoch <= 30; epoch++) {
  for await (const [images, digits] of loader) {
    const loss = lossFn.forward(model.forward(images), digits); // how wrong is the network?
    optimizer.zeroGrad();
    loss.backward(); // in which direction would every weight make it worse?
    await optimizer.step(); // one small step in the other direction
  }
  console.log(
    `epoch ${epoch}: ${(await accuracy()).toFixed(1)} % of the test images read correctly`,
  );
}

/** Percentage of the test images whose highest score is that of the right digit. */
async function accuracy() {
  const [images, digits] = test.tensors;
  const correct = noGrad(() => model.forward(images).argmax(1).eq(digits).sum());
  return (100 * (await correct.item())) / test.length;
}

/** Pixels as numbers from -1 to 1 beside their digits: inputs around zero are learned faster. */
function dataset(rows: number[][]) {
  const images = rows.map(row => row.slice(0, 64).map(pixel => pixel / 8 - 1));
  const digits = rows.flatMap(row => row.slice(64));
  return new data.TensorDataset(tensor(images), tensor(digits, { dtype: "int32" }));
}
