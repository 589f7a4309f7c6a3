/** Attention in one kernel against PyTorch, and its gradients, also those of higher order. */
import { expect, test } from "vitest";
import { autograd, grad, nn, type Tensor, tensor } from "../../runtime/index.ts";
import { compareWithTorch } from "./cases.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, required } from "./fixture.ts";

interface Arguments {
  readonly scale?: number;
  readonly isCausal?: boolean;
  readonly bias?: Encoded;
}

const { scaledDotProductAttention } = nn.functional;

compareWithTorch<Arguments>("attention", {
  attention: ([q, k, v], { scale, isCausal }) =>
    scaledDotProductAttention(required(q), required(k), required(v), {
      ...(scale !== undefined && { scale }),
      ...(isCausal !== undefined && { isCausal }),
    }),
  masked: ([q, k, v, attnMask]) =>
    scaledDotProductAttention(required(q), required(k), required(v), { attnMask }),
  biased: ([q, k, v], { bias }) =>
    scaledDotProductAttention(required(q), required(k), required(v), {
      attnMask: decode(required(bias)),
    }),
});

test("large scores neither overflow nor vanish", async () => {
  const q = tensor([[100], [-100]]);
  const k = tensor([[50], [1], [-50]]);
  const y = scaledDotProductAttention(q, k, tensor([[1], [2], [3]]));
  expect(Array.from(await y.data())).toEqual([1, 3]);
});

test("second derivatives agree with those of matmul and softmax", async () => {
  const inputs = [0.3, -0.2, 0.5].map(shift => {
    const values = Array.from({ length: 8 }, (_, i) => Math.sin(3 * i + shift) / 2);
    return tensor(Float32Array.from(values), { shape: [4, 2], requiresGrad: true });
  });
  const vectors = inputs.map(input => input.detach().add(0.25));
  const composed = (q: Tensor, k: Tensor, v: Tensor) => {
    const scores = q.matmul(k.t()).div(Math.SQRT2).softmax(1);
    return scores.matmul(v).pow(2).sum();
  };
  const fused = (q: Tensor, k: Tensor, v: Tensor) =>
    scaledDotProductAttention(q, k, v).pow(2).sum();
  const [q, k, v] = inputs.map(required) as [Tensor, Tensor, Tensor];
  const expected = autograd.hvp(composed(q, k, v), inputs, vectors);
  const actual = autograd.hvp(fused(q, k, v), inputs, vectors);
  for (const [i, product] of expected.entries()) {
    expectClose(`product ${i}`, await required(actual[i]).data(), await product.data());
  }
});

test("only what is asked for gets a gradient", async () => {
  const [q, k, v] = [1, 2, 3].map(x => tensor([[x]]));
  required(k).requiresGrad_();
  required(v).requiresGrad_();
  const y = scaledDotProductAttention(required(q), required(k), required(v));
  const [ofValue] = grad(y.sum(), [required(v)]);
  expect(await required(ofValue).item()).toBe(1);
});

test("refuses shapes that do not fit, and a mask beside causality", () => {
  const [q, k] = [tensor([[1, 2]]), tensor([[1]])];
  expect(() => scaledDotProductAttention(q, k, k)).toThrow(
    "scaledDotProductAttention: query, key and value [1, 2], [1, 1], [1, 1] should be [..., L, E], " +
      "[..., S, E] and [..., S, Ev]",
  );
  const attnMask = tensor([[true]]);
  expect(() => scaledDotProductAttention(k, k, k, { attnMask, isCausal: true })).toThrow(
    "scaledDotProductAttention: give attnMask or isCausal, not both",
  );
});
