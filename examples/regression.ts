/**
 * Regression: a small network learns a curve from noisy points.
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/regression.ts
 */
import { data, manualSeed, nn, noGrad, optim, rand, randn } from "stepscope";

manualSeed(1);

// 256 points of y = sin(3x) between -1 and 1, each a little beside the curve.
const x = rand(256, 1).mul(2).sub(1);
const y = x.mul(3).sin().add(randn(256, 1).mul(0.1));
const loader = new data.DataLoader(new data.TensorDataset(x, y), { batchSize: 32, shuffle: true });

// One number goes in, 32 hidden units bend the line, and one number comes out.
const model = new nn.Sequential(new nn.Linear(1, 32), new nn.Tanh(), new nn.Linear(32, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
const lossFn = new nn.MSELoss();

for (let epoch = 1; epoch <= 100; epoch++) {
  for await (const [inputs, targets] of loader) {
    const loss = lossFn.forward(model.forward(inputs), targets); // the mean squared distance
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}

// No model can foresee the noise, which is 0.1 on average. It should find the curve beneath.
const distance = noGrad(() => model.forward(x).sub(x.mul(3).sin()).square().mean().sqrt());
console.log(`the network is ${(await distance.item()).toFixed(3)} from the curve on average`);
