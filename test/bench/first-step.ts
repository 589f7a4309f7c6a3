/**
 * What the first step of a small GPT costs beside a steady one, in a process that knows nothing of its
 * kernels, and in the next ones, which compile them while the script loads:
 *
 *     node test/bench/first-step.ts [processes]
 *
 * The goal is a first step of at most three steady ones, beside the time that it waits for kernels.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quantile } from "./table.ts";

/** Milliseconds. */
interface Measured {
  /** From the start of the process to the end of its first step. */
  readonly toFirst: number;
  readonly first: number;
  /** Of the first step: waiting for kernels. */
  readonly compile: number;
  readonly steady: number;
}

const STEPS = 7;
const GPT = { vocabulary: 65, length: 64, width: 128, heads: 4, layers: 2 };
const BATCH = 8;

if (process.argv[2] !== "train") compare(Number(process.argv[2] ?? 4));
else await train();

function compare(processes: number): void {
  const cache = mkdtempSync(join(tmpdir(), "stepscope-first-step-"));
  for (let i = 0; i < processes; i++) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [import.meta.filename, "train"],
      {
        env: { ...process.env, STEPSCOPE_CACHE: cache },
        encoding: "utf8",
      },
    );
    if (status !== 0) throw new Error(stderr);
    const { toFirst, first, compile, steady } = JSON.parse(stdout) as Measured;
    const ratio = (first - compile) / steady;
    console.log(
      `${i === 0 ? "no kernel known" : "kernels known  "}: ${toFirst.toFixed(0)} ms from the start to the end of ` +
        `the first step, which takes ${first.toFixed(0)} ms, ${compile.toFixed(0)} of them waiting for kernels; a ` +
        `steady one takes ${steady.toFixed(0)}: without kernels ${ratio.toFixed(1)}× (goal ≤ 3×)`,
    );
  }
  rmSync(cache, { recursive: true });
}

async function train(): Promise<void> {
  const [{ data, manualSeed, nn, optim }, { counters }, { Gpt }] = await Promise.all([
    import("../../runtime/index.ts"),
    import("../../runtime/gpu/device.ts"),
    import("../gpu/gpt.ts"),
  ]);
  manualSeed(1);
  const letters = Int32Array.from(
    { length: STEPS * BATCH * GPT.length + 1 },
    (_, i) => (i * i) % GPT.vocabulary,
  );
  const windows = new data.TokenWindows(letters, GPT.length);
  const model = new Gpt(GPT);
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const times: number[] = [];
  let compile = 0;
  let toFirst = 0;
  let start = 0;
  for await (const [inputs, targets] of new data.DataLoader(windows, { batchSize: BATCH })) {
    start = performance.now();
    const waited = counters.compileMs;
    const logits = model.forward(inputs).reshape(-1, GPT.vocabulary);
    const loss = nn.functional.crossEntropy(logits, targets.reshape(-1));
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
    await loss.item();
    times.push(performance.now() - start);
    if (times.length === 1) {
      compile = counters.compileMs - waited;
      toFirst = performance.now();
    }
    if (times.length === STEPS) break;
  }
  const [first = Number.NaN, ...others] = times;
  const measured: Measured = { toFirst, first, compile, steady: quantile(others.slice(1), 0.5) };
  console.log(JSON.stringify(measured));
  process.exit(0);
}
