/** Functions of elements, their gradients and second derivatives, and the dtypes of all, against PyTorch. */
import type { Tensor } from "../../runtime/index.ts";
import { binary, compareCurvature, compareWithTorch, type Operation, unary } from "./cases.ts";
import { required } from "./fixture.ts";

interface Arguments {
  readonly min?: number | null;
  readonly max?: number | null;
  readonly beta?: number;
  readonly threshold?: number;
  readonly alpha?: number;
  readonly slope?: number;
  readonly value?: number;
}

/** Methods without arguments, under the names of the fixture. */
const PLAIN = [
  "neg",
  "abs",
  "sign",
  "square",
  "relu",
  "exp",
  "expm1",
  "log1p",
  "log2",
  "rsqrt",
  "sigmoid",
  "sin",
  "cos",
  "tan",
  "atan",
  "erf",
  "silu",
  "floor",
  "ceil",
  "trunc",
  "round",
  "isnan",
  "isinf",
  "isfinite",
  "logicalNot",
] as const;
const OF_TWO = [
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "maximum",
  "minimum",
  "remainder",
  "atan2",
  "eq",
  "lt",
  "ge",
] as const;
const LOGICAL = ["logicalAnd", "logicalOr", "logicalXor"] as const;

const OPERATIONS: Record<string, Operation<Arguments>> = {
  ...Object.fromEntries(PLAIN.map(name => [name, unary(x => x[name]())])),
  ...Object.fromEntries([...OF_TWO, ...LOGICAL].map(name => [name, binary((a, b) => a[name](b))])),
  softplus: unary((x, { beta, threshold }) => x.softplus(beta, threshold)),
  elu: unary((x, { alpha }) => x.elu(alpha)),
  leakyRelu: unary((x, { slope }) => x.leakyRelu(slope)),
  clamp: unary((x, { min, max }) => x.clamp(min, max)),
  clampTensors: ([x, min, max]) => required(x).clamp(required(min), required(max)),
  floorDivide: binary((a, b) => a.div(b, { roundingMode: "floor" })),
  truncDivide: binary((a, b) => a.div(b, { roundingMode: "trunc" })),
  lerp: ([a, b, weight]) => required(a).lerp(required(b), required(weight)),
  lerpNumber: binary((a, b, { value = 0 }) => a.lerp(b, value)),
};

compareWithTorch("functions", OPERATIONS);

const CURVED: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  expm1: x => x.expm1().sum(),
  log1p: x => x.log1p().sum(),
  log2: x => x.log2().sum(),
  rsqrt: x => x.rsqrt().sum(),
  trigonometry: x => x.sin().mul(x.cos()).add(x.tan()).add(x.atan()).sum(),
  erf: x => x.erf().sum(),
  silu: x => x.silu().sum(),
  softplus: x => x.softplus(2, 1).sum(),
  elu: x => x.elu().square().sum(),
  leakyRelu: x => x.leakyRelu().square().sum(),
  atan2: (a, b) => a.atan2(b).sum(),
  lerp: (a, b) => a.lerp(b, a).sum(),
  clamp: x => x.clamp(-0.4, 0.6).pow(3).sum(),
};

compareCurvature("functions-curvature", CURVED);
