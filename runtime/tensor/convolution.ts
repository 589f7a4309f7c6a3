/**
 * Convolutions in any number of dimensions. One is a matrix product of the weight with the windows
 * of the input; its adjoint, the transposed one, a product whose windows are added up where they
 * overlap.
 */

import { isFloat } from "../kernels/op.ts";
import { lowered } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { checkTensor } from "./checkTensor.ts";
import { add, clone } from "./elementwise.ts";
import { matmul } from "./linear.ts";
import { sum } from "./reduce.ts";
import { formatShape, numel, type Shape, sameShape } from "./shape.ts";
import { type PerDimension, perDimension, spaceOf, span, withBatch } from "./space.ts";
import type { Tensor } from "./tensor.ts";
import { permute, reshape, squeeze, transpose } from "./views.ts";
import { overlapAdd, type Window, windows } from "./windows.ts";

export interface ConvOptions {
  /** From one window to the next. 1 by default. */
  readonly stride?: PerDimension;
  /**
   * Zeros on both sides: a number, "valid" for none (the default), or "same" for as many as keep
   * the size, the odd one at the end.
   */
  readonly padding?: PerDimension | "valid" | "same";
  /** From one element of a window to the next. 1 by default. */
  readonly dilation?: PerDimension;
  /** Into how many groups the channels are divided; each sees its own inputs only. 1 by default. */
  readonly groups?: number;
}

export interface ConvTransposeOptions {
  /** 1 by default. */
  readonly stride?: PerDimension;
  /** What is cut from both sides: the padding of the convolution that this is the adjoint of. */
  readonly padding?: PerDimension;
  /** Added to the size at the end: several sizes have the same number of windows. 0 by default. */
  readonly outputPadding?: PerDimension;
  /** 1 by default. */
  readonly dilation?: PerDimension;
  /** 1 by default. */
  readonly groups?: number;
}

/**
 * Slides a kernel over sequences.
 * @param input [N, inChannels, L], or [inChannels, L] for one sample
 * @param weight [outChannels, inChannels / groups, kernel]
 * @param bias [outChannels]
 * @returns [N, outChannels, L']
 * @throws RangeError if shapes do not fit each other or an option; TypeError if a tensor is not
 * float32.
 */
export function conv1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvOptions = {},
): Tensor {
  return convolve("conv1d", 1, { input, weight, bias }, options);
}

/**
 * Slides a kernel over images.
 * @param input [N, inChannels, H, W], or [inChannels, H, W] for one image
 * @param weight [outChannels, inChannels / groups, kernelH, kernelW]
 * @param bias [outChannels]
 * @returns [N, outChannels, H', W']
 * @throws RangeError if shapes do not fit each other or an option; TypeError if a tensor is not
 * float32.
 */
export function conv2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvOptions = {},
): Tensor {
  return convolve("conv2d", 2, { input, weight, bias }, options);
}

/**
 * The adjoint of `conv1d`, as a layer that makes sequences longer.
 * @param input [N, inChannels, L], or [inChannels, L] for one sample
 * @param weight [inChannels, outChannels / groups, kernel]
 * @param bias [outChannels]
 * @throws RangeError if shapes do not fit each other or an option; TypeError if a tensor is not
 * float32.
 */
export function convTranspose1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convolveTransposed("convTranspose1d", 1, { input, weight, bias }, options);
}

/**
 * The adjoint of `conv2d`, as a layer that makes images larger.
 * @param input [N, inChannels, H, W], or [inChannels, H, W] for one image
 * @param weight [inChannels, outChannels / groups, kernelH, kernelW]
 * @param bias [outChannels]
 * @throws RangeError if shapes do not fit each other or an option; TypeError if a tensor is not
 * float32.
 */
export function convTranspose2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convolveTransposed("convTranspose2d", 2, { input, weight, bias }, options);
}

/**
 * A product reads its columns once for every few outputs: then it is faster to work out once where
 * their elements are (by 1.3 on a software adapter, backward included), as long as they are few.
 */
const STORED_FROM = 8;
const STORED_UP_TO = 1 << 22;

interface Operands {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null | undefined;
}

function loweredOperands({ input, weight, bias }: Operands): Operands {
  return { input: lowered(input), weight: lowered(weight), bias: lowered(bias) };
}

function convolve(op: string, rank: number, given: Operands, options: ConvOptions): Tensor {
  const operands = loweredOperands(given);
  const { input, weight, bias } = operands;
  const { groups = 1 } = options;
  const [outputs = 0, perGroup = 0, ...kernels] = weight.shape;
  const sizes = checkOperands(op, rank, operands, groups, outputs);
  requireChannels(op, operands, groups, perGroup * groups, "[outChannels, inChannels / groups");
  requireGroups(op, weight, groups, outputs);
  const { sliding, counts } = slide(op, sizes, kernels, options);

  return withBatch(input, rank, x => {
    const samples = x.shape[0] ?? 1;
    const length = perGroup * numel(kernels);
    const grouped = reshape(x, [samples, groups, perGroup, ...sizes]);
    const seen = windows(grouped, sliding, counts);
    const columns = reshape(seen, [samples, groups, length, numel(counts)]);
    const rows = reshape(weight, [groups, outputs / groups, length]);
    const repeated = columns.numel > x.numel && outputs / groups >= STORED_FROM;
    const stored = repeated && columns.numel <= STORED_UP_TO;
    const y = weigh(rows, stored ? clone(columns) : columns);
    return shifted(reshape(y, [samples, outputs, ...counts]), bias);
  });
}

function convolveTransposed(
  op: string,
  rank: number,
  given: Operands,
  options: ConvTransposeOptions,
): Tensor {
  const operands = loweredOperands(given);
  const { input, weight, bias } = operands;
  const { groups = 1 } = options;
  const [inputs = 0, perGroup = 0, ...kernels] = weight.shape;
  const counts = checkOperands(op, rank, operands, groups, perGroup * groups);
  requireChannels(op, operands, groups, inputs, "[inChannels, outChannels / groups");
  requireGroups(op, weight, groups, inputs);
  const { sliding, sizes } = spread(op, counts, kernels, options);

  return withBatch(input, rank, x => {
    const samples = x.shape[0] ?? 1;
    const length = perGroup * numel(kernels);
    const columns = reshape(x, [samples, groups, inputs / groups, numel(counts)]);
    const rows = reshape(weight, [groups, inputs / groups, length]);
    const products = weigh(transpose(rows, -2, -1), columns);
    const parts = reshape(products, [samples, groups * perGroup, ...kernels, ...counts]);
    return shifted(overlapAdd(parts, sliding, sizes), bias);
  });
}

/** weight [groups, m, k] × columns [samples, groups, k, places]. */
function weigh(weight: Tensor, columns: Tensor): Tensor {
  const y = matmul(weight.detach(), columns.detach());
  return differentiable(y, "convolution", [weight, columns], [weight, columns], grad => [
    weight.requiresGrad ? weightGradient(grad, columns, weight.numel) : null,
    columns.requiresGrad ? weigh(transpose(weight, -2, -1), grad) : null,
  ]);
}

/** Elements of a product that keep all threads of an adapter busy. */
const BUSY = 1 << 15;

/**
 * Σ grad × columnsᵀ over the samples: in one product over as many of them as leave work for all
 * threads. A product for each sample, as matmul would do it, may need more memory than all else.
 */
function weightGradient(grad: Tensor, columns: Tensor, outputs: number): Tensor {
  const samples = grad.shape[0] ?? 1;
  let parts = 1;
  while (parts < samples && (samples % parts > 0 || parts * outputs < BUSY)) parts++;
  const product = matmul(joined(grad, parts), transpose(joined(columns, parts), -2, -1));
  return parts === 1 ? squeeze(product, 0) : sum(product, 0);
}

/** [samples, groups, k, places] as [parts, groups, k, samples / parts · places]. */
function joined(x: Tensor, parts: number): Tensor {
  const [samples = 0, groups = 0, k = 0, places = 0] = x.shape;
  const length = samples / parts;
  const divided = reshape(x, [parts, length, groups, k, places]);
  return reshape(permute(divided, [0, 2, 3, 1, 4]), [parts, groups, k, length * places]);
}

/** With the bias of each channel. */
function shifted(y: Tensor, bias: Tensor | null | undefined): Tensor {
  return bias ? add(y, reshape(bias, [bias.numel, ...y.shape.slice(2).map(() => 1)])) : y;
}

interface Slide {
  readonly sliding: readonly Window[];
  /** Number of windows along each dimension. */
  readonly counts: Shape;
}

/**
 * The windows of a convolution.
 * @throws RangeError if an option makes no sense, or the kernel does not fit into the input.
 * @internal
 */
export function slide(op: string, sizes: Shape, kernels: Shape, options: ConvOptions): Slide {
  const rank = sizes.length;
  const stride = perDimension(op, "stride", options.stride ?? 1, rank, 1);
  const dilation = perDimension(op, "dilation", options.dilation ?? 1, rank, 1);
  const window = (padding: number, d: number): Window => ({
    kernel: kernels[d] ?? 1,
    stride: stride[d] ?? 1,
    dilation: dilation[d] ?? 1,
    padding,
  });
  const { padding = 0 } = options;
  if (padding === "same") {
    if (stride.some(step => step !== 1)) {
      throw new RangeError(
        `${op}: padding "same" is not defined for stride ${formatShape(stride)}. Use a number`,
      );
    }
    const sliding = sizes.map((_, d) => window(Math.floor((span(window(0, d)) - 1) / 2), d));
    return { sliding, counts: sizes };
  }
  if (typeof padding === "string" && padding !== "valid") {
    throw new RangeError(`${op}: padding should be a number, "valid" or "same", got "${padding}"`);
  }
  const zeros = perDimension(op, "padding", padding === "valid" ? 0 : padding, rank, 0);
  const sliding = zeros.map(window);
  const padded = sizes.map((size, d) => size + 2 * (zeros[d] ?? 0));
  if (sliding.some((each, d) => span(each) > (padded[d] ?? 0))) {
    throw new RangeError(
      `${op}: the kernel ${formatShape(kernels)} with dilation ${formatShape(dilation)} spans ` +
        `${formatShape(sliding.map(span))} and does not fit into the input, which is ` +
        `${formatShape(padded)} with its padding`,
    );
  }
  const counts = sliding.map(
    (each, d) => Math.floor(((padded[d] ?? 0) - span(each)) / each.stride) + 1,
  );
  return { sliding, counts };
}

/** The windows of a transposed convolution, and the sizes of what they are added up to. */
function spread(
  op: string,
  counts: Shape,
  kernels: Shape,
  options: ConvTransposeOptions,
): { readonly sliding: readonly Window[]; readonly sizes: Shape } {
  const rank = counts.length;
  const stride = perDimension(op, "stride", options.stride ?? 1, rank, 1);
  const dilation = perDimension(op, "dilation", options.dilation ?? 1, rank, 1);
  const padding = perDimension(op, "padding", options.padding ?? 0, rank, 0);
  const added = perDimension(op, "outputPadding", options.outputPadding ?? 0, rank, 0);
  const sliding = counts.map((_, d) => ({
    kernel: kernels[d] ?? 1,
    stride: stride[d] ?? 1,
    dilation: dilation[d] ?? 1,
    padding: padding[d] ?? 0,
  }));
  if (sliding.some((each, d) => (added[d] ?? 0) >= Math.max(each.stride, each.dilation))) {
    throw new RangeError(
      `${op}: outputPadding ${formatShape(added)} must be smaller than either stride ` +
        `${formatShape(stride)} or dilation ${formatShape(dilation)}`,
    );
  }
  const sizes = sliding.map(
    (each, d) =>
      ((counts[d] ?? 1) - 1) * each.stride - 2 * each.padding + span(each) + (added[d] ?? 0),
  );
  if (sizes.some(size => size < 1)) {
    throw new RangeError(
      `${op}: an input of ${formatShape(counts)} and padding ${formatShape(padding)} leave an ` +
        `output of ${formatShape(sizes)}, which is too small`,
    );
  }
  return { sliding, sizes };
}

/** Checks what does not depend on the direction; returns the input's sizes in space. */
function checkOperands(
  op: string,
  rank: number,
  { input, weight, bias }: Operands,
  groups: number,
  outputs: number,
): Shape {
  if (!Number.isInteger(groups) || groups < 1) {
    throw new RangeError(`${op}: groups should be a whole number from 1 on, got ${groups}`);
  }
  checkTensor(op, input);
  for (const tensor of [weight, bias]) {
    if (tensor) requireFloats(op, input, tensor);
  }
  if (weight.ndim !== rank + 2 || weight.numel === 0) {
    throw new RangeError(
      `${op}: expects a weight of ${rank + 2} dimensions without a size of 0, got ` +
        formatShape(weight.shape),
    );
  }
  if (bias && !sameShape(bias.shape, [outputs])) {
    throw new RangeError(
      `${op}: the weight ${formatShape(weight.shape)} needs a bias of shape [${outputs}], got ` +
        formatShape(bias.shape),
    );
  }
  return spaceOf(op, input, rank);
}

/** @throws TypeError if two tensors do not have the same dtype of floating-point numbers. */
function requireFloats(op: string, a: Tensor, b: Tensor): void {
  const odd = [b, a].find(({ dtype }) => !isFloat(dtype));
  if (odd) throw new TypeError(`${op}: expects float32 tensors, got ${odd.dtype}`);
  if (a.dtype === b.dtype) return;
  throw new TypeError(`${op}: expects tensors of the same dtype, got ${a.dtype} and ${b.dtype}`);
}

function requireChannels(
  op: string,
  { input, weight }: Operands,
  groups: number,
  needed: number,
  layout: string,
): void {
  const channels = input.shape.at(1 - weight.ndim);
  if (channels === needed) return;
  throw new RangeError(
    `${op}: the weight ${formatShape(weight.shape)} with groups ${groups} expects an input of ` +
      `${needed} channels, but ${formatShape(input.shape)} has ${channels}. The weight is ` +
      `${layout}, ...kernel]`,
  );
}

function requireGroups(op: string, weight: Tensor, groups: number, channels: number): void {
  if (channels % groups === 0) return;
  throw new RangeError(
    `${op}: the ${channels} channels of the weight ${formatShape(weight.shape)} cannot be divided ` +
      `into ${groups} groups`,
  );
}
