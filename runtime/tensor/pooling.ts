/** The largest, or the mean, of windows over the dimensions of space. */
import { differentiable } from "./autograd.ts";
import { full, tensor } from "./creation.ts";
import { add, compare, div, mul, remainder, rounded, sub, where, widened } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import { amax, argReduce, sum } from "./reduce.ts";
import { resample, type Term } from "./resample.ts";
import { formatShape, numel, type Shape } from "./shape.ts";
import { type PerDimension, perDimension, spaceOf, span } from "./space.ts";
import type { Tensor } from "./tensor.ts";
import { reshape, unsqueeze } from "./views.ts";
import { type Window, windows } from "./windows.ts";

interface PoolOptions {
  /** From one window to the next. The kernel's size by default: windows do not overlap. */
  readonly stride?: PerDimension;
  /** How far windows may reach beyond either end; at most half of the kernel. 0 by default. */
  readonly padding?: PerDimension;
  /** Has a last window that reaches beyond the end rather than none. False by default. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  /** From one element of a window to the next. 1 by default. */
  readonly dilation?: PerDimension;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Counts the zeros beyond the ends as elements. True by default. */
  readonly countIncludePad?: boolean;
}

/**
 * The largest element of each window. Of equal ones the first gets the gradient.
 * @param input [N, C, L] or [C, L], float32
 * @throws RangeError if the windows do not fit; TypeError if the input is not float32.
 */
export function maxPool1d(
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions = {},
): Tensor {
  return maxPool("maxPool1d", 1, input, kernelSize, options);
}

/**
 * The largest element of each window. Of equal ones the first gets the gradient.
 * @param input [N, C, H, W] or [C, H, W], float32
 * @throws RangeError if the windows do not fit; TypeError if the input is not float32.
 */
export function maxPool2d(
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions = {},
): Tensor {
  return maxPool("maxPool2d", 2, input, kernelSize, options);
}

/** As `maxPool1d`, and where in its sequence each element was, int32. */
export function maxPool1dWithIndices(
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions = {},
): [output: Tensor, indices: Tensor] {
  return maxPoolWithIndices("maxPool1dWithIndices", 1, input, kernelSize, options);
}

/** As `maxPool2d`, and where in its image each element was, int32: row times width plus column. */
export function maxPool2dWithIndices(
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions = {},
): [output: Tensor, indices: Tensor] {
  return maxPoolWithIndices("maxPool2dWithIndices", 2, input, kernelSize, options);
}

/**
 * The mean of each window.
 * @param input [N, C, L] or [C, L], float32
 * @throws RangeError if the windows do not fit; TypeError if the input is not float32.
 */
export function avgPool1d(
  input: Tensor,
  kernelSize: PerDimension,
  options: AvgPoolOptions = {},
): Tensor {
  return avgPool("avgPool1d", 1, input, kernelSize, options);
}

/**
 * The mean of each window.
 * @param input [N, C, H, W] or [C, H, W], float32
 * @throws RangeError if the windows do not fit; TypeError if the input is not float32.
 */
export function avgPool2d(
  input: Tensor,
  kernelSize: PerDimension,
  options: AvgPoolOptions = {},
): Tensor {
  return avgPool("avgPool2d", 2, input, kernelSize, options);
}

/**
 * Means of as many windows as `outputSize` says, which cover the input evenly.
 * @param input [N, C, L] or [C, L], float32
 */
export function adaptiveAvgPool1d(input: Tensor, outputSize: number): Tensor {
  return adaptiveAvgPool("adaptiveAvgPool1d", 1, input, outputSize);
}

/**
 * Means of as many windows as `outputSize` says, which cover the input evenly.
 * @param input [N, C, H, W] or [C, H, W], float32
 * @param outputSize one number, or two; `null` keeps a size.
 */
export function adaptiveAvgPool2d(
  input: Tensor,
  outputSize: number | readonly (number | null)[],
): Tensor {
  return adaptiveAvgPool("adaptiveAvgPool2d", 2, input, outputSize);
}

function maxPool(
  op: string,
  rank: number,
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions,
): Tensor {
  const sizes = spaceOf(op, input, rank);
  const { sliding, counts } = slide(op, sizes, kernelSize, options);
  return largest(seenElements(input, sizes, sliding, counts), input.ndim - rank);
}

function maxPoolWithIndices(
  op: string,
  rank: number,
  input: Tensor,
  kernelSize: PerDimension,
  options: MaxPoolOptions,
): [output: Tensor, indices: Tensor] {
  const sizes = spaceOf(op, input, rank);
  const { sliding, counts } = slide(op, sizes, kernelSize, options);
  const seen = seenElements(input, sizes, sliding, counts);
  const leading = input.ndim - rank;
  const first = argReduce(seen.detach(), "argmax", leading, false);
  return [largest(seen, leading), placesOf(first, sizes, sliding)];
}

/** Elements of the input, counted over its space, that stand at these places of their windows. */
function placesOf(first: Tensor, sizes: Shape, sliding: readonly Window[]): Tensor {
  const leading = first.ndim - sizes.length;
  let rest = first;
  let places: Tensor = full(first.shape, 0, { dtype: "int32" });
  for (const [d, window] of [...sliding.entries()].toReversed()) {
    const { kernel, stride, padding, dilation } = window;
    const inside = remainder(rest, kernel);
    rest = div(rest, kernel, { roundingMode: "floor" });
    const start = sub(mul(iota(first.shape, leading + d), stride), padding);
    const step = numel(sizes.slice(d + 1));
    places = add(places, mul(add(start, mul(inside, dilation)), step));
  }
  return places;
}

/** The elements of each window side by side: [...leading, elements, ...counts], −∞ beyond the input. */
function seenElements(
  input: Tensor,
  sizes: Shape,
  sliding: readonly Window[],
  counts: Shape,
): Tensor {
  const seen = windows(input, sliding, counts);
  const reachesBeyond = sliding.some(
    (window, d) => window.padding > 0 || endOf(window, (counts[d] ?? 1) - 1) > (sizes[d] ?? 0),
  );
  const real = reachesBeyond
    ? where(windows(full(sizes, 1, { dtype: "bool" }), sliding, counts), seen, -Infinity)
    : seen;
  const leading = input.shape.slice(0, -sizes.length);
  const elements = sliding.reduce((product, { kernel }) => product * kernel, 1);
  return reshape(real, [...leading, elements, ...counts]);
}

function largest(x: Tensor, dim: number): Tensor {
  return differentiable(amax(x.detach(), dim), "maxPool", [x], [x], grad => {
    const first = argReduce(x.detach(), "argmax", dim, true);
    return [where(compare("eq", iota(x.shape, dim), first), unsqueeze(grad, dim), 0)];
  });
}

function avgPool(
  op: string,
  rank: number,
  input: Tensor,
  kernelSize: PerDimension,
  options: AvgPoolOptions,
): Tensor {
  const sizes = spaceOf(op, input, rank);
  const { sliding, counts } = slide(op, sizes, kernelSize, options);
  return rounded(windowMeans(widened(input), sizes, { sliding, counts }, options), input);
}

function windowMeans(
  input: Tensor,
  sizes: Shape,
  { sliding, counts }: ReturnType<typeof slide>,
  { countIncludePad = true }: AvgPoolOptions,
): Tensor {
  const leading = input.ndim - sizes.length;
  const total = sum(
    windows(input, sliding, counts),
    sliding.map((_, d) => leading + d),
  );
  return sliding.reduce((y, window, d) => {
    const size = sizes[d] ?? 0;
    const border = countIncludePad ? window.padding : 0;
    const lengths = Array.from({ length: counts[d] ?? 1 }, (_, i) => {
      const start = Math.max(endOf(window, i) - window.kernel, -border);
      return Math.min(endOf(window, i), size + border) - start;
    });
    const [first = 1] = lengths;
    if (lengths.every(length => length === first)) return div(y, first);
    const behind = sizes.slice(d + 1).map(() => 1);
    return div(y, reshape(tensor(lengths), [lengths.length, ...behind]));
  }, total);
}

function adaptiveAvgPool(
  op: string,
  rank: number,
  input: Tensor,
  outputSize: number | readonly (number | null)[],
): Tensor {
  const sizes = spaceOf(op, input, rank);
  const wanted =
    typeof outputSize === "number"
      ? outputSize
      : outputSize.map((size, d) => size ?? sizes[d] ?? 1);
  const counts = perDimension(op, "outputSize", wanted, rank, 1);
  if (numel(sizes) === 0) {
    throw new RangeError(`${op}: ${formatShape(input.shape)} has no elements to take a mean of`);
  }
  const kernels = sizes.map((size, d) => size / (counts[d] ?? 1));
  if (kernels.every(Number.isInteger)) return avgPool(op, rank, input, kernels, {});
  const y = counts.reduce(
    (x, count, d) => resample(x, input.ndim - rank + d, means(sizes[d] ?? 1, count)),
    widened(input),
  );
  return rounded(y, input);
}

/** Means of `count` stretches that cover `size` elements, and overlap where they must. */
function means(size: number, count: number): Term[][] {
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * size) / count);
    const length = Math.ceil(((i + 1) * size) / count) - start;
    return Array.from({ length }, (_, j) => ({ index: start + j, weight: 1 / length }));
  });
}

/** Where window number `i` ends, beyond its last element. */
function endOf(window: Window, i: number): number {
  return i * window.stride - window.padding + span(window);
}

function slide(
  op: string,
  sizes: Shape,
  kernelSize: PerDimension,
  options: MaxPoolOptions,
): { readonly sliding: readonly Window[]; readonly counts: Shape } {
  const rank = sizes.length;
  const kernels = perDimension(op, "kernelSize", kernelSize, rank, 1);
  const stride = perDimension(op, "stride", options.stride ?? kernels, rank, 1);
  const padding = perDimension(op, "padding", options.padding ?? 0, rank, 0);
  const dilation = perDimension(op, "dilation", options.dilation ?? 1, rank, 1);
  if (kernels.some((kernel, d) => (padding[d] ?? 0) > kernel / 2)) {
    throw new RangeError(
      `${op}: padding ${formatShape(padding)} should be at most half of the kernel ` +
        formatShape(kernels),
    );
  }
  const sliding = kernels.map((kernel, d) => ({
    kernel,
    stride: stride[d] ?? 1,
    padding: padding[d] ?? 0,
    dilation: dilation[d] ?? 1,
  }));
  const counts = sliding.map((window, d) => countWindows(window, sizes[d] ?? 0, options.ceilMode));
  if (counts.some(count => count < 1)) {
    throw new RangeError(
      `${op}: windows of ${formatShape(sliding.map(span))} do not fit into an input of ` +
        `${formatShape(sizes)} with padding ${formatShape(padding)}`,
    );
  }
  return { sliding, counts };
}

function countWindows(window: Window, size: number, ceilMode = false): number {
  const { stride, padding } = window;
  const steps = (size + 2 * padding - span(window)) / stride;
  if (!ceilMode || steps < 0) return Math.floor(steps) + 1;
  // A window that would begin in the padding behind the end sees nothing.
  const last = Math.ceil(steps);
  return last * stride >= size + padding ? last : last + 1;
}
