/** Element-wise operations with broadcasting, and their derivatives. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import type { ElementwiseName } from "../kernels/elementwise.ts";
import type { DType } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { sum } from "./reduce.ts";
import type { Shape } from "./shape.ts";
import { broadcastShapes, sameShape } from "./shape.ts";
import type { Operand } from "./tensor.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape } from "./views.ts";

/** Records one element-wise function of tensors of equal shape; numbers are operands of any shape. */
function map(fn: ElementwiseName, inputs: readonly Node[], shape: Shape, dtype: DType): Tensor {
  return new Tensor(recordNode(new Node(internOp({ kind: "map", fn }, shape, dtype), inputs)));
}

/** A number as an operand: a slot of the plan's scalars. */
function scalarNode(value: number, dtype: DType): Node {
  return new Node(internOp({ kind: "scalar" }, [], dtype), [], [value]);
}

function unary(
  fn: ElementwiseName,
  derivative: (grad: Tensor, x: Tensor, y: Tensor) => Tensor,
  uses: "input" | "output" | "none",
): (x: Tensor) => Tensor {
  return input => {
    const x = asFloat(input);
    const y = map(fn, [x.node], x.shape, "float32");
    const saved = uses === "input" ? [x] : uses === "output" ? [y] : [];
    return differentiable(y, fn, [x], saved, grad => [derivative(grad, x, y)]);
  };
}

export const neg = (x: Tensor): Tensor => mul(x, -1);
export const abs = unary("abs", (g, x) => mul(g, sign(x)), "input");
export const sign = unary("sign", g => mul(g, 0), "none");
export const exp = unary("exp", (g, _, y) => mul(g, y), "output");
export const log = unary("log", (g, x) => div(g, x), "input");
export const sqrt = unary("sqrt", (g, _, y) => div(g, mul(y, 2)), "output");
export const square = unary("square", (g, x) => mul(g, mul(x, 2)), "input");
export const reciprocal = unary("reciprocal", (g, _, y) => mul(g, neg(square(y))), "output");
export const sin = unary("sin", (g, x) => mul(g, cos(x)), "input");
export const cos = unary("cos", (g, x) => mul(g, neg(sin(x))), "input");
export const tanh = unary("tanh", (g, _, y) => mul(g, sub(1, square(y))), "output");
export const sigmoid = unary("sigmoid", (g, _, y) => mul(g, mul(y, sub(1, y))), "output");
export const relu = unary("relu", (g, _, y) => where(compare("gt", y, 0), g, 0), "output");
export const erf = unary(
  "erf",
  (g, x) => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
  "input",
);

/** x · Φ(x) (Hendrycks and Gimpel 2016); `tanh`: their approximation, as GPT-2 uses it. */
export function gelu(x: Tensor, approximate: "none" | "tanh"): Tensor {
  if (approximate === "none") {
    return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
  }
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

export function add(a: Operand, b: Operand): Tensor {
  return binary("add", a, b, { a: g => g, b: g => g, saves: false });
}

export function sub(a: Operand, b: Operand): Tensor {
  return binary("sub", a, b, { a: g => g, b: g => neg(g), saves: false });
}

export function mul(a: Operand, b: Operand): Tensor {
  return binary("mul", a, b, {
    a: (g, _, y) => mul(g, y),
    b: (g, x) => mul(g, x),
    saves: true,
  });
}

/** True division: integers become float32. */
export function div(a: Operand, b: Operand): Tensor {
  return binary("div", floatOperand(a), floatOperand(b), {
    a: (g, _, y) => div(g, y),
    b: (g, x, y) => neg(div(mul(g, x), mul(y, y))),
    saves: true,
  });
}

export function pow(a: Operand, b: Operand): Tensor {
  return binary("pow", floatOperand(a), floatOperand(b), {
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

/** The same values in another dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return map(dtype, [x.node], x.shape, dtype);
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
      const part = (i === 0 ? derivative.a : derivative.b)(grad, a, b);
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

const RANK: Record<DType, number> = { bool: 0, uint32: 1, int32: 2, float32: 3 };

/** PyTorch's promotion, for our dtypes: the larger one; a fraction makes float32. */
function promote(a: Operand, b: Operand): DType {
  const [p, q] = [dtypeOf(a, b), dtypeOf(b, a)];
  return RANK[p] >= RANK[q] ? p : q;
}

function dtypeOf(operand: Operand, other: Operand): DType {
  if (operand instanceof Tensor) return operand.dtype;
  if (!Number.isInteger(operand)) return "float32";
  return other instanceof Tensor && other.dtype !== "bool" ? other.dtype : "int32";
}

function logOf(operand: Operand): Operand {
  return operand instanceof Tensor ? log(operand) : Math.log(operand);
}

function floatOperand(operand: Operand): Operand {
  return operand instanceof Tensor ? asFloat(operand) : operand;
}
