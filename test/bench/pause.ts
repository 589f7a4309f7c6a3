/**
 * How long a loop takes to pause: from the request of a client to the record that says that it is held,
 * with all its points, over the socket and back.
 *
 *     npm run build && node test/bench/pause.ts [pauses]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TrainingProject } from "../gpu/training-project.ts";
import { quantile } from "./table.ts";

/** Steps of the digits example without end. */
const SCRIPT = `
import { nn, optim, randn } from "stepscope";
const model = new nn.Sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Linear(128, 10));
const optimizer = new optim.AdamW(model.parameters());
const inputs = randn(32, 64).keep();
while (true) {
  const loss = model.forward(inputs).square().mean();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}`;
const pauses = Number(process.argv[2] ?? 50);

const project = new TrainingProject();
project.write("endless.ts", SCRIPT);
const run = await project.start("endless.ts");
const times: number[] = [];
for (let i = 0; i < pauses; i++) {
  const { steps } = run;
  await run.until(() => run.steps >= steps + 5);
  // At any time within a step.
  await sleep(10 * Math.random());
  const start = performance.now();
  run.connection.control({ type: "pause" });
  await run.until(() => run.record.paused === true);
  times.push(performance.now() - start);
  run.connection.control({ type: "resume" });
  await run.until(() => run.record.paused === false);
}
run.connection.stop();
await run.closed;
project.remove();
const [median, late, worst] = [0.5, 0.95, 1].map(share => quantile(times, share).toFixed(0));
console.log(`${pauses} pauses: median ${median} ms, 95 % ${late} ms, longest ${worst} ms`);
process.exit(0);
