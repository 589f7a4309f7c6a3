/** Mistakes in calls of operations: each is refused at the call, and the message says what would do. */
import { expect, test } from "vitest";
import { gpu } from "../../runtime/gpu/device.ts";
import {
  arange,
  cat,
  clamp,
  data,
  einsum,
  full,
  grad,
  linspace,
  multinomial,
  nn,
  noGrad,
  ones,
  optim,
  randint,
  randn,
  randperm,
  stack,
  tensor,
  zeros,
} from "../../runtime/index.ts";

const a = zeros(2, 3);
const b = zeros(4, 5);
const whole = zeros(2, 3, { dtype: "int32" });
const mask = a.gt(0);
const leaf = ones(2, { requiresGrad: true });
const parameter = new nn.Parameter(ones(2));
const samples = new data.TensorDataset(ones(2));
const index = (...values: number[]) => tensor(values, { dtype: "int32" });

const MISTAKES: readonly (readonly [string, () => unknown, string])[] = [
  // What is no tensor, as values of type any are
  [
    "add",
    () => a.add([1, 2] as never),
    "expects tensors and numbers, got Array. Make a tensor of it with tensor(…)",
  ],
  ["matmul", () => a.matmul([[1]] as never), "matmul: expects a tensor, got Array"],
  ["cat", () => cat([a, new Float32Array(3)] as never), "cat: expects a tensor, got Float32Array"],
  [
    "linear",
    () => new nn.Linear(2, 1).forward([[1, 2]] as never),
    "linear: expects a tensor, got Array",
  ],
  [
    "linear",
    () => new nn.Linear(2, 1).forward(a.data() as never),
    "linear: expects a tensor, got a promise. Await it",
  ],
  [
    "conv2d",
    () => new nn.Conv2d(1, 1, 3).forward(undefined as never),
    "Conv2d: expects a tensor, got undefined",
  ],
  [
    "layerNorm",
    () => new nn.LayerNorm(2).forward([1, 2] as never),
    "layerNorm: expects a tensor, got Array",
  ],
  [
    "embedding",
    () => new nn.Embedding(3, 2).forward([1] as never),
    "embedding: expects a tensor, got Array",
  ],
  ["mseLoss", () => nn.functional.mseLoss(a, [1] as never), "mseLoss: expects a tensor, got Array"],
  [
    "crossEntropy",
    () => nn.functional.crossEntropy([[1]] as never, index(0)),
    "crossEntropy: expects a tensor, got Array",
  ],
  [
    "crossEntropy",
    () => nn.functional.crossEntropy(a, [0, 1] as never),
    "crossEntropy: expects a tensor, got Array",
  ],
  // Shapes that do not fit
  [
    "add",
    () => a.add(b),
    "add: [2, 3] and [4, 5] do not broadcast: sizes 3 and 5 of dimension -1 differ",
  ],
  ["lerp", () => a.lerp(b, 0.5), "[2, 3] and [4, 5] do not broadcast"],
  ["logicalAnd", () => mask.logicalAnd(b.gt(0)), "logical and: [2, 3] and [4, 5] do not broadcast"],
  ["matmul", () => a.matmul(b), "matmul: [2, 3] × [4, 5]: inner sizes 3 and 4 differ"],
  [
    "mm",
    () => zeros(2, 3, 4).mm(a),
    "mm: expects tensors of 2 and 2 dimensions, got [2, 3, 4] and [2, 3]",
  ],
  [
    "bmm",
    () => zeros(2, 3, 4).bmm(zeros(3, 4, 5)),
    "bmm: [2, 3, 4] and [3, 4, 5] are batches of different sizes",
  ],
  ["dot", () => a.dot(a), "dot: expects tensors of 1 and 1 dimensions, got [2, 3] and [2, 3]"],
  [
    "view",
    () => a.view(4, 2),
    "shape [4, 2] is invalid for a tensor of shape [2, 3], which has 6 elements",
  ],
  ["stack", () => stack([a, b]), "stack: expects tensors of equal shape, got [2, 3] and [4, 5]"],
  ["stack of none", () => stack([]), "stack: expects at least one tensor"],
  ["cat", () => cat([a, b]), "cat: [2, 3] and [4, 5] differ apart from dimension 0"],
  ["cat of numbers", () => cat([tensor(1), tensor(2)]), "Use stack()"],
  ["maskedFill", () => a.maskedFill(b.gt(0), 0), "[2, 3] and [4, 5] do not broadcast"],
  [
    "maskedFill, larger",
    () => tensor([1, 2, 3]).maskedFill(mask, 0),
    "mask [2, 3] does not broadcast to the tensor's shape [3]",
  ],
  ["add_", () => zeros(3).add_(a), "add_: the result has shape [2, 3] and does not fit into [3]"],
  // Dimensions and indices
  ["var", () => a.var(2), "var: dimension 2 is out of range: a tensor of 2 dimensions has -2 … 1"],
  ["mean", () => a.mean(5), "mean: dimension 5 is out of range"],
  ["norm", () => a.norm(2, [0, 0]), "a dimension appears twice"],
  ["max", () => a.max(-3), "max: dimension -3 is out of range"],
  ["max of nothing", () => zeros(0, 3).max(), "max: cannot reduce [0, 3]: a reduced size is 0"],
  ["cumprod", () => a.cumprod(2), "cumprod: dimension 2 is out of range"],
  [
    "unflatten",
    () => a.unflatten(1, [2, -1]),
    "unflatten: sizes [2, -1] do not multiply to 3, the size of dimension 1 of [2, 3]",
  ],
  [
    "pad by a mirror image",
    () => a.pad([3, 0], "reflect"),
    'pad: "reflect" goes on for 0 to 2 elements beyond the 3 of dimension 1, got [3, 0]',
  ],
  [
    "pad by a mode that there is not",
    () => a.pad([1, 0], "mirror" as "reflect"),
    'pad: expects a number, "reflect", "replicate" or "circular", got "mirror"',
  ],
  ["cumsum", () => a.cumsum(2), "cumsum: dimension 2 is out of range"],
  ["sort", () => a.sort(2), "sort: dimension 2 is out of range"],
  [
    "topk",
    () => a.topk(4),
    "topk: k = 4 should be a whole number from 0 to 3, the size of dimension 1 of [2, 3]",
  ],
  ["select", () => a.select(0, 2), "select: index 2 is out of bounds for dimension 0 with size 2"],
  [
    "narrow",
    () => a.narrow(1, 2, 2),
    "narrow: start 2 and length 2 do not fit into dimension 1 of size 3",
  ],
  ["slice", () => a.slice(null, null, 0), "slice: too many ranges: 3 for a tensor of shape [2, 3]"],
  ["slice backwards", () => a.slice([null, null, -1]), "step greater than zero. Use flip()"],
  [
    "slice at an index",
    () => a.slice(0, 3),
    "index 3 is out of bounds for dimension 0 with size 3",
  ],
  ["flip", () => a.flip(0, 0), "flip: a dimension appears twice in [0, 0]"],
  [
    "split",
    () => a.split([1, 1], 1),
    "split: sizes [1, 1] should be whole numbers that add up to 3, the size of dimension 1",
  ],
  ["split in pieces of nothing", () => a.split(0), "should be a whole number from 1 on, got 0"],
  ["chunk", () => a.chunk(0), "chunk: expects a whole number of chunks from 1 on, got 0"],
  ["movedim", () => a.movedim([0, 1], [0]), "must name as many dimensions, each once"],
  ["roll", () => a.roll([1, 2], [0]), "roll: shifts [1, 2] and dimensions [0] must be as many"],
  [
    "repeat",
    () => a.repeat(2),
    "repeat: [2] should be whole numbers, at least one for each dimension of [2, 3]",
  ],
  ["repeatInterleave", () => a.repeatInterleave(-1), "expects a whole number from 0 on, got -1"],
  [
    "diagonal",
    () => a.diagonal(0, 1, -1),
    "diagonal: the dimensions 1 and -1 of [2, 3] are the same",
  ],
  ["tril", () => zeros(3).tril(), "tril: expects matrices [..., rows, columns], got [3]"],
  ["pad", () => a.pad([1]), "pad: [1] should be two whole numbers for each padded dimension"],
  [
    "pad that cuts too much",
    () => a.pad([-2, -2]),
    "pad: [-2, -2] cuts more than dimension 1 of [2, 3] has",
  ],
  [
    "indexSelect",
    () => a.indexSelect(1, index(0, 3)),
    "indexSelect: index 3 is out of bounds for dimension 1 with size 3",
  ],
  [
    "gather",
    () => a.gather(0, index(0)),
    "gather: index [1] must have as many dimensions as [2, 3]",
  ],
  [
    "scatter",
    () => a.scatter(1, index(0, 1).reshape(1, 2), zeros(1, 1)),
    "scatter: index [1, 2] must have as many dimensions as the tensor [2, 3] and the source [1, 1]",
  ],
  [
    "scatterAdd",
    () => a.scatterAdd(1, index(-1).reshape(1, 1), ones(1, 1)),
    "index -1 is out of bounds for dimension 1 with size 3",
  ],
  [
    "indexAdd",
    () => a.indexAdd(0, index(0, 1, 1), a),
    "needs a source of shape [3, 3], got [2, 3]",
  ],
  // Dtypes
  ["sub of masks", () => mask.sub(mask), "sub: is not defined for bool tensors. Use logicalNot()"],
  ["neg of a mask", () => mask.neg(), "neg: is not defined for bool tensors"],
  [
    "pow",
    () => whole.pow(-1),
    'integers to negative integer powers are not integers. Use to("float32") first',
  ],
  [
    "matmul of two dtypes",
    () => whole.matmul(a.t()),
    "same dtype, floating-point or integers, got int32 and float32",
  ],
  [
    "maskedFill by numbers",
    () => a.maskedFill(whole, 0),
    "the mask should be bool, this one is int32",
  ],
  [
    "gather by floats",
    () => a.gather(0, a),
    'gather: expects an int32 index, got float32. Use to("int32")',
  ],
  [
    "scatter of another dtype",
    () => a.scatter(0, whole, whole),
    "should have the tensor's dtype, float32, got int32",
  ],
  [
    "div_",
    () => whole.clone().div_(2),
    "div_: the result is float32 and cannot be written into a tensor of dtype int32",
  ],
  [
    "requiresGrad",
    () => zeros(2, { dtype: "int32", requiresGrad: true }),
    "only floating-point tensors can require gradients, this one is int32",
  ],
  [
    "randn",
    () => randn(2, { dtype: "int32" }),
    "randn: makes floating-point numbers, not int32. Use randint()",
  ],
  // Arguments
  ["clamp", () => clamp(a), "clamp: at least one of min and max must be given"],
  ["zeros", () => zeros(2, -1), "zeros: sizes must be whole numbers from 0 on, got -1 in [2, -1]"],
  ["full", () => full([1.5], 1), "full: sizes must be whole numbers from 0 on, got 1.5 in [1.5]"],
  ["arange", () => arange(3, 0), "arange: from 3 one does not come to 0 by steps of 1"],
  ["linspace", () => linspace(0, 1, -1), "linspace: sizes must be whole numbers from 0 on, got -1"],
  [
    "randint",
    () => randint(3, 3, [2]),
    "randint: there should be whole numbers from low = 3 on below high = 3",
  ],
  ["randperm", () => randperm(-1), "randperm: sizes must be whole numbers from 0 on, got -1"],
  [
    "multinomial",
    () => multinomial(ones(3), 4),
    "multinomial: cannot draw 4 of 3 weights without replacement",
  ],
  [
    "multinomial, negative",
    () => tensor([1, -1]).multinomial(1),
    "weights should be finite and not negative, got -1",
  ],
  [
    "einsum, operands",
    () => einsum("ij,jk->ik", a),
    'einsum: "ij,jk->ik" names 2 operands, but 1 are given',
  ],
  [
    "einsum, letters",
    () => einsum("ijk->i", a),
    'einsum: "ijk" of "ijk->i" does not name the 2 dimensions of operand 0, [2, 3]',
  ],
  [
    "einsum, sizes",
    () => einsum("ij,jk->ik", a, b),
    'einsum: "ij,jk->ik" of [2, 3] and [4, 5]: sizes 3 and 4 of j differ',
  ],
  ["einsum, result", () => einsum("ij->k", a), 'einsum: "ij->k": k of the result is in no operand'],
  ["einsum, twice", () => einsum("ij->ii", a), 'einsum: "ij->ii": the result names i twice'],
  [
    "einsum, signs",
    () => einsum("i j; k", a),
    "should be letters for the dimensions of each operand",
  ],
  // In place
  [
    "a leaf in place",
    () => ones(2, { requiresGrad: true }).mul_(2),
    "mul_: a leaf tensor that requires gradients is being changed in place",
  ],
  // Data
  [
    "tensor of texts",
    () => tensor(["1"] as never),
    "expects numbers, or true and false, got string",
  ],
  [
    "tensor with a gap",
    () => tensor([1, null] as never),
    "expects numbers, or true and false, got null",
  ],
  ["tensor of ragged rows", () => tensor([[1, 2], [3]]), "must have equal lengths: expected 2"],
  [
    "tensor of a shape",
    () => tensor(new Float32Array(3), { shape: [2, 2] }),
    "3 elements do not fill",
  ],
  ["NaN in classes", () => tensor([0, Number.NaN], { dtype: "int32" }), "tensor: NaN is no int32"],
  [
    "infinity in classes",
    () => tensor(Float32Array.of(Infinity), { dtype: "uint32" }),
    "tensor: Infinity is no uint32",
  ],
  ["DataLoader", () => new data.DataLoader(samples, { batchSize: 0 }), "a positive integer, got 0"],
  // Losses
  [
    "crossEntropy, class",
    () => nn.functional.crossEntropy(a, index(0, 3)),
    "crossEntropy: target 3 is out of bounds: logits [2, 3] have 3 classes, 0 … 2",
  ],
  [
    "crossEntropy, floats",
    () => nn.functional.crossEntropy(a, zeros(2)),
    "of dtype int32, got float32",
  ],
  [
    "crossEntropy, shape",
    () => nn.functional.crossEntropy(a, index(0, 1, 2)),
    "logits [2, 3] need targets of shape [2], got [3]",
  ],
  [
    "mseLoss, shape",
    () => nn.functional.mseLoss(zeros(2, 1), zeros(2)),
    "broadcasting would compare every row with every other",
  ],
  // Layers
  [
    "linear, features",
    () => new nn.Linear(3, 2).forward(b),
    "linear: input [4, 5] does not fit the weight [2, 3]",
  ],
  [
    "conv2d, channels",
    () => new nn.Conv2d(3, 2, 3).forward(zeros(1, 4, 8, 8)),
    "expects an input of 3 channels, but [1, 4, 8, 8] has 4",
  ],
  [
    "layerNorm, features",
    () => new nn.LayerNorm(4).forward(b),
    "normalizedShape is [4], but the input is [4, 5]",
  ],
  ["Dropout", () => new nn.Dropout(2), "Dropout: the probability should be between 0 and 1, got 2"],
  [
    "Sequential",
    () => new nn.Sequential(Math.tanh as never),
    "Sequential: argument 1 is not a module",
  ],
  // Derivatives and optimizers
  [
    "backward of many",
    () => leaf.mul(2).backward(),
    "only for scalar outputs, this one has shape [2]",
  ],
  ["backward of constants", () => a.sum().backward(), "this tensor does not require gradients"],
  [
    "backward, twice",
    () => {
      const y = leaf.square().sum();
      y.backward();
      y.backward();
    },
    "Trying to backward through the graph a second time",
  ],
  [
    "grad of what is not used",
    () => grad(leaf.sum(), [parameter]),
    "was not used to compute the outputs",
  ],
  [
    "SGD of nothing",
    () => new optim.SGD([], { lr: 1 }),
    "SGD: optimizer got an empty parameter list",
  ],
  ["SGD of numbers", () => new optim.SGD([1] as never, { lr: 1 }), "but parameter 0 is 1"],
  ["Adam", () => new optim.Adam([parameter], { lr: -1 }), "Invalid learning rate: -1"],
  ["Adam, betas", () => new optim.Adam([parameter], { lr: 1, betas: [1, 0] }), "beta"],
];

test.each(MISTAKES)("%s", (_, call, message) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Error);
  const { message: text, stack: trace = "" } = thrown as Error;
  expect(text).toContain(message);
  // The stack leads to the caller's line: that of the mistake, not of this test.
  const frames = trace
    .split("\n")
    .filter(line => /^ +at /.test(line) && !/\/runtime\/|<anonymous>\)$/.test(line));
  expect(frames[0]).toContain("operation-errors.test.ts");
  expect(frames[0]).not.toContain(frames[1]?.match(/operation-errors.test.ts:\d+/)?.[0] ?? "none");
});

test("a value that the adapter cannot hold is named, with the limit, and nothing else is lost", async () => {
  const { maxStorageBufferBindingSize: limit } = gpu.device.limits;
  const side = Math.ceil(Math.sqrt(limit / 4)) + 1;
  const large = ones(side, 2).matmul(ones(2, side));
  const message = new RegExp(
    `\\[${side}, ${side}\\], needs \\d+ MiB, but .* allows buffers of at most \\d+ MiB ` +
      "\\(maxStorageBufferBindingSize\\). Use a smaller batch or model.",
  );
  await expect(large.data()).rejects.toThrow(message);
  expect(await ones(2).sum().item()).toBe(2);
});

test("what was changed in place after it was used is noticed by backward()", () => {
  const x = ones(2, { requiresGrad: true });
  const y = x.mul(2);
  const z = y.sigmoid().sum();
  const square = y.square().sum();
  noGrad(() => y.clamp_(0, 1));
  z.backward();
  expect(() => square.backward()).toThrow("has been modified by an inplace operation");
});
