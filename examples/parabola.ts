/**
 * Gradient descent with a single number: where is the lowest point of f(x) = x²?
 *
 * In a terminal: npx stepscope train examples/parabola.ts -- --lr 0.1
 *
 * Try other learning rates. 0.01 creeps, 0.5 arrives in one step, 0.9 jumps from one side of the
 * valley to the other, and above 1 every step ends higher than it began.
 */
import { parseArgs } from "node:util";
import { nn, optim, tensor } from "stepscope";

const flags = parseArgs({ options: { lr: { type: "string", default: "0.1" } } });
const lr = Number(flags.values.lr);

const x = new nn.Parameter(tensor([4]));
const optimizer = new optim.SGD([x], { lr });

for (let step = 1; step <= 50; step++) {
  const loss = x.square().sum(); // f(x)
  optimizer.zeroGrad();
  loss.backward(); // x.grad is now the slope at x, which is 2x
  await optimizer.step(); // x ← x − lr · slope
}

console.log(`lr ${lr}: after 50 steps x is ${await x.item()}`);
