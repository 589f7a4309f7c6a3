/** Hessian-vector products of small expressions against PyTorch: gradients are graph, too. */
import { describe, test } from "vitest";
import { grad, nn, type Tensor, tensor } from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";

interface Case {
  readonly name: string;
  readonly inputs: readonly Encoded[];
  readonly vectors: readonly Encoded[];
  readonly value: number;
  readonly grads: readonly Encoded[];
  readonly products: readonly Encoded[];
}

const { torch, cases } = readFixture<{ cases: readonly Case[] }>("second-derivatives");

const labels = tensor([2, 0, 1, 1], { dtype: "int32" });

const EXPRESSIONS: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  sumTanhSquared: x => x.tanh().square().sum(),
  sumExp: x => x.exp().sum(),
  sumSigmoid: x => x.sigmoid().sum(),
  sumGelu: x => x.gelu().sum(),
  sumGeluTanh: x => x.gelu("tanh").sum(),
  cube: x => x.pow(3).sum(),
  xLogX: x => x.mul(x.log()).sum(),
  quotient: (a, b) => a.div(b).sum(),
  sqrtOfSum: x => x.square().sum().sqrt(),
  meanTimesMax: x => x.mean().mul(x.amax()),
  softmaxSquared: x => x.softmax(1).square().sum(),
  logSoftmaxPicked: x =>
    x
      .logSoftmax(1)
      .indexSelect(1, tensor([1], { dtype: "int32" }))
      .sum()
      .neg(),
  crossEntropy: x => nn.functional.crossEntropy(x, labels),
  tanhLayer: (a, w) => a.matmul(w).tanh().square().mean(),
  broadcast: (a, b) => a.mul(b).square().sum(),
};

describe(`PyTorch ${torch}`, () => {
  test.each(cases)("$name", async ({ name, inputs, vectors, value, grads, products }) => {
    const leaves = inputs.map(input => decode(input, true));
    const [a, b] = [required(leaves[0]), leaves[1] ?? required(leaves[0])];
    const result = required(EXPRESSIONS[name])(a, b);
    const first = grad(result, leaves, { createGraph: true });
    const product = vectors
      .map((vector, i) => required(first[i]).mul(decode(vector)).sum())
      .reduce((sum, term) => sum.add(term));
    const second = grad(product, leaves);

    expectClose(name, [await result.item()], [value]);
    for (const [i, expected] of grads.entries()) {
      expectClose(`gradient ${i}`, await required(first[i]).data(), expected.data.map(numeric));
    }
    for (const [i, expected] of products.entries()) {
      expectClose(`product ${i}`, await required(second[i]).data(), expected.data.map(numeric));
    }
  });
});
