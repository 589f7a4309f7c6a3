/**
 * The contender TF.js on WebGPU. Its gradients exist only in its ES modules, which Node cannot load
 * as they are: engine.ts bundles this file.
 */
import { adapter } from "./offeredAdapter.ts";
import "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { contend } from "./contend.ts";
import {
  factors,
  gradients,
  images,
  initial,
  letters,
  PRODUCTS,
  SIZES,
  type Sides,
  type Task,
} from "./tasks.ts";

/** How many variables `block` returns. */
const BLOCK_SIZE = 12;

/** Parameters in the order in which a model takes them. */
type Parameters = tf.Variable[];
type Loss = (parameters: Parameters, input: tf.Tensor, target: tf.Tensor) => tf.Scalar;

/** Added to a score of attention that must not count. */
const MASKED = -1e9;

await tf.setBackend("webgpu");
await contend({
  adapter,
  device: (tf.backend() as WebGPUBackend).device,
  tasks: {
    matmul512: () => product(PRODUCTS.matmul512),
    matmul1024: () => product(PRODUCTS.matmul1024),
    longMatmul: () => product(PRODUCTS.longMatmul),
    vectorMatmul: () => product(PRODUCTS.vectorMatmul),
    mlp: perceptron,
    gpt,
    adam,
  },
});

function product(sides: Sides): Task {
  const [a, b] = factors(sides).map(({ values, shape }) => tf.tensor(values, [...shape]));
  return reading(() => tf.matMul(given(a), given(b)));
}

function perceptron(): Task {
  const { widths, batch } = SIZES.mlp;
  const { pixels, labels } = images();
  const parameters = widths.slice(1).flatMap((width, i) => linear(widths[i] ?? 0, width));
  const loss: Loss = ([w1, b1, w2, b2, w3, b3], input, target) => {
    const hidden = tf.relu(apply(tf.relu(apply(input, w1, b1)), w2, b2));
    return crossEntropy(apply(hidden, w3, b3), target, widths[3]);
  };
  return training(parameters, loss, () => [
    tf.tensor(pixels, [batch, widths[0]]),
    tf.tensor1d(labels, "int32"),
  ]);
}

function gpt(): Task {
  const { vocabulary, length, width, layers, batch } = SIZES.gpt;
  const { tokens, next } = letters();
  const parameters = [
    weight(vocabulary, width),
    weight(length, width),
    ...Array.from({ length: layers }, block).flat(),
    ...norm(width),
    weight(width, vocabulary),
  ];
  const bias = causalBias(length);
  const loss: Loss = ([wte, wpe, ...rest], input, target) => {
    const embedded = tf.gather(given(wte), input as tf.Tensor1D);
    let x = tf.reshape(embedded, [batch, length, width]);
    x = tf.reshape(tf.add(x, given(wpe)), [batch * length, width]);
    for (let i = 0; i < layers; i++) x = applyBlock(x, rest.splice(0, BLOCK_SIZE), bias);
    const [scale, shift, head] = rest;
    return crossEntropy(tf.matMul(applyNorm(x, scale, shift), given(head)), target, vocabulary);
  };
  return training(parameters, loss, () => [
    tf.tensor1d(tokens, "int32"),
    tf.tensor1d(next, "int32"),
  ]);
}

/** Parameters of a block of the GPT. */
function block(): Parameters {
  const { width } = SIZES.gpt;
  return [
    ...norm(width),
    ...linear(width, 3 * width),
    ...linear(width, width),
    ...norm(width),
    ...linear(width, 4 * width),
    ...linear(4 * width, width),
  ];
}

/** @param input [batch · length, width] */
function applyBlock(input: tf.Tensor, parameters: Parameters, bias: tf.Tensor): tf.Tensor {
  const [s1, t1, wQkv, bQkv, wProj, bProj, s2, t2, wFc, bFc, wOut, bOut] = parameters;
  const qkv = apply(applyNorm(input, s1, t1), wQkv, bQkv);
  const x = tf.add(input, apply(attention(qkv, bias), wProj, bProj));
  return tf.add(x, apply(gelu(apply(applyNorm(x, s2, t2), wFc, bFc)), wOut, bOut));
}

function attention(qkv: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const { batch, length, width, heads } = SIZES.gpt;
  const [q, k, v] = tf
    .split(qkv, 3, 1)
    .map(part =>
      tf.transpose(tf.reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3]),
    );
  const scores = tf.mul(tf.matMul(given(q), given(k), false, true), Math.sqrt(heads / width));
  const attended = tf.matMul(tf.softmax(tf.add(scores, bias)), given(v));
  return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [batch * length, width]);
}

function causalBias(length: number): tf.Tensor {
  const values = Float32Array.from({ length: length ** 2 }, (_, i) =>
    i % length > Math.floor(i / length) ? MASKED : 0,
  );
  return tf.tensor(values, [length, length]);
}

/** A training step with Adam; `batch` makes its input and target anew for each step. */
function training(parameters: Parameters, loss: Loss, batch: () => [tf.Tensor, tf.Tensor]): Task {
  const optimizer = startAdam();
  return reading(() => {
    const [input, target] = batch();
    const cost = optimizer.minimize(() => loss(parameters, input, target), true);
    return given(cost ?? undefined);
  });
}

function adam(): Task {
  const { side } = SIZES.adam;
  const optimizer = startAdam();
  const variables = gradients().map(() => weight(side, side));
  const named = gradients().map((values, i) => ({
    name: given(variables[i]).name,
    tensor: tf.tensor(values, [side, side]),
  }));
  return reading(() => {
    optimizer.applyGradients(named);
    return tf.slice(given(variables[0]), [0, 0], [1, 1]);
  });
}

function startAdam(): tf.AdamOptimizer {
  return tf.train.adam(SIZES.learningRate, 0.9, 0.999, 1e-8);
}

/** Steps that end with reading what they return, which makes TF.js submit all that it holds back. */
function reading(step: () => tf.Tensor): Task {
  let last = Number.NaN;
  return {
    step: async () => {
      const result = tf.tidy(step);
      last = (await result.data())[0] ?? Number.NaN;
      result.dispose();
    },
    probe: async () => last,
  };
}

/** The mean cross entropy of logits [batch, classes] and labels [batch]. */
function crossEntropy(logits: tf.Tensor, labels: tf.Tensor, classes: number): tf.Scalar {
  return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, classes), logits);
}

/** The tanh form, which is what the others compute. */
function gelu(x: tf.Tensor): tf.Tensor {
  const inner = tf.mul(
    tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)),
    Math.sqrt(2 / Math.PI),
  );
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

function linear(inputs: number, outputs: number): Parameters {
  return [weight(inputs, outputs), tf.variable(tf.zeros([outputs]))];
}

/** Parameters of a layer norm. */
function norm(width: number): Parameters {
  return [tf.variable(tf.ones([width])), tf.variable(tf.zeros([width]))];
}

function weight(inputs: number, outputs: number): tf.Variable {
  return tf.variable(tf.tensor(initial(inputs, outputs), [inputs, outputs]));
}

function apply(input: tf.Tensor, matrix?: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return tf.add(tf.matMul(input, given(matrix)), given(bias));
}

function applyNorm(input: tf.Tensor, scale?: tf.Tensor, shift?: tf.Tensor): tf.Tensor {
  const centred = tf.sub(input, tf.mean(input, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, given(scale)), given(shift));
}

function given<T>(tensor: T | undefined): T {
  if (!tensor) throw new Error("A tensor is missing.");
  return tensor;
}
