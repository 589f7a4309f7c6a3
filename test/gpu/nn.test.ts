/** Modules: how they find their parameters, how these start, and what they refuse. */
import { describe, expect, test } from "vitest";
import { manualSeed, nn, randn, type Tensor, tensor, zeros } from "../../runtime/index.ts";

/** A block with an array of layers, a parameter of its own and a shared layer. */
class Block extends nn.Module {
  readonly scale = new nn.Parameter(tensor([1]));
  readonly layers = [new nn.Linear(4, 4), new nn.Tanh(), new nn.Linear(4, 4, { bias: false })];
  readonly note = "not a module";
  readonly tied: nn.Module | undefined = this.layers[0];

  forward(input: Tensor): Tensor {
    return this.layers.reduce((x, layer) => layer.forward(x), input).mul(this.scale);
  }
}

class Model extends nn.Module {
  readonly body = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new Block());
  readonly head = new nn.Linear(4, 2);

  forward(input: Tensor): Tensor {
    return this.head.forward(this.body.forward(input));
  }
}

/** A module whose forward takes and returns something else than tensors. */
class Counter extends nn.Module<[count: number], { count: number }> {
  readonly step = new nn.Parameter(tensor([1]));

  forward(count: number): { count: number } {
    return { count: count + 1 };
  }
}

describe("Module", () => {
  test("may take and return what it likes", () => {
    expect(new Counter().forward(1)).toEqual({ count: 2 });
    class Pair extends nn.Module {
      readonly counters = [new Counter(), new Counter()];
      forward(input: Tensor): Tensor {
        return input.mul(this.counters.length);
      }
    }
    const names = new Pair().namedParameters().map(([name]) => name);
    expect(names).toEqual(["counters.0.step", "counters.1.step"]);
  });

  test("names parameters as PyTorch does, and shared ones once", () => {
    const names = new Model().namedParameters().map(([name]) => name);
    expect(names).toEqual([
      "body.0.weight",
      "body.0.bias",
      "body.2.scale",
      "body.2.layers.0.weight",
      "body.2.layers.0.bias",
      "body.2.layers.2.weight",
      "head.weight",
      "head.bias",
    ]);
  });

  test("labels parameters with the longest name that they were asked for by", () => {
    const model = new Model();
    expect(model.head.weight.label).toBe("");
    model.head.parameters();
    expect(model.head.weight.label).toBe("weight");
    model.parameters();
    expect(model.head.weight.label).toBe("head.weight");
    model.head.parameters();
    expect(model.head.weight.label).toBe("head.weight");
  });

  test("train and eval reach every module below", () => {
    const model = new Model();
    const modes = () => new Set(model.namedModules().map(([, { training }]) => training));
    expect(modes()).toEqual(new Set([true]));
    expect(model.eval()).toBe(model);
    expect(modes()).toEqual(new Set([false]));
    model.train();
    expect(modes()).toEqual(new Set([true]));
  });

  test("zeroGrad forgets every gradient", () => {
    const model = new Model();
    model.forward(randn(5, 3)).sum().backward();
    expect(model.parameters().every(({ grad }) => grad !== null)).toBe(true);
    model.zeroGrad();
    expect(model.parameters().every(({ grad }) => grad === null)).toBe(true);
  });
});

describe("Sequential", () => {
  test("gives its layers by number, and uses one layer twice where it stands twice", async () => {
    const double = new nn.Linear(1, 1, { bias: false });
    double.weight = new nn.Parameter(tensor([[2]]));
    const model = new nn.Sequential(double, new nn.ReLU(), double);
    expect(model.length).toBe(3);
    expect(model[2]).toBe(double);
    expect(model.parameters()).toEqual([double.weight]);
    expect(await model.forward(tensor([[3]])).item()).toBe(12);
  });

  test("refuses what is not a module", () => {
    const relu = ((x: Tensor) => x.relu()) as unknown as nn.Module;
    expect(() => new nn.Sequential(new nn.Linear(2, 2), relu)).toThrow(
      "Sequential: argument 2 is not a module. Pass layers such as new nn.Linear(64, 10); a " +
        "function has to be wrapped into a class that extends nn.Module.",
    );
  });
});

describe("Linear", () => {
  test("starts uniform in ±1/√inFeatures", async () => {
    manualSeed(3);
    const layer = new nn.Linear(100, 200);
    for (const parameter of [layer.weight, layer.bias ?? layer.weight]) {
      const values = Array.from(await parameter.data());
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.1);
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
      // A uniform distribution of ±a has variance a² / 3; five standard errors are allowed.
      expect(Math.abs(mean)).toBeLessThan((5 * 0.1) / Math.sqrt(3 * values.length));
      expect(Math.abs((variance * 3) / 0.01 - 1)).toBeLessThan(5 / Math.sqrt(values.length));
    }
  });

  test("equal seeds start equally, other layers and other seeds do not", async () => {
    const start = async (seed: number) => {
      manualSeed(seed);
      const layers = [new nn.Linear(3, 4), new nn.Linear(3, 4)];
      return Promise.all(layers.map(async ({ weight }) => String(await weight.data())));
    };
    const [first, second] = await start(1);
    expect(await start(1)).toEqual([first, second]);
    expect(second).not.toBe(first);
    expect((await start(2))[0]).not.toBe(first);
  });

  test("refuses sizes that are not positive integers, and inputs that do not fit", () => {
    expect(() => new nn.Linear(0, 3)).toThrow(
      "Linear: inFeatures should be a positive integer, got 0",
    );
    expect(() => new nn.Linear(3, 2.5)).toThrow(
      "Linear: outFeatures should be a positive integer, got 2.5",
    );
    expect(() => new nn.Linear(64, 10).forward(zeros(32, 128))).toThrow(
      "linear: input [32, 128] does not fit the weight [10, 64]: the input's last dimension " +
        "should be 64, the weight is [outFeatures, inFeatures]",
    );
    expect(() => nn.functional.linear(zeros(2, 3), zeros(4, 3), zeros(3))).toThrow(
      "linear: the bias is [3], but the weight [4, 3] has 4 outputs",
    );
  });
});

test("GELU refuses an approximation that does not exist", () => {
  expect(() => new nn.GELU({ approximate: "fast" as "tanh" })).toThrow(
    'GELU: approximate should be "none" or "tanh", got "fast"',
  );
});

describe("losses", () => {
  const classes = (numbers: number[]) => tensor(numbers, { dtype: "int32" });

  test("take one sample without a batch", async () => {
    const loss = new nn.CrossEntropyLoss().forward(tensor([1, 2, 3]), classes([1]).reshape());
    expect(await loss.item()).toBeCloseTo(Math.log(Math.E ** -1 + 1 + Math.E), 6);
  });

  test("refuse targets that are not class numbers of the right shape", () => {
    const lossFn = new nn.CrossEntropyLoss();
    expect(() => lossFn.forward(zeros(2, 3), tensor([0, 1]))).toThrow(
      "crossEntropy: targets should be class numbers of dtype int32, got float32. " +
        'Make them with tensor(labels, { dtype: "int32" }).',
    );
    expect(() => lossFn.forward(zeros(2, 3), classes([0, 1, 2]))).toThrow(
      "crossEntropy: logits [2, 3] need targets of shape [2], got [3]",
    );
    expect(() => lossFn.forward(zeros(2, 3, 4), classes([0, 1]))).toThrow(
      "crossEntropy: logits [2, 3, 4] need targets of shape [2, 4], got [2]",
    );
  });

  test("refuse class numbers that do not exist, or become NaN where they were computed", async () => {
    const lossFn = new nn.CrossEntropyLoss();
    expect(() => lossFn.forward(zeros(2, 10), classes([9, 10]))).toThrow(
      "crossEntropy: target 10 is out of bounds: logits [2, 10] have 10 classes, 0 … 9",
    );
    expect(() => lossFn.forward(zeros(2, 10), classes([-1, 3]))).toThrow(
      /^crossEntropy: target -1 is/,
    );
    const losses = (numbers: number[]) =>
      nn.functional.crossEntropy(zeros(3, 2), classes(numbers).add(1), { reduction: "none" });
    expect(await losses([-1, 0, 0]).data()).not.toContain(Number.NaN);
    expect([...(await losses([-2, 0, 1]).data())].map(Number.isNaN)).toEqual([true, false, true]);
  });

  test("refuse to compare every row with every other", () => {
    expect(() => new nn.MSELoss().forward(zeros(5, 1), zeros(5))).toThrow(
      "mseLoss: input [5, 1] and target [5] differ in shape; broadcasting would compare every " +
        "row with every other. Use unsqueeze, squeeze or reshape to make them equal.",
    );
  });

  test("refuse a reduction that does not exist", () => {
    const average = { reduction: "average" as "mean" };
    expect(() => new nn.MSELoss(average)).toThrow(
      'MSELoss: "average" is not a reduction; use "mean", "sum" or "none"',
    );
    expect(() => new nn.CrossEntropyLoss(average)).toThrow(
      'CrossEntropyLoss: "average" is not a reduction; use "mean", "sum" or "none"',
    );
  });
});
