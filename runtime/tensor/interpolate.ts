/** Signals and images in other sizes. */
import { isFloat } from "../kernels/op.ts";
import { rounded, widened } from "./elementwise.ts";
import { resample, type Term } from "./resample.ts";
import { formatShape, type Shape } from "./shape.ts";
import { type PerDimension, perDimension } from "./space.ts";
import type { Tensor } from "./tensor.ts";

export type InterpolationMode = "nearest" | "linear" | "bilinear";

export interface InterpolateOptions {
  /** The size, or one for each dimension of space. Either this or `scaleFactor` is needed. */
  readonly size?: PerDimension;
  /** What the size is multiplied with, or one factor for each dimension of space. */
  readonly scaleFactor?: PerDimension;
  /** "linear" is for sequences, "bilinear" for images. "nearest" by default. */
  readonly mode?: InterpolationMode;
  /**
   * Takes elements as points, the outermost of which keep their values, not as squares that share
   * the outermost edges. Not for "nearest". False by default.
   */
  readonly alignCorners?: boolean;
}

/**
 * Resizes the dimensions of space.
 * @param input [N, C, L] or [N, C, H, W], float32
 * @throws RangeError if the mode does not fit the input's dimensions, or an option makes no sense;
 * TypeError if the input is not float32.
 */
export function interpolate(input: Tensor, options: InterpolateOptions = {}): Tensor {
  const { mode = "nearest", alignCorners = false } = options;
  checkMode(input, mode, options);
  const sizes = input.shape.slice(2);
  const { counts, factors } = targets(sizes, options);
  const resized = counts.reduce((y, count, d) => {
    const size = sizes[d] ?? 1;
    const pitch = factors ? 1 / (factors[d] ?? 1) : size / count;
    const terms = Array.from({ length: count }, (_, i) => {
      if (mode === "nearest") return [nearest(i, pitch, size)];
      if (!alignCorners) return between(Math.max(0, (i + 0.5) * pitch - 0.5), size);
      return between(count > 1 ? (i * (size - 1)) / (count - 1) : 0, size);
    });
    return resample(y, d + 2, terms);
  }, widened(input));
  return rounded(resized, input);
}

/** PyTorch calculates with float32 here, which decides where a product is nearly whole. */
function nearest(i: number, pitch: number, size: number): Term {
  return {
    index: Math.min(Math.floor(Math.fround(i * Math.fround(pitch))), size - 1),
    weight: 1,
  };
}

/** The two elements on both sides of a position. */
function between(position: number, size: number): Term[] {
  const left = Math.min(Math.floor(position), size - 1);
  const rest = Math.min(position - left, 1);
  if (rest === 0 || left === size - 1) return [{ index: left, weight: 1 }];
  return [
    { index: left, weight: 1 - rest },
    { index: left + 1, weight: rest },
  ];
}

/** The new sizes, and the factors where they were given. */
function targets(
  sizes: Shape,
  { size, scaleFactor }: InterpolateOptions,
): { readonly counts: Shape; readonly factors?: readonly number[] } {
  const rank = sizes.length;
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new RangeError("interpolate: expects either size or scaleFactor, and not both");
  }
  if (scaleFactor === undefined) {
    return { counts: perDimension("interpolate", "size", size ?? 0, rank, 1) };
  }
  const factors =
    typeof scaleFactor === "number" ? new Array<number>(rank).fill(scaleFactor) : scaleFactor;
  if (factors.length !== rank || !factors.every(factor => factor > 0 && Number.isFinite(factor))) {
    throw new RangeError(
      `interpolate: scaleFactor should be a number above 0, or ${rank} of them, got ` +
        (typeof scaleFactor === "number" ? scaleFactor : formatShape(scaleFactor)),
    );
  }
  const counts = sizes.map((length, d) => Math.floor(length * (factors[d] ?? 1)));
  if (counts.some(count => count < 1)) {
    throw new RangeError(
      `interpolate: scaleFactor ${formatShape(factors)} leaves nothing of ${formatShape(sizes)}`,
    );
  }
  return { counts, factors };
}

function checkMode(
  input: Tensor,
  mode: InterpolationMode,
  { alignCorners }: InterpolateOptions,
): void {
  const dimensions = { nearest: [3, 4], linear: [3], bilinear: [4] }[mode];
  if (!dimensions) {
    throw new RangeError(
      `interpolate: mode should be "nearest", "linear" or "bilinear", got "${mode}"`,
    );
  }
  if (!dimensions.includes(input.ndim)) {
    throw new RangeError(
      `interpolate: mode "${mode}" expects an input of shape ` +
        dimensions.map(ndim => (ndim === 3 ? "[N, C, L]" : "[N, C, H, W]")).join(" or ") +
        `, got ${formatShape(input.shape)}`,
    );
  }
  if (!isFloat(input.dtype)) {
    throw new TypeError(`interpolate: expects a float32 tensor, got ${input.dtype}`);
  }
  if (mode === "nearest" && alignCorners !== undefined) {
    throw new RangeError('interpolate: alignCorners is for "linear" and "bilinear" only');
  }
}
