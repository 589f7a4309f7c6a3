/** Element-wise functions as WGSL expressions, by name. A row is all that a new one needs. */

import type { Helper } from "./math.ts";
import type { DType } from "./op.ts";

export interface ElementwiseFn {
  /** Result for argument expressions; `type` is the WGSL type of the first argument. */
  readonly wgsl: (args: readonly string[], type: WgslType) => string;
  readonly helpers?: readonly Helper[];
  /** Rough cost in multiply-adds: dear ones are not computed twice to save a store. */
  readonly cost: number;
}

export type WgslType = "f32" | "i32" | "u32" | "bool";

export function wgslType(dtype: DType): WgslType {
  switch (dtype) {
    case "float32":
    case "float16":
      return "f32";
    case "int32":
      return "i32";
    case "uint32":
      return "u32";
    case "bool":
      return "bool";
  }
}

const DEAR = 8;

function unary(
  wgsl: (x: string, type: WgslType) => string,
  cost = 1,
  helpers: Helper[] = [],
): ElementwiseFn {
  return { wgsl: ([x = ""], type) => wgsl(x, type), cost, helpers };
}

function binary(
  wgsl: (x: string, y: string, type: WgslType) => string,
  cost = 1,
  helpers: Helper[] = [],
): ElementwiseFn {
  return { wgsl: ([x = "", y = ""], type) => wgsl(x, y, type), cost, helpers };
}

function ordered(float: Helper, operator: "<" | ">"): ElementwiseFn {
  return binary(
    (x, y, type) => {
      if (type === "f32") return `${float}(${x}, ${y})`;
      if (type === "bool") return operator === ">" ? `(${x} || ${y})` : `(${x} && ${y})`;
      return `select(${y}, ${x}, ${x} ${operator} ${y})`;
    },
    1,
    [float],
  );
}

/** WGSL has no order of truth values. */
function comparison(operator: "<" | "<=" | ">" | ">="): ElementwiseFn {
  return binary((x, y, type) =>
    type === "bool" ? `(u32(${x}) ${operator} u32(${y}))` : `(${x} ${operator} ${y})`,
  );
}

/** By helpers for signed numbers, by an operator for unsigned ones. */
function numeric(float: Helper, int: Helper, unsigned: "/" | "%"): ElementwiseFn {
  return binary(
    (x, y, type) => {
      if (type === "u32") return `(${x} ${unsigned} ${y})`;
      return `${type === "f32" ? float : int}(${x}, ${y})`;
    },
    2,
    [float, int],
  );
}

export const elementwise = {
  copy: unary(x => x),
  neg: unary((x, type) => (type === "u32" ? `(0u - ${x})` : `(-${x})`)),
  abs: unary(x => `abs(${x})`),
  sign: unary((x, type) => (type === "u32" ? `min(${x}, 1u)` : `sign(${x})`)),
  square: unary(x => `(${x} * ${x})`),
  reciprocal: unary(x => `(1.0 / ${x})`),
  sqrt: unary(x => `sqrt(${x})`, 2),
  rsqrt: unary(x => `(1.0 / sqrt(${x}))`, 2),
  floor: unary(x => `floor(${x})`),
  ceil: unary(x => `ceil(${x})`),
  trunc: unary(x => `trunc(${x})`),
  round: unary(x => `round(${x})`),
  isnan: unary((x, type) => (type === "f32" ? `isNan(${x})` : "false"), 1, ["isNan"]),
  isinf: unary((x, type) =>
    type === "f32" ? `((bitcast<u32>(${x}) & 0x7fffffffu) == 0x7f800000u)` : "false",
  ),
  isfinite: unary((x, type) =>
    type === "f32" ? `((bitcast<u32>(${x}) & 0x7fffffffu) < 0x7f800000u)` : "true",
  ),
  exp: unary(x => `expNan(${x})`, DEAR, ["expNan"]),
  expm1: unary(x => `expm1Accurate(${x})`, DEAR, ["expm1Accurate"]),
  log: unary(x => `logAccurate(${x})`, DEAR, ["logAccurate"]),
  log1p: unary(x => `log1pAccurate(${x})`, DEAR, ["log1pAccurate"]),
  log2: unary(x => `log2Accurate(${x})`, DEAR, ["log2Accurate"]),
  softplus: unary(x => `softplus(${x})`, DEAR, ["softplus"]),
  tanh: unary(x => `tanhAccurate(${x})`, DEAR, ["tanhAccurate"]),
  sigmoid: unary(x => `(1.0 / (1.0 + expNan(-${x})))`, DEAR, ["expNan"]),
  sin: unary(x => `sinAccurate(${x})`, DEAR, ["sinAccurate"]),
  cos: unary(x => `cosAccurate(${x})`, DEAR, ["cosAccurate"]),
  tan: unary(x => `tanAccurate(${x})`, DEAR, ["tanAccurate"]),
  atan: unary(x => `atanAccurate(${x})`, DEAR, ["atanAccurate"]),
  erf: unary(x => `erf(${x})`, DEAR, ["erf"]),
  // Not max(x, 0): WGSL's max may drop a NaN, and a hidden NaN is a hidden fault.
  relu: unary((x, type) => `select(${x}, ${type}(0), ${x} < ${type}(0))`),
  not: unary(x => `(!${x})`),
  and: binary((x, y) => `(${x} && ${y})`),
  or: binary((x, y) => `(${x} || ${y})`),
  xor: binary((x, y) => `(${x} != ${y})`),
  add: binary((x, y, type) => (type === "bool" ? `(${x} || ${y})` : `(${x} + ${y})`)),
  sub: binary((x, y) => `(${x} - ${y})`),
  mul: binary((x, y, type) => (type === "bool" ? `(${x} && ${y})` : `(${x} * ${y})`)),
  div: binary((x, y) => `(${x} / ${y})`),
  floorDivide: numeric("floorDivideFloat", "floorDivideInt", "/"),
  truncDivide: binary((x, y, type) => (type === "f32" ? `trunc(${x} / ${y})` : `(${x} / ${y})`)),
  remainder: numeric("remainderFloat", "remainderInt", "%"),
  pow: binary(
    (x, y, type) =>
      type === "f32" ? `power(${x}, ${y})` : `${type}(powerInt(i32(${x}), i32(${y})))`,
    DEAR,
    ["power", "powerInt"],
  ),
  atan2: binary((x, y) => `atan2Accurate(${x}, ${y})`, DEAR, ["atan2Accurate"]),
  maximum: ordered("maximumNan", ">"),
  minimum: ordered("minimumNan", "<"),
  eq: binary((x, y) => `(${x} == ${y})`),
  ne: binary(
    (x, y, type) =>
      type === "f32" ? `(${x} != ${y} || isNan(${x}) || isNan(${y}))` : `(${x} != ${y})`,
    1,
    ["isNan"],
  ),
  lt: comparison("<"),
  le: comparison("<="),
  gt: comparison(">"),
  ge: comparison(">="),
  where: {
    wgsl: ([condition = "", x = "", y = ""]) => `select(${y}, ${x}, ${condition})`,
    cost: 1,
  },
  float32: unary((x, type) => (type === "bool" ? `select(0.0, 1.0, ${x})` : `f32(${x})`)),
  // What is computed of this dtype is rounded: see half.ts.
  float16: unary((x, type) => (type === "bool" ? `select(0.0, 1.0, ${x})` : `f32(${x})`)),
  int32: unary((x, type) => (type === "bool" ? `select(0i, 1i, ${x})` : `i32(${x})`)),
  uint32: unary((x, type) => (type === "bool" ? `select(0u, 1u, ${x})` : `u32(${x})`)),
  sortKey: unary(
    (x, type) => {
      if (type === "f32") return `sortKey(${x})`;
      if (type === "i32") return `(bitcast<u32>(${x}) ^ 0x80000000u)`;
      return `u32(${x})`;
    },
    2,
    ["sortKey"],
  ),
  // By the bits: NaN is true, and a comparison with it may be anything.
  bool: unary((x, type) =>
    type === "f32" ? `((bitcast<u32>(${x}) << 1u) != 0u)` : `(${x} != ${type}(0))`,
  ),
} as const satisfies Record<string, ElementwiseFn>;

export type ElementwiseName = keyof typeof elementwise;

/** The row of a name. */
export function elementwiseFn(name: string): ElementwiseFn {
  const fn: ElementwiseFn | undefined = elementwise[name as ElementwiseName];
  if (!fn) throw new Error(`Invariant violation: no element-wise function ${name}`);
  return fn;
}
