/** The contender that is ours. */
import { gpu } from "../../../runtime/gpu/device.ts";
import { nn, optim, randn, type Tensor, tensor } from "../../../runtime/index.ts";
import { Gpt } from "../../gpu/gpt.ts";
import { contend } from "./contend.ts";
import {
  factors,
  gradients,
  images,
  letters,
  PRODUCTS,
  SIZES,
  type Sides,
  type Task,
} from "./tasks.ts";

const lr = SIZES.learningRate;

await contend({
  ...gpu,
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
  // Data of the host would be a batch, and come anew with each step.
  const [a, b] = factors(sides).map(({ values, shape }) =>
    tensor(values, { shape }).clone().keep(),
  );
  let corner = Number.NaN;
  return {
    step: async () => {
      if (a && b) corner = (await a.matmul(b).data())[0] ?? Number.NaN;
    },
    probe: async () => corner,
  };
}

function perceptron(): Task {
  const { widths, batch } = SIZES.mlp;
  const { pixels, labels } = images();
  const model = new nn.Sequential(
    new nn.Linear(widths[0], widths[1]),
    new nn.ReLU(),
    new nn.Linear(widths[1], widths[2]),
    new nn.ReLU(),
    new nn.Linear(widths[2], widths[3]),
  );
  return training(model, () =>
    nn.functional.crossEntropy(
      model.forward(tensor(pixels, { shape: [batch, widths[0]] })),
      tensor(labels),
    ),
  );
}

function gpt(): Task {
  const { batch, ...sizes } = SIZES.gpt;
  const { tokens, next } = letters();
  const model = new Gpt(sizes);
  return training(model, () => {
    const logits = model.forward(tensor(tokens, { shape: [batch, sizes.length] }));
    return nn.functional.crossEntropy(logits.reshape(-1, sizes.vocabulary), tensor(next));
  });
}

function training(model: nn.Module, lossOf: () => Tensor): Task {
  const optimizer = new optim.Adam(model.parameters(), { lr });
  let loss: Tensor | undefined;
  return {
    step: async () => {
      loss = lossOf();
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
    },
    probe: async () => (await loss?.item()) ?? Number.NaN,
  };
}

function adam(): Task {
  const { side } = SIZES.adam;
  const parameters = gradients().map(gradient => {
    const parameter = new nn.Parameter(randn(side, side));
    parameter.grad = tensor(gradient, { shape: [side, side] });
    return parameter;
  });
  const optimizer = new optim.Adam(parameters, { lr });
  return {
    step: async () => {
      await optimizer.step();
    },
    probe: async () => (await parameters[0]?.mean().item()) ?? Number.NaN,
  };
}
