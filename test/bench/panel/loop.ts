/** `node loop.ts SCRIPT STEPS-A-SECOND SECONDS TENSORS`: a loop that does nothing but send steps to its recorder. */
import { setTimeout as sleep } from "node:timers/promises";
import { startRecorder } from "./recorder.ts";
import { MadeUpRun } from "./series.ts";

/** As often a readback brings steps. */
const EVERY_MS = 30;

const [script = "", rate, seconds, tensors] = process.argv.slice(2);
const run = new MadeUpRun(Number(tensors));
const { runFolder, link } = startRecorder(script);
link.send({ type: "tensors", tensors: run.tensors });
console.log(runFolder);
// Whoever watches is there from the first step on.
await sleep(3000);
const start = performance.now();
const last = Number(rate) * Number(seconds);
for (let step = 1; step <= last; ) {
  const due = Math.min(last, Math.floor(((performance.now() - start) / 1000) * Number(rate)));
  if (due >= step) link.steps(run.batch(step, due - step + 1));
  step = Math.max(step, due + 1);
  await sleep(EVERY_MS);
}
link.end({ status: "completed" });
process.exit();
