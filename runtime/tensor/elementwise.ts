/** Arithmetic, comparison and choice, element by element with broadcasting, and the derivatives. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import type { ElementwiseName } from "../kernels/elementwise.ts";
import type { DType } from "../kernels/op.ts";
import { internOp, isFloat } from "../kernels/op.ts";
import { raised } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { describe } from "./checkTensor.ts";
import { full } from "./creation.ts";
import { sum } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { broadcastShapes, sameShape } from "./shape.ts";
import type { Operand } from "./tensor.ts";
import { Tensor } from "./tensor.ts";
import { log, neg } from "./unary.ts";
import { expand, reshape } from "./views.ts";

/**
 * Records one element-wise function of tensors of equal shape; numbers are operands of any shape.
 * @internal
 */
export function map(
  fn: ElementwiseName,
  inputs: readonly Node[],
  shape: Shape,
  dtype: DType,
): Tensor {
  return new Tensor(recordNode(new Node(internOp({ kind: "map", fn }, shape, dtype), inputs)));
}

/** A number as an operand: a slot of the plan's scalars. @internal */
export function scalarNode(value: number, dtype: DType): Node {
  return new Node(internOp({ kind: "scalar" }, [], dtype), [], [value]);
}

export function add(a: Operand, b: Operand): Tensor {
  return binary("add", a, b, { a: g => g, b: g => g, saves: false });
}

export function sub(a: Operand, b: Operand): Tensor {
  requireNumbers("sub", promote(a, b));
  return binary("sub", a, b, { a: g => g, b: g => neg(g), saves: false });
}

export function mul(a: Operand, b: Operand): Tensor {
  return binary("mul", a, b, {
    a: (g, _, y) => mul(g, y),
    b: (g, x) => mul(g, x),
    saves: true,
  });
}

export interface DivOptions {
  /** "floor" and "trunc" round the quotient down and towards zero; integers stay integers. */
  readonly roundingMode?: "floor" | "trunc";
}

/** True division: integers become float32, unless the quotient is rounded. */
export function div(a: Operand, b: Operand, { roundingMode }: DivOptions = {}): Tensor {
  if (roundingMode) {
    requireNumbers("div", promote(a, b));
    const fn = roundingMode === "floor" ? "floorDivide" : "truncDivide";
    return binary(fn, a, b, { a: noSlope, b: noSlope, saves: false });
  }
  return binary("div", floatOperand(a), floatOperand(b), {
    a: (g, _, y) => div(g, y),
    b: (g, x, y) => neg(div(mul(g, x), mul(y, y))),
    saves: true,
  });
}

/** The rest of the division that rounds down: it has the sign of the divisor, as in Python. */
export function remainder(a: Operand, b: Operand): Tensor {
  requireNumbers("remainder", promote(a, b));
  return binary("remainder", a, b, {
    a: g => g,
    b: (g, x, y) => neg(mul(g, div(x, y, { roundingMode: "floor" }))),
    saves: true,
  });
}

/**
 * A base to the power of an exponent; integers stay integers.
 * @throws RangeError for integers to a negative integer power, which are no integers.
 */
export function pow(base: Operand, exponent: Operand): Tensor {
  const [a, b] = [raised(base), raised(exponent)];
  const dtype = promote(a, b);
  requireNumbers("pow", dtype);
  if (!isFloat(dtype) && typeof b === "number" && b < 0) {
    throw new RangeError(
      `pow: integers to negative integer powers are not integers. Use to("float32") first`,
    );
  }
  return binary("pow", a, b, {
    // PyTorch's rules: x⁰ is constant, and a base of 0 hides the exponent.
    a: (g, x, y) => mul(g, y === 0 ? 0 : powSlope(x, y)),
    b: (g, x, y) => mul(g, where(compare("eq", x, 0), 0, mul(pow(x, y), logOf(x)))),
    saves: true,
  });
}

/** The derivative of x^y by x. */
function powSlope(x: Operand, y: Operand): Tensor {
  const slope = mul(pow(x, sub(y, 1)), y);
  return y instanceof Tensor ? where(compare("eq", y, 0), 0, slope) : slope;
}

/** The angle of the point (x, y), in (−π, π]: `atan2(y, x)`. */
export function atan2(a: Operand, b: Operand): Tensor {
  const slope = (g: Tensor, x: Operand, y: Operand, factor: Operand) =>
    mul(g, div(factor, add(square(x), square(y))));
  return binary("atan2", floatOperand(a), floatOperand(b), {
    a: (g, y, x) => slope(g, x, y, x),
    b: (g, y, x) => neg(slope(g, x, y, y)),
    saves: true,
  });
}

function square(x: Operand): Operand {
  return x instanceof Tensor ? mul(x, x) : x * x;
}

/** `start + weight · (end − start)`, exact at both ends. */
export function lerp(start: Tensor, end: Tensor, weight: Operand): Tensor {
  broadcastShapes(start.shape, end.shape, "lerp");
  const way = sub(end, start);
  const fromStart = () => add(start, mul(way, weight));
  const fromEnd = () => sub(end, mul(way, sub(1, weight)));
  if (weight instanceof Tensor) return where(compare("lt", weight, 0.5), fromStart(), fromEnd());
  return weight < 0.5 ? fromStart() : sub(end, mul(way, 1 - weight));
}

export function maximum(a: Operand, b: Operand): Tensor {
  return extremum("maximum", "gt", a, b);
}

export function minimum(a: Operand, b: Operand): Tensor {
  return extremum("minimum", "lt", a, b);
}

/** Ties share the gradient, as in PyTorch. */
function extremum(name: "maximum" | "minimum", wins: Comparison, a: Operand, b: Operand): Tensor {
  const share = (g: Tensor, x: Operand, y: Operand) =>
    where(compare(wins, x, y), g, where(compare("eq", x, y), mul(g, 0.5), 0));
  return binary(name, a, b, {
    a: (g, x, y) => share(g, x, y),
    b: (g, x, y) => share(g, y, x),
    saves: true,
  });
}

export type Comparison = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

/** A bool tensor. */
export function compare(fn: Comparison, a: Operand, b: Operand): Tensor {
  const dtype = promote(a, b);
  const shape = broadcastShapes(shapeOf(a), shapeOf(b), fn);
  return map(fn, [operandNode(a, shape, dtype), operandNode(b, shape, dtype)], shape, "bool");
}

/** `a` where the condition holds, `b` elsewhere. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = promote(a, b);
  const operands = broadcastShapes(shapeOf(a), shapeOf(b), "where");
  const shape = broadcastShapes(condition.shape, operands, "where");
  const test = operandNode(cast(condition, "bool"), shape, "bool");
  const nodes = [test, operandNode(a, shape, dtype), operandNode(b, shape, dtype)];
  const inputs = [a, b].filter(operand => operand instanceof Tensor);
  return differentiable(map("where", nodes, shape, dtype), "where", inputs, [], grad =>
    [a, b].flatMap((operand, i) => {
      if (!(operand instanceof Tensor)) return [];
      const part = i === 0 ? where(condition, grad, 0) : where(condition, 0, grad);
      return [unbroadcast(part, operand.shape)];
    }),
  );
}

/** The same values, as they are now: later changes of `x` in place do not reach them. */
export function clone(x: Tensor): Tensor {
  return differentiable(map("copy", [x.node], x.shape, x.dtype), "clone", [x], [], g => [g]);
}

/** The same values in another dtype. Between floating-point ones gradients go back in the dtype of x. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const y = map(dtype, [x.node], x.shape, dtype);
  return isFloat(dtype) ? differentiable(y, "to", [x], [], grad => [cast(grad, x.dtype)]) : y;
}

/**
 * What was computed of `widened(x)`, in the dtype of x: functions of several operations are rounded once,
 * and nothing overflows on the way. @internal
 */
export function rounded(y: Tensor, x: Tensor): Tensor {
  return x.dtype === "float16" ? cast(y, "float16") : y;
}

/** A float32 tensor with the same values. */
export function asFloat(x: Tensor): Tensor {
  return cast(x, "float32");
}

/** Sums a gradient over the dimensions along which an operand of `shape` was repeated. */
export function unbroadcast(grad: Tensor, shape: Shape): Tensor {
  if (sameShape(grad.shape, shape)) return grad;
  const added = grad.shape.length - shape.length;
  const dims = grad.shape.flatMap((size, d) =>
    d < added || (shape[d - added] === 1 && size !== 1) ? [d] : [],
  );
  return reshape(sum(grad, dims, true), shape);
}

interface BinaryDerivative {
  readonly a: (grad: Tensor, a: Operand, b: Operand) => Tensor;
  readonly b: (grad: Tensor, a: Operand, b: Operand) => Tensor;
  /** Whether the derivatives use the operands' values. */
  readonly saves: boolean;
}

function binary(fn: ElementwiseName, a: Operand, b: Operand, derivative: BinaryDerivative): Tensor {
  const dtype = promote(a, b);
  const shape = broadcastShapes(shapeOf(a), shapeOf(b), fn);
  const y = map(fn, [operandNode(a, shape, dtype), operandNode(b, shape, dtype)], shape, dtype);
  const inputs = [a, b].filter(operand => operand instanceof Tensor);
  return differentiable(y, fn, inputs, derivative.saves ? inputs : [], grad =>
    [a, b].flatMap((operand, i) => {
      if (!(operand instanceof Tensor)) return [];
      if (!operand.requiresGrad) return [null];
      const slope = i === 0 ? derivative.a : derivative.b;
      const part = derivative.saves
        ? slope(widened(grad), widened(a), widened(b))
        : slope(grad, a, b);
      return [unbroadcast(part, operand.shape)];
    }),
  );
}

function shapeOf(operand: Operand): Shape {
  return operand instanceof Tensor ? operand.shape : [];
}

function operandNode(operand: Operand, shape: Shape, dtype: DType): Node {
  if (!(operand instanceof Tensor)) return scalarNode(operand, dtype);
  return expand(cast(operand.detach(), dtype), shape).node;
}

/** float16 as float32, for what should not be rounded on the way. @internal */
export function widened<T extends Operand>(x: T): T | Tensor {
  return x instanceof Tensor && x.dtype === "float16" ? asFloat(x) : x;
}

const RANK: Record<DType, number> = { bool: 0, uint32: 1, int32: 2, float16: 3, float32: 4 };

/** Of two dtypes the one that holds the values of both. @internal */
export function larger(a: DType, b: DType): DType {
  return RANK[a] >= RANK[b] ? a : b;
}

/**
 * PyTorch's promotion, for our dtypes: the larger one; a fraction makes float32. Of two floating-point
 * tensors one without dimensions does not count. @internal
 */
function promote(a: Operand, b: Operand): DType {
  const [left, right] = [dtypeOf(a, b), dtypeOf(b, a)];
  if (left !== right && isFloat(left) && isFloat(right)) {
    const [rank = 0, other = 0] = [a, b].map(operand => shapeOf(operand).length);
    if (Math.min(rank, other) === 0 && rank !== other) return rank === 0 ? right : left;
  }
  return larger(left, right);
}

/** @throws TypeError for truth values, with which one cannot calculate. @internal */
export function requireNumbers(op: string, dtype: DType): void {
  if (dtype !== "bool") return;
  throw new TypeError(
    `${op}: is not defined for bool tensors. Use logicalNot(), logicalAnd(), … for masks, or ` +
      'to("int32") to count',
  );
}

/** The derivative of what is constant but for jumps. @internal */
export function noSlope(grad: Tensor): Tensor {
  return full(grad.shape, 0);
}

function dtypeOf(operand: Operand, other: Operand): DType {
  if (operand instanceof Tensor) return operand.dtype;
  if (typeof operand !== "number") {
    throw new TypeError(`expects tensors and numbers, got ${describe(operand)}`);
  }
  if (other instanceof Tensor && isFloat(other.dtype)) return other.dtype;
  if (!Number.isInteger(operand)) return "float32";
  return other instanceof Tensor && other.dtype !== "bool" ? other.dtype : "int32";
}

function logOf(operand: Operand): Operand {
  return operand instanceof Tensor ? log(operand) : Math.log(operand);
}

function floatOperand(operand: Operand): Operand {
  return operand instanceof Tensor ? asFraction(operand) : operand;
}

/** Itself if it can have fractions, else as float32. @internal */
export function asFraction(x: Tensor): Tensor {
  return isFloat(x.dtype) ? x : asFloat(x);
}
