/** Functions of one tensor, element by element, and their derivatives. */
import type { ElementwiseName } from "../kernels/elementwise.ts";
import { isFloat } from "../kernels/op.ts";
import { raised } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import {
  add,
  asFraction,
  clone,
  compare,
  div,
  map,
  mul,
  noSlope,
  requireNumbers,
  sub,
  where,
  widened,
} from "./elementwise.ts";
import { asProbabilities } from "./lossUse.ts";
import type { Operand, Tensor } from "./tensor.ts";

type Slope = (grad: Tensor, x: Tensor, y: Tensor) => Tensor;
/** Which values the derivative uses. */
type Uses = "input" | "output" | "nothing";

function record(fn: ElementwiseName, x: Tensor, uses: Uses, slope: Slope): Tensor {
  const y = map(fn, [x.node], x.shape, x.dtype);
  const saved = uses === "input" ? [x] : uses === "output" ? [y] : [];
  return differentiable(y, fn, [x], saved, grad => {
    if (uses === "nothing") return [slope(grad, x, y)];
    const used = (value: Tensor, as: Uses) => (uses === as ? widened(value) : value);
    return [slope(widened(grad), used(x, "input"), used(y, "output"))];
  });
}

/** A function whose result has fractions: float32, or float16 as the argument. */
function real(fn: ElementwiseName, uses: Uses, slope: Slope): (x: Tensor) => Tensor {
  return x => record(fn, asFraction(x), uses, slope);
}

/** The same where float16 is too narrow for the result, or too coarse: float32 under autocast. */
function wide(fn: ElementwiseName, uses: Uses, slope: Slope): (x: Tensor) => Tensor {
  const narrow = real(fn, uses, slope);
  return x => narrow(raised(x));
}

/** A function of numbers: integers stay integers. */
function numeric(fn: ElementwiseName, uses: Uses, slope: Slope): (x: Tensor) => Tensor {
  return x => {
    requireNumbers(fn, x.dtype);
    return record(fn, x, uses, slope);
  };
}

/** A function that changes fractions only. */
function rounding(fn: ElementwiseName): (x: Tensor) => Tensor {
  const round = numeric(fn, "nothing", noSlope);
  return x => (isFloat(x.dtype) || x.dtype === "bool" ? round(x) : clone(x));
}

export const neg = numeric("neg", "nothing", g => neg(g));
export const abs = numeric("abs", "input", (g, x) => mul(g, sign(x)));
export const sign = numeric("sign", "nothing", noSlope);
export const square = numeric("square", "input", (g, x) => mul(g, mul(x, 2)));
export const floor = rounding("floor");
export const ceil = rounding("ceil");
export const trunc = rounding("trunc");
/** The nearest whole number; of two the even one. */
export const round = rounding("round");
export const relu = numeric("relu", "output", (g, _, y) => where(compare("gt", y, 0), g, 0));

export const exp = wide("exp", "output", (g, _, y) => mul(g, y));
/** exp(x) − 1, exact for small x. */
export const expm1 = wide("expm1", "output", (g, _, y) => mul(g, add(y, 1)));
export const log = wide("log", "input", (g, x) => div(g, x));
/** log(1 + x), exact for small x. */
export const log1p = wide("log1p", "input", (g, x) => div(g, add(x, 1)));
export const log2 = wide("log2", "input", (g, x) => div(g, mul(x, Math.LN2)));
export const sqrt = real("sqrt", "output", (g, _, y) => div(g, mul(y, 2)));
/** 1 / √x. */
export const rsqrt = wide("rsqrt", "output", (g, _, y) => mul(g, mul(mul(square(y), y), -0.5)));
export const reciprocal = wide("reciprocal", "output", (g, _, y) => mul(g, neg(square(y))));
export const sin = real("sin", "input", (g, x) => mul(g, cos(x)));
export const cos = real("cos", "input", (g, x) => mul(g, neg(sin(x))));
export const tan = wide("tan", "output", (g, _, y) => mul(g, add(square(y), 1)));
export const atan = real("atan", "input", (g, x) => div(g, add(square(x), 1)));
export const tanh = real("tanh", "output", (g, _, y) => mul(g, sub(1, square(y))));
const logistic = real("sigmoid", "output", (g, _, y) => mul(g, mul(y, sub(1, y))));
export const sigmoid = (x: Tensor): Tensor => asProbabilities(logistic(x), "sigmoid");
export const erf = real("erf", "input", (g, x) =>
  mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
);
/** log(1 + exp(x)), without overflow. @internal */
export const softplusOfOne = wide("softplus", "input", (g, x) => mul(g, sigmoid(x)));

/** Whether elements are not a number. */
export function isnan(x: Tensor): Tensor {
  return map("isnan", [x.node], x.shape, "bool");
}

/** Whether elements are ∞ or −∞. */
export function isinf(x: Tensor): Tensor {
  return map("isinf", [x.node], x.shape, "bool");
}

/** Whether elements are neither infinite nor NaN. */
export function isfinite(x: Tensor): Tensor {
  return map("isfinite", [x.node], x.shape, "bool");
}

/**
 * `min` where x is below it, `max` where x is above that; the gradient goes to the one that is taken.
 * @throws TypeError if neither bound is given.
 */
export function clamp(x: Tensor, min?: Operand | null, max?: Operand | null): Tensor {
  if ((min ?? max ?? null) === null)
    throw new TypeError("clamp: at least one of min and max must be given");
  requireNumbers("clamp", x.dtype);
  // Comparisons with NaN fail, so that it stays.
  const raised = min === undefined || min === null ? x : where(compare("lt", x, min), min, x);
  if (max === undefined || max === null) return raised;
  return where(compare("gt", raised, max), max, raised);
}
