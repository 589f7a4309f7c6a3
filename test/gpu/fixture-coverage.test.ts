/** Which operations of the public API PyTorch has answered for, and why the others need no answer. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { nn, Tensor } from "../../runtime/index.ts";
import * as functions from "../../runtime/tensor/functions.ts";
import { readFixture } from "./fixture.ts";

/** Reasons why a name stands in no fixture, each with the names. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  "computes nothing: what is known of a tensor, or how it is held": [
    ...["constructor", "shape", "ndim", "numel", "size", "dtype", "node", "version", "views"],
    ...["item", "data", "keep", "toString"],
  ],
  "autograd itself: autograd.test.ts, finite-differences.test.ts": [
    ...["requiresGrad", "requiresGrad_", "isLeaf", "retainGrad", "registerHook", "detach"],
    "backward",
  ],
  "random: random.test.ts compares distributions": [
    ...["bernoulli", "multinomial", "normal", "randint", "randLike", "randnLike", "randperm"],
    ...["bernoulli_", "normal_", "uniform_", "dropout"],
  ],
  "the form in place of an operation with a fixture, or a constant: in-place.test.ts": [
    ...["abs_", "add_", "ceil_", "clamp_", "copy_", "div_", "exp_", "fill_", "floor_", "indexAdd_"],
    ...["lerp_", "log_", "maskedFill_", "mul_", "neg_", "pow_", "reciprocal_", "relu_"],
    ...["remainder_", "round_", "rsqrt_", "scatterAdd_", "scatter_", "sigmoid_", "sqrt_"],
    ...["square_", "sub_", "tanh_", "tril_", "triu_", "zero_"],
  ],
  "a cast, which stands there with numbers of all kinds: float16.test.ts": ["half"],
  "stands there as a layer: layers.test.ts": [...["embedding", "bilinear", "rmsNorm"]],
  "stands there by another name: bce, bceWithLogits, places1d and places2d, attention": [
    ...["binaryCrossEntropy", "binaryCrossEntropyWithLogits", "maxPool1dWithIndices"],
    ...["maxPool2dWithIndices", "scaledDotProductAttention"],
  ],
};

function namesInFixtures(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of readdirSync(new URL("../fixtures/", import.meta.url))) {
    if (!file.endsWith(".json.gz")) continue;
    const { cases = [] } = readFixture<{ cases?: readonly { readonly op?: string }[] }>(
      file.replace(".json.gz", ""),
    );
    for (const { op } of cases) if (op) names.add(op);
  }
  return names;
}

test("every operation stands in a fixture of PyTorch, or it is said why not", () => {
  const operations = new Set([
    ...Object.getOwnPropertyNames(Tensor.prototype),
    ...Object.keys(functions),
    ...Object.keys(nn.functional),
  ]);
  const answered = namesInFixtures();
  const excused = Object.values(REASONS).flat();
  const missing = [...operations].filter(name => !answered.has(name) && !excused.includes(name));
  expect(missing).toEqual([]);
  // A reason for what is gone, or has a fixture by now, would hide what comes under its name.
  expect(excused.filter(name => answered.has(name) || !operations.has(name))).toEqual([]);
});
