/** What autograd offers beside backward(): hooks, functions of one's own, checkpoints, products. */
import { describe, expect, test } from "vitest";
import {
  autograd,
  checkpoint,
  grad,
  manualSeed,
  nn,
  rand,
  randn,
  type Tensor,
  tensor,
} from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { required } from "./fixture.ts";

const x = () => tensor([1, -2, 3], { requiresGrad: true });

describe("hooks", () => {
  test("see the gradient of a leaf and of what is between, and may replace it", async () => {
    const leaf = x();
    const middle = leaf.mul(2);
    const seen: Tensor[] = [];
    leaf.registerHook(gradient => {
      seen.push(gradient);
      return undefined;
    });
    const handle = middle.registerHook(gradient => gradient.mul(10));
    middle.square().sum().backward({ retainGraph: true });
    expect(Array.from(await required(leaf.grad).data())).toEqual([80, -160, 240]);
    expect(Array.from(await required(seen[0]).data())).toEqual([80, -160, 240]);

    handle.remove();
    const [plain] = grad(middle.square().sum(), leaf);
    expect(Array.from(await required(plain).data())).toEqual([8, -16, 24]);
  });

  test("retainGrad keeps the gradient of what is no leaf", async () => {
    const middle = x().mul(2);
    middle.retainGrad();
    middle.square().sum().backward();
    expect(Array.from(await required(middle.grad).data())).toEqual([4, -8, 12]);
  });

  test("are refused where no gradient comes, and where their shape is another", () => {
    expect(() => tensor([1]).registerHook(() => undefined)).toThrow(
      "registerHook: cannot register a hook on a tensor that requires no gradient",
    );
    const leaf = x();
    leaf.registerHook(gradient => gradient.sum());
    expect(() => leaf.sum().backward()).toThrow(
      "registerHook: the hook returned a gradient of shape [] for one of shape [3]",
    );
  });
});

describe("autograd.Function", () => {
  /** x³, whose derivative is written by hand. */
  class Cube extends autograd.Function {
    static forward(context: autograd.FunctionContext, input: Tensor): Tensor {
      context.saveForBackward(input);
      return input.mul(input).mul(input);
    }
    static backward(context: autograd.FunctionContext, gradient: Tensor): Tensor {
      const [input] = context.savedTensors;
      return gradient.mul(required(input).square().mul(3));
    }
  }

  test("has its own derivative, which can be differentiated again", async () => {
    const leaf = x();
    const [first] = grad(Cube.apply(leaf).sum(), leaf, { createGraph: true });
    expect(Array.from(await required(first).data())).toEqual([3, 12, 27]);
    const [second] = grad(required(first).sum(), leaf);
    expect(Array.from(await required(second).data())).toEqual([6, -12, 18]);
  });

  test("takes other arguments, and tells which tensors need a gradient", async () => {
    class Scale extends autograd.Function {
      static forward(context: autograd.FunctionContext, input: Tensor, factor: number): Tensor {
        context.factor = factor;
        expect(context.needsInputGrad).toEqual([true]);
        return input.mul(factor);
      }
      static backward(context: autograd.FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(Number(context.factor));
      }
    }
    const leaf = x();
    Scale.apply(leaf, 5).sum().backward();
    expect(Array.from(await required(leaf.grad).data())).toEqual([5, 5, 5]);
  });

  test("says how many gradients it should have returned", () => {
    class Wrong extends autograd.Function {
      static forward(_: autograd.FunctionContext, a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
      static backward(_: autograd.FunctionContext, gradient: Tensor): Tensor {
        return gradient;
      }
    }
    expect(() => Wrong.apply(x(), x()).sum().backward()).toThrow(
      "Wrong: backward returned 1 gradients for 2 tensors",
    );
  });
});

describe("checkpoint", () => {
  test("gives the gradients of inputs and parameters, with the same random numbers", async () => {
    const layer = new nn.Linear(3, 3);
    const noisy = (input: Tensor) => layer.forward(input).tanh().mul(rand(3));
    const gradients = async (compute: (input: Tensor) => Tensor): Promise<number[][]> => {
      manualSeed(4);
      const leaf = x();
      layer.zeroGrad();
      compute(leaf).square().sum().backward();
      const all = [leaf.grad, layer.weight.grad, layer.bias?.grad];
      return Promise.all(all.map(async gradient => Array.from(await required(gradient).data())));
    };
    const plain = await gradients(noisy);
    const saved = await gradients(input => checkpoint(noisy, input));
    for (const [i, expected] of plain.entries()) {
      expectClose(`gradient ${i}`, required(saved[i]), expected);
    }
  });

  test("can be differentiated twice", async () => {
    const leaf = x();
    const y = checkpoint(input => input.pow(3).sum(), leaf);
    const [product] = autograd.hvp(y, [leaf], [tensor([1, 1, 1])]);
    expect(Array.from(await required(product).data())).toEqual([6, -12, 18]);
  });
});

describe("grad", () => {
  test("takes gradients of outputs, and walks no further than to the inputs", async () => {
    const leaf = x();
    const middle = leaf.mul(2);
    const y = middle.square();
    const [gradient] = grad(y, middle, { gradOutputs: tensor([1, 3, 2]), retainGraph: true });
    expect(Array.from(await required(gradient).data())).toEqual([4, -24, 24]);
    const [whole] = grad(y, leaf, { gradOutputs: tensor([1, 1, 1]) });
    expect(Array.from(await required(whole).data())).toEqual([8, -16, 24]);
  });

  test("refuses inputs that were not used, or gives zeros", async () => {
    const [used, unused] = [x(), x()];
    expect(() => grad(used.sum(), [used, unused], { retainGraph: true })).toThrow(
      "grad(): input 1 of shape [3] was not used to compute the outputs. Pass { allowUnused: true }",
    );
    const [, zero] = grad(used.sum(), [used, unused], { allowUnused: true });
    expect(Array.from(await required(zero).data())).toEqual([0, 0, 0]);
  });

  test("refuses a gradient of another shape", () => {
    expect(() =>
      x()
        .square()
        .backward({ gradient: tensor([1, 2]) }),
    ).toThrow("backward(): the gradient has shape [2], but the output [3]");
    expect(() => x().square().backward()).toThrow(
      "backward(): grad can be implicitly created only for scalar outputs, this one has shape [3]",
    );
  });
});

describe("hvp", () => {
  test("of a network agrees with differences of its gradient", async () => {
    manualSeed(2);
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1));
    const input = tensor(Float32Array.from(await randn(5 * 3).data()), { shape: [5, 3] });
    const loss = () => model.forward(input).square().mean();
    const { weight } = model[0] as nn.Linear;
    const vector = tensor(Float32Array.from(await randn(12).data()), { shape: [4, 3] });
    const [product] = autograd.hvp(loss(), [weight], [vector]);
    const slope = async (h: number): Promise<number[]> => {
      const start = weight.detach();
      weight.node = start.add(vector.mul(h)).node;
      const [gradient] = grad(loss(), [weight]);
      const values = Array.from(await required(gradient).data());
      weight.node = start.node;
      return values;
    };
    const [ahead, behind] = [await slope(1e-2), await slope(-1e-2)];
    const expected = ahead.map((value, i) => (value - (behind[i] ?? 0)) / 2e-2);
    expectClose("product", await required(product).data(), expected, {
      relative: 1e-3,
      absolute: 1e-3,
    });
  });

  test("of a linear function is zero, and vectors must fit", async () => {
    const leaf = x();
    const [product] = autograd.hvp(leaf.sum(), [leaf], [tensor([1, 2, 3])]);
    expect(Array.from(await required(product).data())).toEqual([0, 0, 0]);
    expect(() => autograd.hvp(leaf.sum(), [leaf], [tensor([1])])).toThrow(
      "hvp: vector 0 should have the shape of its input [3], got [1]",
    );
  });
});
