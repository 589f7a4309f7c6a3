/**
 * The contender @jax-js/jax, each step one jitted function. It has no optimizers, so Adam is written
 * with its operations, by PyTorch's formula. A call consumes its arguments; `.ref` keeps one.
 */
import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  jit,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import { contend } from "./contend.ts";
import { adapter } from "./offeredAdapter.ts";
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

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** How many arrays `block` returns. */
const BLOCK_SIZE = 12;

/** Parameters in the order in which a model takes them. */
type Parameters = np.Array[];
type Rates = { size: np.Array; correction: np.Array };
/** Parameters and the moving means of their gradients and of the squares of those. */
type State = { parameters: Parameters; means: Parameters; squares: Parameters };
type Loss = (parameters: Parameters, input: np.Array, target: np.Array) => np.Array;

await init("webgpu");
defaultDevice("webgpu");
await contend({
  adapter,
  device: getWebGPUDevice(),
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
  const [a, b] = factors(sides).map(({ values, shape }) => np.array(values, { shape: [...shape] }));
  const multiply = jit((x: np.Array, y: np.Array) => np.matmul(x, y));
  let corner = Number.NaN;
  return {
    step: async () => {
      if (a && b) corner = Number((await multiply(a.ref, b.ref).data())[0]);
    },
    probe: async () => corner,
  };
}

function perceptron(): Task {
  const { widths, batch } = SIZES.mlp;
  const { pixels, labels } = images();
  const parameters = widths.slice(1).flatMap((width, i) => linear(widths[i] ?? 0, width));
  const loss: Loss = ([w1, b1, w2, b2, w3, b3], input, target) => {
    const hidden = nn.relu(apply(nn.relu(apply(input, w1, b1)), w2, b2));
    return crossEntropy(apply(hidden, w3, b3), target, widths[3]);
  };
  return training(parameters, loss, () => [
    np.array(pixels, { shape: [batch, widths[0]] }),
    np.array(labels),
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
  const loss: Loss = ([wte, wpe, ...rest], input, target) => {
    let x = np.matmul(nn.oneHot(input, vocabulary), given(wte)).reshape([batch, length, width]);
    x = x.add(given(wpe));
    for (let i = 0; i < layers; i++) x = applyBlock(x, rest.splice(0, BLOCK_SIZE));
    const [scale, shift, head] = rest;
    const logits = np.matmul(applyNorm(x, scale, shift), given(head));
    return crossEntropy(logits.reshape([batch * length, vocabulary]), target, vocabulary);
  };
  return training(parameters, loss, () => [np.array(tokens), np.array(next)]);
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

function applyBlock(input: np.Array, parameters: Parameters): np.Array {
  const { batch, length, width, heads } = SIZES.gpt;
  const [s1, t1, wQkv, bQkv, wProj, bProj, s2, t2, wFc, bFc, wOut, bOut] = parameters;
  const qkv = apply(applyNorm(input.ref, s1, t1), wQkv, bQkv);
  const [q, k, v] = np
    .split(qkv, 3, 2)
    .map(part => part.reshape([batch, length, heads, width / heads]));
  const attended = nn
    .dotProductAttention(given(q), given(k), given(v), { isCausal: true })
    .reshape([batch, length, width]);
  const x = input.add(apply(attended, wProj, bProj));
  const hidden = nn.gelu(apply(applyNorm(x.ref, s2, t2), wFc, bFc));
  return x.add(apply(hidden, wOut, bOut));
}

/** A training step with Adam; `batch` makes its input and target anew for each step. */
function training(parameters: Parameters, loss: Loss, batch: () => [np.Array, np.Array]): Task {
  const train = jit((state: State, rates: Rates, input: np.Array, target: np.Array) => {
    const compute = (p: Parameters): np.Array => loss(p, input, target);
    const [value, grads] = valueAndGrad(compute)(tree.ref(state.parameters));
    return { state: update(state, rates, grads), value };
  });
  let state = start(parameters);
  let last: np.Array | undefined;
  let steps = 0;
  return {
    step: async () => {
      last?.dispose();
      const result = train(state, ratesOf(++steps), ...batch());
      state = result.state;
      // Nothing is submitted before something is waited for.
      last = await blockUntilReady(result.value);
    },
    probe: async () => Number((await last?.ref.data())?.[0]),
  };
}

function adam(): Task {
  const { side } = SIZES.adam;
  const shape: [number, number] = [side, side];
  const grads = gradients().map(values => np.array(values, { shape }));
  const train = jit(update);
  let state = start(grads.map(() => weight(...shape)));
  let steps = 0;
  return {
    step: async () => {
      state = train(state, ratesOf(++steps), tree.ref(grads));
      await blockUntilReady(state.parameters[0] ?? []);
    },
    probe: async () => Number((await np.mean(given(state.parameters[0]).ref).data())[0]),
  };
}

function start(parameters: Parameters): State {
  const zeros = (): Parameters => parameters.map(each => np.zeros([...each.shape]));
  return { parameters, means: zeros(), squares: zeros() };
}

/** Step size and correction of the squares in a step, as data: numbers would be compiled in. */
function ratesOf(step: number): Rates {
  return {
    size: np.array(Float32Array.of(SIZES.learningRate / (1 - BETA1 ** step))),
    correction: np.array(Float32Array.of(1 / (1 - BETA2 ** step))),
  };
}

/** One step of Adam. */
function update(state: State, { size, correction }: Rates, grads: Parameters): State {
  const next: State = { parameters: [], means: [], squares: [] };
  grads.forEach((g, i) => {
    const mean = given(state.means[i])
      .mul(BETA1)
      .add(g.ref.mul(1 - BETA1));
    const square = given(state.squares[i])
      .mul(BETA2)
      .add(np.square(g).mul(1 - BETA2));
    const scale = np.sqrt(square.ref.mul(correction.ref)).add(EPSILON);
    const change = mean.ref.mul(size.ref).div(scale);
    next.parameters.push(given(state.parameters[i]).sub(change));
    next.means.push(mean);
    next.squares.push(square);
  });
  size.dispose();
  correction.dispose();
  return next;
}

/** The mean cross entropy of logits [batch, classes] and labels [batch]. */
function crossEntropy(logits: np.Array, labels: np.Array, classes: number): np.Array {
  const chosen = nn.logSoftmax(logits).mul(nn.oneHot(labels, classes));
  return np.mean(np.sum(chosen, 1)).mul(-1);
}

function linear(inputs: number, outputs: number): Parameters {
  return [weight(inputs, outputs), np.zeros([outputs])];
}

/** Parameters of a layer norm. */
function norm(width: number): Parameters {
  return [np.ones([width]), np.zeros([width])];
}

function weight(inputs: number, outputs: number): np.Array {
  return np.array(initial(inputs, outputs), { shape: [inputs, outputs] });
}

function apply(input: np.Array, matrix?: np.Array, bias?: np.Array): np.Array {
  return np.matmul(input, given(matrix)).add(given(bias));
}

function applyNorm(input: np.Array, scale?: np.Array, shift?: np.Array): np.Array {
  return nn.standardize(input, -1).mul(given(scale)).add(given(shift));
}

function given(array: np.Array | undefined): np.Array {
  if (!array) throw new Error("An array is missing.");
  return array;
}
