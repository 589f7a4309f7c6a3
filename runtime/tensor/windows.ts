/**
 * Windows that slide over the last dimensions of a tensor. They are views: a convolution or pooling
 * reads its input through them, and no copy of all windows has to be in memory.
 */
import type { AffineView } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { zeros } from "./creation.ts";
import { addUp } from "./reduce.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape, viewNode } from "./views.ts";

/** How a window slides along one dimension, in PyTorch's words. */
export interface Window {
  /** Elements of a window. */
  readonly kernel: number;
  /** From one window to the next. */
  readonly stride: number;
  /** From one element of a window to the next. */
  readonly dilation: number;
  /** How far before the first element the first window begins. */
  readonly padding: number;
}

/**
 * All windows over the last dimensions of `x`, one dimension for each of `sliding`.
 * @param counts how many windows there are along each.
 * @returns [...leading, ...kernels, ...counts]; what lies beyond the tensor is 0.
 */
export function windows(x: Tensor, sliding: readonly Window[], counts: readonly number[]): Tensor {
  const rank = x.ndim - sliding.length;
  const leading = x.shape.slice(0, rank);
  const sizes = x.shape.slice(rank);
  const columns = reshape(x, [...leading, ...sliding.map(() => 1), ...sizes]);
  const repeated = expand(columns, [...leading, ...sliding.map(({ kernel }) => kernel), ...sizes]);
  return sliding.reduce((y, { stride, dilation, padding }, i) => {
    const dims = { along: rank + i, dim: rank + sliding.length + i };
    const numbers = { scale: stride, slope: dilation, offset: -padding, divisor: 1 };
    return affine(y, { kind: "affine", ...dims, ...numbers }, counts[i] ?? 1);
  }, repeated);
}

/**
 * The adjoint of `windows`: for each place the sum of what all windows have there.
 * @param x [...leading, ...kernels, ...counts]
 * @param sizes of the dimensions that the windows slide over.
 * @returns [...leading, ...sizes]
 */
export function overlapAdd(
  x: Tensor,
  sliding: readonly Window[],
  sizes: readonly number[],
): Tensor {
  const rank = x.ndim - 2 * sliding.length;
  const placed = sliding.reduce((y, { stride, dilation, padding }, i) => {
    const dims = { along: rank + i, dim: rank + sliding.length + i };
    const numbers = { scale: 1, slope: -dilation, offset: padding, divisor: stride };
    return affine(y, { kind: "affine", ...dims, ...numbers }, sizes[i] ?? 1);
  }, x);
  return addUp(
    placed,
    sliding.map((_, i) => rank + i),
  );
}

/**
 * An affine view in which dimension `view.dim` has `size`. It takes no element twice, so that its
 * adjoint is its inverse. @internal
 */
export function affine(x: Tensor, view: AffineView, size: number): Tensor {
  const { dim, along, scale, slope, offset, divisor } = view;
  const before = x.shape[dim] ?? 1;
  const still = slope === 0 || x.shape[along] === 1;
  if (still && offset === 0 && scale === divisor && size === before) return x;
  const shape = x.shape.with(dim, size);
  const y =
    x.numel === 0 ? zeros(shape, { dtype: x.dtype }) : new Tensor(viewNode(x.node, view, shape));
  return differentiable(y, "affine", [x], [], grad => [affine(grad, inverse(view), before)]);
}

/** The view that takes each element back. @internal */
export function inverse(view: AffineView): AffineView {
  // A divisor is positive: of a scale that runs backwards the sign goes to all other numbers.
  const sign = Math.sign(view.scale);
  return {
    ...view,
    scale: view.divisor * sign,
    slope: -view.slope * sign,
    offset: -view.offset * sign,
    divisor: view.scale * sign,
  };
}
