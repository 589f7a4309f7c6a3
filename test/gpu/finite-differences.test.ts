/** Gradients against differences of the function itself: needs no other framework. */
import { expect, test } from "vitest";
import { grad, manualSeed, nn, randn, type Tensor, tensor } from "../../runtime/index.ts";

const labels = tensor([0, 2, 1, 1, 0, 2], { dtype: "int32" });

/** Smooth functions of a matrix [6, 3]. */
const FUNCTIONS: Record<string, (x: Tensor) => Tensor> = {
  "cross-entropy": x => nn.functional.crossEntropy(x, labels),
  "standardised rows": x => {
    const centred = x.sub(x.mean(1, true));
    return centred.div(centred.square().mean(1, true).add(0.1).sqrt()).exp().mean();
  },
  "attention with itself": x => x.matmul(x.t()).softmax(1).matmul(x).square().mean(),
  "activations in a row": x => x.gelu().add(x.sigmoid()).mul(x.tanh()).sum(),
  "logarithm of a mixture": x => x.square().add(1).log().sum(0).exp().sqrt().sum(),
  "picked and joined": x =>
    x
      .indexSelect(0, tensor([5, 0, 0], { dtype: "int32" }))
      .transpose(0, 1)
      .reshape(9)
      .pow(3)
      .sum(),
};

test.each(Object.entries(FUNCTIONS))("%s", async (_, compute) => {
  manualSeed(5);
  const x = await randomMatrix();
  for (let trial = 0; trial < 3; trial++) {
    const direction = await randomMatrix();
    // With float32 a step of 1e-2 balances rounding (1e-7 / h) and curvature (h²).
    const h = 1e-2;
    const ahead = await compute(x.add(direction.mul(h))).item();
    const behind = await compute(x.sub(direction.mul(h))).item();
    const leaf = x.detach().requiresGrad_();
    const [gradient = leaf] = grad(compute(leaf), [leaf]);
    const slope = await gradient.mul(direction).sum().item();
    expect(Math.abs((ahead - behind) / (2 * h) - slope)).toBeLessThan(2e-3 * (1 + Math.abs(slope)));
  }
});

/** Random numbers [6, 3] that stay the same however often they are used. */
async function randomMatrix(): Promise<Tensor> {
  return tensor(Float32Array.from(await randn(18).data()), { shape: [6, 3] });
}
