/** Random numbers of other distributions than the uniform and the normal one, and random choices. */
import { hostNode } from "../graph/node.ts";
import { isFloat } from "../kernels/op.ts";
import type { CreationOptions } from "./creation.ts";
import { asFloat, cast, compare } from "./elementwise.ts";
import { hostValues } from "./hostValues.ts";
import { permutation } from "./permutation.ts";
import { hostGenerator, random } from "./random.ts";
import { sum } from "./reduce.ts";
import { cumsum } from "./scan.ts";
import type { Shape } from "./shape.ts";
import { broadcastShapes, formatShape, newShape } from "./shape.ts";
import { narrow } from "./slicing.ts";
import { topk } from "./sorting.ts";
import type { Operand } from "./tensor.ts";
import { Tensor } from "./tensor.ts";
import { unsqueeze } from "./views.ts";

/** Uniform numbers in [0, 1) in the shape of another tensor. */
export function randLike(x: Tensor): Tensor {
  return ofFraction(random("uniform", x.shape), x);
}

/** Numbers of the standard normal distribution in the shape of another tensor. */
export function randnLike(x: Tensor): Tensor {
  return ofFraction(random("normal", x.shape), x);
}

/** In the dtype of a tensor that has fractions. */
function ofFraction(numbers: Tensor, x: Tensor): Tensor {
  return isFloat(x.dtype) ? cast(numbers, x.dtype) : numbers;
}

/**
 * Normally distributed numbers. Mean and deviation are numbers or tensors, which broadcast.
 * @param shape needed where both are numbers.
 */
export function normal(mean: Operand, std: Operand, shape?: Shape): Tensor {
  const shapes = [mean, std].map(operand => (operand instanceof Tensor ? operand.shape : []));
  const drawn = shape ?? broadcastShapes(shapes[0] ?? [], shapes[1] ?? [], "normal");
  return random("normal", newShape([drawn], "normal"))
    .mul(std)
    .add(mean);
}

/**
 * Whole numbers in [low, high), int32: `randint(low, high, shape)`, or `randint(high, shape)` from 0.
 * @throws RangeError if there is none between them.
 */
export function randint(high: number, shape: Shape, options?: CreationOptions): Tensor;
export function randint(low: number, high: number, shape: Shape, options?: CreationOptions): Tensor;
export function randint(
  ...args: readonly (number | Shape | CreationOptions | undefined)[]
): Tensor {
  const bounds = args.filter(argument => typeof argument === "number");
  const [low = 0, high = 0] = bounds.length > 1 ? bounds : [0, ...bounds];
  const [shape = [], options = {}] = args.slice(bounds.length) as [Shape?, CreationOptions?];
  if (!Number.isInteger(low) || !Number.isInteger(high) || high <= low || high - low > 2 ** 32) {
    throw new RangeError(
      `randint: there should be whole numbers from low = ${low} on below high = ${high}`,
    );
  }
  const size = newShape([shape], "randint");
  // 24 bits are random in a number: of two the upper 16 each.
  const half = () => cast(random("uniform", size).mul(2 ** 16), "uint32");
  const bits = half()
    .mul(2 ** 16)
    .add(half());
  const dtype = options.dtype ?? "int32";
  const offset = high - low < 2 ** 32 ? bits.remainder(high - low) : bits;
  return cast(cast(offset, dtype === "uint32" ? "uint32" : "int32").add(low), dtype);
}

/** The numbers 0 … n − 1 in random order, int32. */
export function randperm(n: number): Tensor {
  const [count = 0] = newShape([n], "randperm");
  return new Tensor(hostNode(permutation(count, hostGenerator()), [count], "int32"));
}

/** 1 with the probabilities that are given, else 0, in their shape and dtype. */
export function bernoulli(probabilities: Tensor): Tensor {
  return cast(
    compare("lt", random("uniform", probabilities.shape), probabilities.detach()),
    probabilities.dtype,
  );
}

/**
 * Indices (int32), drawn with probabilities in proportion to weights.
 * @param weights [n], or [rows, n]; each row is drawn from by itself.
 * @returns [count], or [rows, count].
 * @throws RangeError if there are not enough to draw without replacement, or a weight is negative.
 */
export function multinomial(weights: Tensor, count: number, replacement = false): Tensor {
  const choices = weights.shape.at(-1) ?? 0;
  if (weights.ndim < 1 || weights.ndim > 2) {
    throw new RangeError(
      `multinomial: the weights should be [n] or [rows, n], got ${formatShape(weights.shape)}`,
    );
  }
  if (!Number.isInteger(count) || count < 1 || (!replacement && count > choices)) {
    throw new RangeError(
      `multinomial: cannot draw ${count} of ${choices} weights ${replacement ? "with" : "without"} replacement`,
    );
  }
  const stray = hostValues(weights)?.find(
    weight => !(weight >= 0 && weight < Number.POSITIVE_INFINITY),
  );
  if (stray !== undefined) {
    throw new RangeError(`multinomial: weights should be finite and not negative, got ${stray}`);
  }
  const float = asFloat(weights.detach());
  const drawn = weights.shape.with(-1, count);
  if (!replacement) {
    // The largest of w / e, with e exponentially distributed, are such a draw (Efraimidis 2006).
    const exponential = random("uniform", float.shape).neg().log1p().neg();
    return topk(float.div(exponential), count).indices;
  }
  const total = cumsum(float, -1);
  const target = random("uniform", drawn).mul(narrow(total, -1, choices - 1, 1));
  const passed = compare("le", unsqueeze(total, -2), unsqueeze(target, -1));
  return sum(passed, -1).clamp(null, choices - 1);
}
