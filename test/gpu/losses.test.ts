/** Every loss and its gradient against PyTorch, and what losses refuse. */
import { describe, expect, test } from "vitest";
import { nn, type Tensor, tensor, zeros } from "../../runtime/index.ts";
import { binary, compareWithTorch, type Operation } from "./cases.ts";
import { required } from "./fixture.ts";

interface Arguments {
  readonly reduction?: nn.Reduction;
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
  readonly delta?: number;
  readonly beta?: number;
  readonly logTarget?: boolean;
  readonly dim?: number;
}

const F = nn.functional;

/** A loss with a weight as its third input: a constant, as in PyTorch. */
function weighted(
  compute: (input: Tensor, target: Tensor, weight: Tensor | undefined, args: Arguments) => Tensor,
): Operation<Arguments> {
  return ([x, y, weight], args) => compute(required(x), required(y), weight?.detach(), args);
}

const LOSSES: Record<string, Operation<Arguments>> = {
  nllLoss: weighted((x, y, weight, args) => F.nllLoss(x, y, { ...args, weight })),
  crossEntropy: weighted((x, y, weight, args) => F.crossEntropy(x, y, { ...args, weight })),
  l1Loss: binary((x, y, args) => F.l1Loss(x, y, args)),
  huberLoss: binary((x, y, args) => F.huberLoss(x, y, args)),
  smoothL1Loss: binary((x, y, args) => F.smoothL1Loss(x, y, args)),
  bce: weighted((x, y, weight, args) => F.binaryCrossEntropy(x, y, { ...args, weight })),
  bceWithLogits: weighted((x, y, weight, args) =>
    F.binaryCrossEntropyWithLogits(x, y, { ...args, weight }),
  ),
  bcePosWeight: weighted((x, y, posWeight, args) =>
    F.binaryCrossEntropyWithLogits(x, y, { ...args, posWeight }),
  ),
  klDiv: binary((x, y, args) => F.klDiv(x, y, args)),
  cosineSimilarity: binary((x, y, args) => F.cosineSimilarity(x, y, args)),
};

compareWithTorch("losses", LOSSES);

const classes = (...numbers: number[]) => tensor(numbers, { dtype: "int32" });

test("the modules give what the functions give", async () => {
  const [x, y] = [tensor([[0.25, 2, -1]]), tensor([[0.5, 0.25, 0.25]])];
  const weight = tensor([1, 2, 0.5]);
  const pairs: [Tensor, Tensor][] = [
    [new nn.L1Loss().forward(x, y), F.l1Loss(x, y)],
    [new nn.HuberLoss({ delta: 0.5 }).forward(x, y), F.huberLoss(x, y, { delta: 0.5 })],
    [new nn.SmoothL1Loss({ beta: 2 }).forward(x, y), F.smoothL1Loss(x, y, { beta: 2 })],
    [new nn.NLLLoss({ weight }).forward(x, classes(1)), F.nllLoss(x, classes(1), { weight })],
    [
      new nn.CrossEntropyLoss({ weight, labelSmoothing: 0.1 }).forward(x, classes(1)),
      F.crossEntropy(x, classes(1), { weight, labelSmoothing: 0.1 }),
    ],
    [new nn.BCELoss({ weight }).forward(y, y), F.binaryCrossEntropy(y, y, { weight })],
    [
      new nn.BCEWithLogitsLoss({ posWeight: weight }).forward(x, y),
      F.binaryCrossEntropyWithLogits(x, y, { posWeight: weight }),
    ],
    [
      new nn.KLDivLoss({ reduction: "batchmean" }).forward(x, y),
      F.klDiv(x, y, { reduction: "batchmean" }),
    ],
  ];
  for (const [module, functional] of pairs) {
    expect(await module.item()).toBe(await functional.item());
  }
});

test("class numbers that were reshaped are still checked and ignored", async () => {
  const targets = classes(0, -100, 2, 1).reshape(2, 2);
  const losses = F.crossEntropy(zeros(4, 3), targets.reshape(-1), { reduction: "none" });
  expect([...(await losses.data())].map(x => x > 0)).toEqual([true, false, true, true]);
  expect(() => F.crossEntropy(zeros(4, 2), targets.reshape(4))).toThrow(
    /target 2 is out of bounds/,
  );
});

test("class numbers that the GPU computed are ignored where they say so", async () => {
  const targets = classes(0, -101, 2).add(1);
  const losses = F.crossEntropy(zeros(3, 3), targets, { reduction: "none" });
  expect([...(await losses.data())]).toEqual([expect.closeTo(Math.log(3), 5), 0, Number.NaN]);
});

describe("refused", () => {
  const [x, y] = [zeros(2, 3), zeros(2, 3)];
  test.each<[string, () => unknown, string]>([
    [
      "a weight for other classes",
      () => F.crossEntropy(x, classes(0, 1), { weight: zeros(4) }),
      "crossEntropy: the weight is [4], but [2, 3] has 3 classes",
    ],
    [
      "too much smoothing",
      () => F.crossEntropy(x, classes(0, 1), { labelSmoothing: 1.5 }),
      "crossEntropy: labelSmoothing should be between 0 and 1, got 1.5",
    ],
    [
      "probabilities that are ignored",
      () => F.crossEntropy(x, y, { ignoreIndex: 0 }),
      "crossEntropy: probabilities as targets know no ignoreIndex",
    ],
    [
      "scores without classes",
      () => F.nllLoss(tensor(1), classes(0)),
      "nllLoss: scores should be [N, classes], got []",
    ],
    [
      "targets of another shape",
      () => F.nllLoss(zeros(2, 3, 4), classes(0, 1)),
      "nllLoss: logits [2, 3, 4] need targets of shape [2, 4], got [2]",
    ],
    ["a class that does not exist", () => F.nllLoss(x, classes(0, 3)), "target 3 is out of bounds"],
    [
      "other shapes",
      () => F.l1Loss(x, zeros(3)),
      "l1Loss: input [2, 3] and target [3] differ in shape",
    ],
    [
      "other shapes",
      () => F.klDiv(x, zeros(3)),
      "klDiv: input [2, 3] and target [3] differ in shape",
    ],
    [
      "a delta of 0",
      () => F.huberLoss(x, y, { delta: 0 }),
      "huberLoss: delta should be above 0, got 0",
    ],
    [
      "a negative beta",
      () => F.smoothL1Loss(x, y, { beta: -1 }),
      "smoothL1Loss: beta should be 0 or above, got -1",
    ],
    [
      "a mean by rows that only klDiv has",
      () => new nn.L1Loss({ reduction: "batchmean" as "mean" }),
      'L1Loss: "batchmean" is not a reduction; use "mean", "sum" or "none"',
    ],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
