/** What the tasks of a cluster train: each step takes a tenth of a second. */
import { setTimeout as sleep } from "node:timers/promises";
import { Checkpoints, nn, optim, randn } from "stepscope";

const steps = Number(process.argv[2]);
const model = new nn.Linear(4, 1);
const inputs = randn(32, 4).keep();
const targets = inputs.sum(1, true).keep();
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
const checkpoints = new Checkpoints({ model, optimizer }, { every: 1e6 });
const { step: done = 0 } = (await checkpoints.resume()) ?? {};
console.log("from", done);
for (let step = done + 1; step <= steps; step++) {
  optimizer.zeroGrad();
  model.forward(inputs).sub(targets).square().mean().backward();
  await optimizer.step();
  await sleep(100);
  await checkpoints.saveIfDue({ step });
}
