/**
 * `nn.init`: starting values, written into a tensor in place and outside autograd. Each function
 * returns the tensor.
 */
import { noGrad } from "../tensor/autograd.ts";
import { eye } from "../tensor/creation.ts";
import { uniform } from "../tensor/random.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Operand, Tensor } from "../tensor/tensor.ts";
import { normal, orthogonal, truncatedNormal } from "./draw.ts";

/** What follows a layer, for the gain that keeps the variance of what flows through. */
export type Nonlinearity =
  | "linear"
  | "conv1d"
  | "conv2d"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "leakyRelu"
  | "selu";

export interface KaimingOptions {
  /** Slope of the leaky ReLU that follows for negative inputs. 0 by default. */
  a?: number;
  /** Keeps the variance forward ("fanIn", the default) or backward ("fanOut"). */
  mode?: "fanIn" | "fanOut";
  /** "leakyRelu" by default. */
  nonlinearity?: Nonlinearity;
}

/** Uniform in [low, high). */
export function uniform_(tensor: Tensor, low = 0, high = 1): Tensor {
  return fill(tensor, uniform(tensor.shape, low, high));
}

/** Normal with this mean and standard deviation. */
export function normal_(tensor: Tensor, mean = 0, std = 1): Tensor {
  return fill(tensor, normal(tensor.shape, mean, std));
}

/** Normal, with everything outside [low, high] drawn again. */
export function truncNormal_(tensor: Tensor, mean = 0, std = 1, low = -2, high = 2): Tensor {
  if (!(low < high)) {
    throw new RangeError(`truncNormal_: low should be below high, got ${low} and ${high}`);
  }
  return fill(tensor, truncatedNormal(tensor.shape, mean, std, low, high));
}

export function constant_(tensor: Tensor, value: number): Tensor {
  return fill(tensor, value);
}

export function zeros_(tensor: Tensor): Tensor {
  return fill(tensor, 0);
}

export function ones_(tensor: Tensor): Tensor {
  return fill(tensor, 1);
}

/** 1 on the diagonal of a matrix, 0 elsewhere. */
export function eye_(tensor: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrixShape(tensor, "eye_");
  const square = eye(Math.max(rows, columns));
  return fill(tensor, square.narrow(0, 0, rows).narrow(1, 0, columns));
}

/** Uniform in ±gain √(6 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
export function xavierUniform_(tensor: Tensor, options: { gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = fans(tensor, "xavierUniform_");
  const bound = (options.gain ?? 1) * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound);
}

/** Normal with standard deviation gain √(2 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
export function xavierNormal_(tensor: Tensor, options: { gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = fans(tensor, "xavierNormal_");
  return normal_(tensor, 0, (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)));
}

/** Uniform in ±gain √(3 / fan) (He et al. 2015). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(tensor, "kaimingUniform_", options);
  return uniform_(tensor, -bound, bound);
}

/** Normal with standard deviation gain / √fan (He et al. 2015). */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(tensor, 0, kaimingStd(tensor, "kaimingNormal_", options));
}

/** A matrix with orthonormal rows or columns, whichever are fewer, times the gain (Saxe 2013). */
export function orthogonal_(tensor: Tensor, options: { gain?: number } = {}): Tensor {
  const { shape } = tensor;
  if (shape.length < 2) {
    throw new RangeError(
      `orthogonal_: needs at least two dimensions, the tensor has shape ${formatShape(shape)}`,
    );
  }
  return fill(tensor, orthogonal(shape, options.gain ?? 1));
}

/**
 * What a layer's weights are multiplied with so that the variance survives the nonlinearity.
 * @param slope of a leaky ReLU, 0.01 by default.
 * @throws RangeError for a nonlinearity that has none.
 */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case "linear":
    case "conv1d":
    case "conv2d":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + slope ** 2));
    case "selu":
      return 3 / 4;
    default:
      throw new RangeError(`calculateGain: unsupported nonlinearity "${nonlinearity}"`);
  }
}

function kaimingStd(tensor: Tensor, name: string, options: KaimingOptions): number {
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  const fan = fans(tensor, name)[mode];
  if (fan === undefined) {
    throw new RangeError(`${name}: mode should be "fanIn" or "fanOut", got "${mode}"`);
  }
  return calculateGain(nonlinearity, a) / Math.sqrt(fan);
}

/** Inputs and outputs of a weight [out, in, ...kernel]. */
function fans(tensor: Tensor, name: string): { fanIn: number; fanOut: number } {
  const [outputs, inputs, ...kernel] = tensor.shape;
  if (outputs === undefined || inputs === undefined) {
    throw new RangeError(
      `${name}: fan in and fan out can not be computed for a tensor with fewer than 2 ` +
        `dimensions, this one has shape ${formatShape(tensor.shape)}`,
    );
  }
  const field = kernel.reduce((product, size) => product * size, 1);
  return { fanIn: inputs * field, fanOut: outputs * field };
}

function matrixShape(tensor: Tensor, name: string): readonly number[] {
  if (tensor.ndim === 2) return tensor.shape;
  throw new RangeError(`${name}: expects a matrix, got shape ${formatShape(tensor.shape)}`);
}

function fill(tensor: Tensor, value: Operand): Tensor {
  return noGrad(() => tensor.copy_(value).keep());
}
