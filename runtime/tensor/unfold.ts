/** The windows of images as a matrix, and back. */
import { slide } from "./convolution.ts";
import { clone } from "./elementwise.ts";
import { formatShape, numel } from "./shape.ts";
import { type PerDimension, perDimension, spaceOf, withBatch } from "./space.ts";
import type { Tensor } from "./tensor.ts";
import { reshape } from "./views.ts";
import { overlapAdd, windows } from "./windows.ts";

export interface UnfoldOptions {
  /** From one window to the next. 1 by default. */
  readonly stride?: PerDimension;
  /** Zeros on both sides. 0 by default. */
  readonly padding?: PerDimension;
  /** From one element of a window to the next. 1 by default. */
  readonly dilation?: PerDimension;
}

/**
 * All windows of images as columns.
 * @param input [N, C, H, W] or [C, H, W], float32
 * @returns [N, C · kernelH · kernelW, L] for L windows
 * @throws RangeError if the windows do not fit; TypeError if the input is not float32.
 */
export function unfold(
  input: Tensor,
  kernelSize: PerDimension,
  options: UnfoldOptions = {},
): Tensor {
  const sizes = spaceOf("unfold", input, 2);
  const kernels = perDimension("unfold", "kernelSize", kernelSize, 2, 1);
  const { sliding, counts } = slide("unfold", sizes, kernels, options);
  return withBatch(input, 2, x => {
    const [samples = 0, channels = 0] = x.shape;
    const columns = reshape(windows(x, sliding, counts), [
      samples,
      channels * numel(kernels),
      numel(counts),
    ]);
    // A view would follow later changes of the input in place.
    return clone(columns);
  });
}

/**
 * The adjoint of `unfold`: adds columns up to images where their windows overlap.
 * @param input [N, C · kernelH · kernelW, L] or [C · kernelH · kernelW, L], float32
 * @param outputSize H and W of the images.
 * @returns [N, C, H, W]
 * @throws RangeError if the columns are not those of such images; TypeError if the input is not
 * float32.
 */
export function fold(
  input: Tensor,
  outputSize: PerDimension,
  kernelSize: PerDimension,
  options: UnfoldOptions = {},
): Tensor {
  spaceOf("fold", input, 1);
  const sizes = perDimension("fold", "outputSize", outputSize, 2, 1);
  const kernels = perDimension("fold", "kernelSize", kernelSize, 2, 1);
  const { sliding, counts } = slide("fold", sizes, kernels, options);
  const [rows = 0, places = 0] = input.shape.slice(-2);
  if (rows % numel(kernels) !== 0 || places !== numel(counts)) {
    throw new RangeError(
      `fold: images of ${formatShape(sizes)} and a kernel ${formatShape(kernels)} have ` +
        `${formatShape(counts)} windows, so that the input should be [N, C · ${numel(kernels)}, ` +
        `${numel(counts)}], got ${formatShape(input.shape)}`,
    );
  }
  return withBatch(input, 1, x => {
    const channels = rows / numel(kernels);
    const parts = reshape(x, [x.shape[0] ?? 1, channels, ...kernels, ...counts]);
    return overlapAdd(parts, sliding, sizes);
  });
}
