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
    (x, y, type) =>
      type === "f32" ? `${float}(${x}, ${y})` : `select(${y}, ${x}, ${x} ${operator} ${y})`,
    1,
    [float],
  );
}

export const elementwise = {
  copy: unary(x => x),
  neg: unary(x => `(-${x})`),
  abs: unary(x => `abs(${x})`),
  sign: unary(x => `sign(${x})`),
  square: unary(x => `(${x} * ${x})`),
  reciprocal: unary(x => `(1.0 / ${x})`),
  sqrt: unary(x => `sqrt(${x})`, 2),
  exp: unary(x => `expNan(${x})`, DEAR, ["expNan"]),
  log: unary(x => `logAccurate(${x})`, DEAR, ["logAccurate"]),
  tanh: unary(x => `tanhAccurate(${x})`, DEAR, ["tanhAccurate"]),
  sigmoid: unary(x => `(1.0 / (1.0 + expNan(-${x})))`, DEAR, ["expNan"]),
  sin: unary(x => `sin(${x})`, DEAR),
  cos: unary(x => `cos(${x})`, DEAR),
  erf: unary(x => `erf(${x})`, DEAR, ["erf"]),
  // Not max(x, 0): WGSL's max may drop a NaN, and a hidden NaN is a hidden fault.
  relu: unary(x => `select(${x}, 0.0, ${x} < 0.0)`),
  not: unary(x => `(!${x})`),
  add: binary((x, y) => `(${x} + ${y})`),
  sub: binary((x, y) => `(${x} - ${y})`),
  mul: binary((x, y, type) => (type === "bool" ? `(${x} && ${y})` : `(${x} * ${y})`)),
  div: binary((x, y) => `(${x} / ${y})`),
  pow: binary((x, y) => `power(${x}, ${y})`, DEAR, ["power", "logAccurate"]),
  maximum: ordered("maximumNan", ">"),
  minimum: ordered("minimumNan", "<"),
  eq: binary((x, y) => `(${x} == ${y})`),
  ne: binary(
    (x, y, type) =>
      type === "f32" ? `(${x} != ${y} || isNan(${x}) || isNan(${y}))` : `(${x} != ${y})`,
    1,
    ["isNan"],
  ),
  lt: binary((x, y) => `(${x} < ${y})`),
  le: binary((x, y) => `(${x} <= ${y})`),
  gt: binary((x, y) => `(${x} > ${y})`),
  ge: binary((x, y) => `(${x} >= ${y})`),
  where: {
    wgsl: ([condition = "", x = "", y = ""]) => `select(${y}, ${x}, ${condition})`,
    cost: 1,
  },
  float32: unary((x, type) => (type === "bool" ? `select(0.0, 1.0, ${x})` : `f32(${x})`)),
  int32: unary((x, type) => (type === "bool" ? `select(0i, 1i, ${x})` : `i32(${x})`)),
  uint32: unary((x, type) => (type === "bool" ? `select(0u, 1u, ${x})` : `u32(${x})`)),
  bool: unary((x, type) => (type === "f32" ? `(${x} != 0.0)` : `(${x} != ${type}(0))`)),
} as const satisfies Record<string, ElementwiseFn>;

export type ElementwiseName = keyof typeof elementwise;

/** The row of a name. */
export function elementwiseFn(name: string): ElementwiseFn {
  const fn: ElementwiseFn | undefined = elementwise[name as ElementwiseName];
  if (!fn) throw new Error(`Invariant violation: no element-wise function ${name}`);
  return fn;
}
