/**
 * How long a training loop waits for its loader: one pass over small samples that threads make, shuffled,
 * with a step of a small classifier for each batch. Beside it the same without threads.
 *
 *     node test/bench/loader.ts [samples] [batchSize] [workers]
 *
 * The first batches wait for the threads to start, which a pass pays once; they are counted apart.
 */
import { gpu } from "../../runtime/gpu/device.ts";
import { data, manualSeed, nn, optim } from "../../runtime/index.ts";
import type samples from "./loader/samples.ts";
import { CLASSES, FEATURES } from "./loader/samples.ts";

const [count = 1e6, batchSize = 256, workers = 2] = process.argv.slice(2).map(Number);

interface Pass {
  readonly batches: number;
  /** Milliseconds from the first batch to the end, and of these waiting for the next batch. */
  readonly total: number;
  readonly waiting: number;
  /** Milliseconds until the first batch was there. */
  readonly start: number;
}

async function pass(numWorkers: number): Promise<Pass> {
  manualSeed(0);
  const url = new URL("./loader/samples.ts", import.meta.url);
  const dataset = await data.fromModule<typeof samples>(url, count);
  const loader = new data.DataLoader(dataset, { batchSize, shuffle: true, numWorkers });
  const model = new nn.Sequential(
    new nn.Linear(FEATURES, 64),
    new nn.ReLU(),
    new nn.Linear(64, CLASSES),
  );
  const optimizer = new optim.AdamW(model.parameters());
  const lossFn = new nn.CrossEntropyLoss();
  const batches = loader[Symbol.asyncIterator]();
  const begin = performance.now();
  let next = await batches.next();
  const first = performance.now();
  let waiting = 0;
  let done = 0;
  while (!next.done) {
    const [inputs, targets] = next.value;
    const loss = lossFn.forward(model.forward(inputs), targets);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
    done++;
    const asked = performance.now();
    next = await batches.next();
    waiting += performance.now() - asked;
  }
  await gpu.device.queue.onSubmittedWorkDone();
  return { batches: done, total: performance.now() - first, waiting, start: first - begin };
}

console.log(`${gpu.adapter.description}: ${count} samples in batches of ${batchSize}`);
for (const numWorkers of [workers, 0]) {
  const { batches, total, waiting, start } = await pass(numWorkers);
  const share = ((100 * waiting) / total).toFixed(1);
  const rate = Math.round((1000 * count) / total).toLocaleString("en");
  console.log(
    `${numWorkers} workers: the loop waits ${share} % of its time; ${batches} steps in ` +
      `${(total / 1000).toFixed(1)} s, ${rate} samples/s; first batch after ${start.toFixed(0)} ms`,
  );
}
process.exit(0);
