/**
 * A saddle: f(x, y) = x² − y² + y⁴ / 2 falls to the saddle point (0, 0) along x, and from there on to
 * both sides, to its lowest points (0, ±1).
 *
 * In a terminal: npx stepscope train examples/saddle.ts -- --noise 0.01
 *
 * On the ridge y = 0 the slope has no part along y at all: without noise, gradient descent runs into the
 * saddle point and rests there, the gradient norm at 0, as if all were done. The least noise is enough to
 * leave it: each step multiplies what there is of y by 1 + 2 lr. The loss stands still for a while, and
 * then falls: so does that of a network now and then.
 */
import { parseArgs } from "node:util";
import { manualSeed, nn, optim, randn, tensor } from "stepscope";

const flags = parseArgs({
  options: {
    lr: { type: "string", default: "0.1" },
    noise: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
  },
});
const lr = Number(flags.values.lr);
const noise = Number(flags.values.noise);
manualSeed(Number(flags.values.seed));

const point = new nn.Parameter(tensor([1.5, 0]));
const optimizer = new optim.SGD([point], { lr });

for (let step = 1; step <= 100; step++) {
  const [x, y] = [point.narrow(0, 0, 1), point.narrow(0, 1, 1)];
  const height = x.square().sub(y.square()).add(y.pow(4).div(2)); // f(x, y)
  const shake = point.mul(randn([2]).mul(noise)).sum(); // its slope is the noise
  const loss = height.sum().add(shake);
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}

const [x = 0, y = 0] = await point.data();
console.log(`lr ${lr}, noise ${noise}: after 100 steps the point is (${x}, ${y})`);
