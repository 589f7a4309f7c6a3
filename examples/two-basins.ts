/**
 * A valley with two basins: f(x) = (x² − 1)² + 0.3 x. Its lowest point is in the left one, at −1.04;
 * the right one ends higher, at 0.96.
 *
 * In a terminal: npx stepscope train examples/two-basins.ts -- --noise 2.5
 *
 * Gradient descent rolls into the basin that it starts in, here the right one, and nothing tells it of the
 * other. Two things do. A longer step: 0.15 leaps over the hill. (Above 2 / 7.1 = 0.28 the right basin
 * holds no step at all, above 2 / 8.9 = 0.23 the left one neither: 7.1 and 8.9 are the curvatures at the
 * bottom.) And noise, which every gradient of a few samples has: 2.5 shakes the point out of the right
 * basin, and seldom out of the deeper one.
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

const x = new nn.Parameter(tensor([1.6]));
const optimizer = new optim.SGD([x], { lr });

for (let step = 1; step <= 200; step++) {
  const height = x.square().sub(1).square().add(x.mul(0.3)); // f(x)
  const shake = x.mul(randn([1]).mul(noise)); // its slope is the noise
  const loss = height.add(shake).sum();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}

const basin = (await x.item()) < 0 ? "left" : "right";
console.log(
  `lr ${lr}, noise ${noise}: after 200 steps x is ${await x.item()}, in the ${basin} basin`,
);
