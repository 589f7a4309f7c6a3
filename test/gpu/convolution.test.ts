/** Convolutions, pooling and interpolation against PyTorch, and what they refuse. */
import { nn, type Tensor } from "../../runtime/index.ts";
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
