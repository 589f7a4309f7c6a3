/**
 * How long a training loop waits for its loader: one pass over small samples that threads make, shuffled,
 * with a step of a small classifier for each batch. Beside it the same without threads.
 *
 *     node test/bench/loader.ts [samples] [batchSize] [workers]
 *
 * The first batch waits for the threads to start and for the order of the samples, which a pass pays once; the first
 * steps compile their kernels: both are counted apart. On a machine whose cores also compute the steps
 * (SwiftShader) a wait may be that for a core; processor time tells.
 */
import { gpu } from "../../runtime/gpu/device.ts";
import { data, manualSeed, nn, optim } from "../../runtime/index.ts";
import type samples from "./loader/samples.ts";
import { CLASSES, FEATURES } from "./loader/samples.ts";

const [count = 1e6, batchSize = 256, workers = 2] = process.argv.slice(2).map(Number);

/** Steps that belong to the beginning. */
const WARM_UP = 20;

interface Pass {
  /** Steps behind the beginning. */
  readonly steps: number;
  /** Milliseconds that they took, and of these waiting for the next batch. */
  readonly total: number;
  readonly waiting: number;
  /** Milliseconds of processor time: of the loop's thread, and of the whole process. */
  readonly loopTime: number;
  readonly processTime: number;
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
  const start = performance.now() - begin;
  let from = clocks();
  let waiting = 0;
  for (let step = 0; !next.done; step++) {
    if (step === WARM_UP) {
      await gpu.device.queue.onSubmittedWorkDone();
      from = clocks();
      waiting = 0;
    }
    const [inputs, targets] = next.value;
    const loss = lossFn.forward(model.forward(inputs), targets);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
    const asked = performance.now();
    next = await batches.next();
    waiting += performance.now() - asked;
  }
  await gpu.device.queue.onSubmittedWorkDone();
  const to = clocks();
  return {
    steps: loader.length - WARM_UP,
    total: to.now - from.now,
    waiting,
    loopTime: to.loop - from.loop,
    processTime: to.process - from.process,
    start,
  };
}

/** Milliseconds that have gone by, and of processor time. */
function clocks(): { now: number; loop: number; process: number } {
  const sum = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
  const [loop, all] = [process.threadCpuUsage(), process.cpuUsage()];
  return { now: performance.now(), loop: sum(loop), process: sum(all) };
}

console.log(`${gpu.adapter.description}: ${count} samples in batches of ${batchSize}`);
for (const numWorkers of [workers, 0]) {
  const { steps, total, waiting, loopTime, processTime, start } = await pass(numWorkers);
  const share = ((100 * waiting) / total).toFixed(1);
  const rate = Math.round((1000 * steps * batchSize) / total).toLocaleString("en");
  const aStep = (time: number) => `${(time / steps).toFixed(2)} ms`;
  console.log(
    `${numWorkers} workers: the loop waits ${share} % of its time, ${aStep(waiting)} of ${aStep(total)} a step; ` +
      `processor time ${aStep(loopTime)} in its thread, ${aStep(processTime)} in all; ${rate} samples/s; ` +
      `first batch after ${start.toFixed(0)} ms`,
  );
}
process.exit(0);
