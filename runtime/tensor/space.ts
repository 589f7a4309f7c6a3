/** Dimensions of space (length, height, width) as scripts describe them, checked. */
import { isFloat } from "../kernels/op.ts";
import { formatShape, type Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { squeeze, unsqueeze } from "./views.ts";
import type { Window } from "./windows.ts";

/** One number for all dimensions of space, or one for each. */
export type PerDimension = number | readonly number[];

/**
 * A number for each of `rank` dimensions.
 * @throws RangeError if there are too few or too many, or one is not whole or below `least`.
 */
export function perDimension(
  op: string,
  name: string,
  value: PerDimension,
  rank: number,
  least: number,
): readonly number[] {
  const numbers = typeof value === "number" ? new Array<number>(rank).fill(value) : value;
  const fits = numbers.length === rank && numbers.every(n => Number.isInteger(n) && n >= least);
  if (fits) return numbers;
  const shown = typeof value === "number" ? value : formatShape(value);
  throw new RangeError(
    `${op}: ${name} should be a whole number from ${least} on` +
      (rank > 1 ? `, or ${rank} of them` : "") +
      `, got ${shown}`,
  );
}

/** Length of the stretch from a window's first to its last element. */
export function span({ kernel, dilation }: Window): number {
  return dilation * (kernel - 1) + 1;
}

/**
 * Sizes of the dimensions of space, the last `rank` ones.
 * @throws TypeError if the tensor is not of floating-point numbers; RangeError unless it has one or two dimensions
 * before them: channels, and perhaps a batch.
 */
export function spaceOf(op: string, input: Tensor, rank: number): Shape {
  if (!isFloat(input.dtype)) {
    throw new TypeError(`${op}: expects float32 tensors, got ${input.dtype}`);
  }
  if (input.ndim !== rank + 1 && input.ndim !== rank + 2) {
    const space = ["L", "H, W", "D, H, W"][rank - 1];
    throw new RangeError(
      `${op}: expects an input of shape [N, C, ${space}], or [C, ${space}] without a batch, got ` +
        formatShape(input.shape),
    );
  }
  return input.shape.slice(-rank);
}

/** Calls `compute` with a batch, of one where the input has none. */
export function withBatch(input: Tensor, rank: number, compute: (x: Tensor) => Tensor): Tensor {
  if (input.ndim === rank + 2) return compute(input);
  return squeeze(compute(unsqueeze(input, 0)), 0);
}
