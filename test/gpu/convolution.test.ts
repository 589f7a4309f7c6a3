/** Convolutions, pooling and interpolation against PyTorch, and what they refuse. */
import { describe, expect, test } from "vitest";
import {
  cat,
  manualSeed,
  nn,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from "../../runtime/index.ts";
import { compareCurvature, compareWithTorch, type Operation, unary } from "./cases.ts";
import { required } from "./fixture.ts";

const F = nn.functional;

/** What stands behind the tensors in PyTorch's call. */
interface Arguments {
  /** Sizes: of kernels, of outputs. */
  readonly sizes: readonly number[];
  readonly options: Readonly<Record<string, never>>;
}

/** A convolution with a bias. */
function convolution(
  compute: (x: Tensor, weight: Tensor, bias: Tensor, options: object) => Tensor,
): Operation<Arguments> {
  return ([x, weight, bias], { options }) =>
    compute(required(x), required(weight), required(bias), options);
}

/** Pooling with a kernel, or of a size. */
function pooling(
  compute: (x: Tensor, size: number, options: object) => Tensor,
): Operation<Arguments> {
  return unary((x, { sizes: [size = 1], options }) => compute(x, size, options));
}

compareWithTorch<Arguments>("convolution", {
  conv1d: convolution(F.conv1d),
  conv2d: convolution(F.conv2d),
  convTranspose1d: convolution(F.convTranspose1d),
  convTranspose2d: convolution(F.convTranspose2d),
  conv2dNoBias: ([x, weight]) => F.conv2d(required(x), required(weight)),
  convTranspose2dNoBias: ([x, weight]) => F.convTranspose2d(required(x), required(weight)),
  conv2dTransposed: ([x, weight]) =>
    F.conv2d(required(x).transpose(2, 3), required(weight).transpose(0, 1), null, { stride: 2 }),
  maxPool1d: pooling(F.maxPool1d),
  maxPool2d: pooling(F.maxPool2d),
  places1d: pooling((x, size, options) => F.maxPool1dWithIndices(x, size, options)[1]),
  places2d: pooling((x, size, options) => F.maxPool2dWithIndices(x, size, options)[1]),
  avgPool1d: pooling(F.avgPool1d),
  avgPool2d: pooling(F.avgPool2d),
  adaptiveAvgPool1d: pooling(F.adaptiveAvgPool1d),
  adaptiveAvgPool2d: pooling(F.adaptiveAvgPool2d),
  interpolate: unary((x, { options }) => F.interpolate(x, options)),
  unfold: pooling(F.unfold),
  fold: unary((x, { sizes: [size = 1, kernel = 1], options }) => F.fold(x, size, kernel, options)),
});

compareCurvature("convolution-second-derivatives", {
  conv2d: (x, weight) => {
    const options = { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 2 };
    return F.conv2d(x, weight, null, options).tanh().square().sum();
  },
  convTranspose2d: (x, weight) => {
    const options = { stride: 2, padding: 1, outputPadding: 1 };
    return F.convTranspose2d(x, weight, null, options).tanh().square().sum();
  },
  conv1d: (x, weight) => F.conv1d(x, weight, null, { stride: 2 }).tanh().square().sum(),
  maxPool2d: x => F.maxPool2d(x.tanh(), 3, { stride: 2, padding: 1 }).square().sum(),
  avgPool2d: x => {
    const options = { stride: 2, padding: 1, ceilMode: true, countIncludePad: false };
    return F.avgPool2d(x, 3, options).tanh().square().sum();
  },
  adaptiveAvgPool2d: x => F.adaptiveAvgPool2d(x, 3).tanh().square().sum(),
  bilinear: x =>
    F.interpolate(x, { size: [3, 7], mode: "bilinear" })
      .tanh()
      .square()
      .sum(),
});

describe("layers", () => {
  test("convolutions start within PyTorch's bounds, and have its shapes", async () => {
    manualSeed(1);
    const layers = [
      { layer: new nn.Conv1d(4, 6, 5), shape: [6, 4, 5], fan: 20 },
      { layer: new nn.Conv2d(4, 6, 3, { groups: 2 }), shape: [6, 2, 3, 3], fan: 18 },
      { layer: new nn.Conv2d(3, 8, [1, 5], { bias: false }), shape: [8, 3, 1, 5], fan: 15 },
      { layer: new nn.ConvTranspose1d(4, 6, 3), shape: [4, 6, 3], fan: 18 },
      { layer: new nn.ConvTranspose2d(4, 6, 2, { groups: 2 }), shape: [4, 3, 2, 2], fan: 12 },
    ];
    for (const { layer, shape, fan } of layers) {
      expect(layer.weight.shape).toEqual(shape);
      const bound = 1 / Math.sqrt(fan);
      for (const parameter of layer.parameters()) {
        const largest = await parameter.abs().max().item();
        expect(largest).toBeLessThanOrEqual(bound);
        expect(largest).toBeGreaterThan(0.4 * bound);
      }
    }
    expect(layers[2]?.layer.bias).toBeUndefined();
    expect(layers[0]?.layer.namedParameters().map(([name]) => name)).toEqual(["weight", "bias"]);
  });

  test("compute what their functions do", async () => {
    const image = randn(2, 4, 6, 6);
    const sequence = randn(2, 4, 6);
    const conv = new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 });
    const up = new nn.ConvTranspose2d(4, 2, 2, { stride: 2 });
    const conv1 = new nn.Conv1d(4, 2, 3, { padding: "same" });
    const up1 = new nn.ConvTranspose1d(4, 2, 2, { stride: 2 });
    const options = { stride: 2, padding: 1 };
    const resize = { scaleFactor: 2, mode: "bilinear" } as const;
    const pairs: [Tensor, Tensor][] = [
      [conv.forward(image), F.conv2d(image, conv.weight, conv.bias, { ...options, groups: 2 })],
      [up.forward(image), F.convTranspose2d(image, up.weight, up.bias, { stride: 2 })],
      [conv1.forward(sequence), F.conv1d(sequence, conv1.weight, conv1.bias, { padding: 1 })],
      [up1.forward(sequence), F.convTranspose1d(sequence, up1.weight, up1.bias, { stride: 2 })],
      [new nn.MaxPool1d(3, options).forward(sequence), F.maxPool1d(sequence, 3, options)],
      [new nn.MaxPool2d(3, options).forward(image), F.maxPool2d(image, 3, options)],
      [new nn.AvgPool1d(3, options).forward(sequence), F.avgPool1d(sequence, 3, options)],
      [new nn.AvgPool2d(3, options).forward(image), F.avgPool2d(image, 3, options)],
      [new nn.AdaptiveAvgPool1d(2).forward(sequence), F.adaptiveAvgPool1d(sequence, 2)],
      [new nn.AdaptiveAvgPool2d([2, null]).forward(image), F.adaptiveAvgPool2d(image, [2, 6])],
      [new nn.Upsample(resize).forward(image), F.interpolate(image, resize)],
    ];
    for (const [layer, fn] of pairs) expect(await layer.data()).toEqual(await fn.data());
  });
});

test("more samples and groups than a grid is deep", async () => {
  const [samples, channels] = [260, 253];
  const x = zeros(samples, channels, 2).add(1);
  const y = F.conv1d(x, zeros(channels, 1, 2).add(0.5), null, { groups: channels });
  expect(await y.eq(1).sum().item()).toBe(samples * channels);
});

/** What may be views inside of the engine, but no views in PyTorch. */
test.each<[string, (x: Tensor) => Tensor]>([
  ["unfold", x => F.unfold(x, 1)],
  ["pad", x => x.pad([0, 0])],
  ["cat", x => cat([x])],
  ["interpolate", x => F.interpolate(x.unsqueeze(0), { size: 2 })],
  ["avgPool2d", x => F.avgPool2d(x, 1)],
  ["maxPool2d", x => F.maxPool2d(x, 1)],
])("%s does not follow later changes of its input in place", async (_, copy) => {
  const parameter = new nn.Parameter(tensor([[[1, 2, 3, 4]]]).reshape(1, 2, 2));
  const optimizer = new optim.SGD([parameter], { lr: 1 });
  const before = copy(parameter);
  before.sum().backward();
  await optimizer.step();
  expect([...(await before.data())]).toEqual([1, 2, 3, 4]);
});

const image = zeros(2, 4, 6, 5);
const weight = zeros(6, 4, 3, 3);

test.each<[string, () => unknown, RegExp]>([
  [
    "channels",
    () => F.conv2d(image, zeros(6, 3, 3, 3)),
    /^conv2d: the weight \[6, 3, 3, 3\] with groups 1 expects an input of 3 channels, but \[2, 4, 6, 5\] has 4\. The weight is \[outChannels, inChannels \/ groups, \.\.\.kernel\]$/,
  ],
  [
    "groups of the outputs",
    () => F.conv2d(image, zeros(5, 2, 3, 3), null, { groups: 2 }),
    /^conv2d: the 5 channels of the weight \[5, 2, 3, 3\] cannot be divided into 2 groups$/,
  ],
  [
    "a kernel that does not fit",
    () => F.conv2d(image, weight, null, { dilation: 3 }),
    /^conv2d: the kernel \[3, 3\] with dilation \[3, 3\] spans \[7, 7\] and does not fit into the input, which is \[6, 5\] with its padding$/,
  ],
  [
    "the bias",
    () => F.conv2d(image, weight, zeros(4)),
    /^conv2d: the weight \[6, 4, 3, 3\] needs a bias of shape \[6\], got \[4\]$/,
  ],
  [
    "dimensions of the input",
    () => F.conv2d(zeros(4, 6), weight),
    /^conv2d: expects an input of shape \[N, C, H, W\], or \[C, H, W\] without a batch, got \[4, 6\]$/,
  ],
  [
    "dimensions of the weight",
    () => F.conv1d(zeros(2, 4, 6), weight),
    /^conv1d: expects a weight of 3 dimensions without a size of 0, got \[6, 4, 3, 3\]$/,
  ],
  [
    "dtypes",
    () => F.conv2d(image.to("int32"), weight),
    /^conv2d: expects float32 tensors, got int32$/,
  ],
  [
    "stride 0",
    () => F.conv2d(image, weight, null, { stride: [1, 0] }),
    /^conv2d: stride should be a whole number from 1 on, or 2 of them, got \[1, 0\]$/,
  ],
  [
    "same with a stride",
    () => F.conv2d(image, weight, null, { stride: 2, padding: "same" }),
    /^conv2d: padding "same" is not defined for stride \[2, 2\]\. Use a number$/,
  ],
  [
    "outputPadding",
    () => F.convTranspose2d(image, zeros(4, 2, 3, 3), null, { stride: 2, outputPadding: 2 }),
    /^convTranspose2d: outputPadding \[2, 2\] must be smaller than either stride \[2, 2\] or dilation \[1, 1\]$/,
  ],
  [
    "channels of a transposed convolution",
    () => F.convTranspose2d(image, zeros(6, 4, 3, 3)),
    /^convTranspose2d: the weight \[6, 4, 3, 3\] with groups 1 expects an input of 6 channels, but \[2, 4, 6, 5\] has 4\. The weight is \[inChannels, outChannels \/ groups, \.\.\.kernel\]$/,
  ],
  [
    "padding of a pool",
    () => F.maxPool2d(image, 3, { padding: 2 }),
    /^maxPool2d: padding \[2, 2\] should be at most half of the kernel \[3, 3\]$/,
  ],
  [
    "a pool that does not fit",
    () => F.avgPool2d(image, 7),
    /^avgPool2d: windows of \[7, 7\] do not fit into an input of \[6, 5\] with padding \[0, 0\]$/,
  ],
  [
    "outputSize",
    () => F.adaptiveAvgPool2d(image, 0),
    /^adaptiveAvgPool2d: outputSize should be a whole number from 1 on, or 2 of them, got 0$/,
  ],
  [
    "mode and dimensions",
    () => F.interpolate(zeros(2, 3, 4), { size: 2, mode: "bilinear" }),
    /^interpolate: mode "bilinear" expects an input of shape \[N, C, H, W\], got \[2, 3, 4\]$/,
  ],
  [
    "size and scaleFactor",
    () => F.interpolate(image),
    /^interpolate: expects either size or scaleFactor, and not both$/,
  ],
  [
    "alignCorners of nearest",
    () => F.interpolate(image, { size: 2, alignCorners: true }),
    /^interpolate: alignCorners is for "linear" and "bilinear" only$/,
  ],
  [
    "columns to fold",
    () => F.fold(zeros(1, 8, 5), 4, 2),
    /^fold: images of \[4, 4\] and a kernel \[2, 2\] have \[3, 3\] windows, so that the input should be \[N, C · 4, 9\], got \[1, 8, 5\]$/,
  ],
  [
    "channels of a layer",
    () => new nn.Conv2d(3, 8, 3, { groups: 2 }),
    /^Conv2d: inChannels must be divisible by groups 2, got 3$/,
  ],
  [
    "the kernel of a layer",
    () => new nn.Conv2d(3, 8, [3, 3, 3]),
    /^Conv2d: kernelSize should be a whole number from 1 on, or 2 of them, got \[3, 3, 3\]$/,
  ],
])("refuses wrong %s", (_, call, message) => {
  expect(call).toThrow(message);
});
