/**
 * What it costs to train with two processes on this machine: copies between GPU and host, the sum of the
 * gradients, and a step of two micro-batches in one process beside one micro-batch in each of two.
 *
 *     node test/bench/parallel.ts [rounds]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { gpu } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, parallel, randn, tensor, zeros } from "../../runtime/index.ts";
import { SIZES } from "./perceptron.ts";
import { quantile } from "./table.ts";

const NUMBERS = [1e4, 1e6, 1e7];
const MICRO_BATCHES = 2;
const rounds = Number(process.argv[2] ?? 20);

/** Median of the rounds, in milliseconds; what compiles goes first. */
async function time(round: () => Promise<unknown>): Promise<string> {
  await round();
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await round();
    took.push(performance.now() - start);
  }
  return `${quantile(took, 0.5).toPrecision(3)} ms`;
}

async function measureCopies(): Promise<void> {
  for (const count of NUMBERS) {
    const there = randn(count).keep();
    const here = Float32Array.from({ length: count }, Math.random);
    const target = gpu.device.createBuffer({ size: 4 * count, usage: GPUBufferUsage.COPY_DST });
    const read = await time(() => there.data());
    const write = await time(() => {
      gpu.device.queue.writeBuffer(target, 0, here);
      return gpu.device.queue.onSubmittedWorkDone();
    });
    target.destroy();
    console.log(`${count.toExponential()} numbers: read ${read}, write ${write}`);
  }
}

/** The part of a worker; the first one tells. */
async function work(): Promise<void> {
  const workers = await parallel.join();
  const tell = (text: string) => workers.rank === 0 && console.log(text);
  if (workers.size > 1) {
    for (const count of NUMBERS) {
      const parameter = new nn.Parameter(zeros(count));
      const optimizer = new optim.SGD([parameter]);
      parameter.grad = randn(count).keep();
      const took = await time(() => workers.sumGradients(optimizer));
      tell(`${count.toExponential()} numbers: sum over ${workers.size} workers ${took}`);
    }
  }
  for (const { name, widths, batch } of SIZES) {
    manualSeed(1);
    const [inputs, hidden, outputs] = widths;
    const model = new nn.Sequential(
      new nn.Linear(inputs, hidden),
      new nn.ReLU(),
      new nn.Linear(hidden, outputs),
    );
    const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
    const x = randn(batch, inputs).keep();
    const y = tensor(
      Array.from({ length: batch }, (_, i) => i % outputs),
      { dtype: "int32" },
    );
    const took = await time(async () => {
      for (let i = workers.rank; i < MICRO_BATCHES; i += workers.size) {
        nn.functional.crossEntropy(model.forward(x), y).div(MICRO_BATCHES).backward();
      }
      await workers.sumGradients(optimizer);
      await optimizer.step();
      optimizer.zeroGrad();
      await gpu.device.queue.onSubmittedWorkDone();
    });
    const each = `${MICRO_BATCHES / workers.size} micro-batches each`;
    tell(`${name}: ${workers.size} workers, ${each}: ${took} a step`);
  }
  workers.close();
}

async function main(): Promise<void> {
  const load = loadavg()[0]?.toFixed(1);
  console.log(`${gpu.adapter.description}, median of ${rounds} rounds; load before: ${load}`);
  await measureCopies();
  const folder = mkdtempSync(join(tmpdir(), "stepscope-bench-"));
  for (const size of [1, 2]) {
    const env = {
      ...process.env,
      STEPSCOPE_SIZE: String(size),
      STEPSCOPE_GROUP: join(folder, `${size}`),
    };
    const workers = Array.from({ length: size }, (_, rank) =>
      spawn(process.execPath, [import.meta.filename, String(rounds)], {
        env: { ...env, STEPSCOPE_RANK: String(rank) },
        stdio: "inherit",
      }),
    );
    await Promise.all(workers.map(worker => once(worker, "exit")));
  }
  rmSync(folder, { recursive: true });
}

await (process.env.STEPSCOPE_RANK === undefined ? main() : work());
process.exit(0);
