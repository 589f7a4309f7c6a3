/** Tensors from nothing and from host data. */
import { recordNode } from "../graph/graph.ts";
import type { HostData } from "../graph/node.ts";
import { hostNode, Node } from "../graph/node.ts";
import type { DType } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { cast, mul } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import type { Shape, Sizes } from "./shape.ts";
import { formatShape, newShape, numel } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { expand } from "./views.ts";

/** Numbers or truth values, nested as deeply as the tensor has dimensions. */
export type NestedArray = number | boolean | readonly NestedArray[];

export interface TensorOptions {
  /** Default: that of the typed array, bool for truth values, else float32. */
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
  /** Shape of a typed array's elements; default: one dimension. */
  readonly shape?: Shape;
}

/**
 * A tensor from numbers. Data is copied.
 * @throws RangeError if nested arrays are ragged or the shape does not fit.
 */
export function tensor(data: NestedArray | HostData, options: TensorOptions = {}): Tensor {
  const typed = ArrayBuffer.isView(data);
  const shape = options.shape ?? (typed ? [data.length] : nestedShape(data));
  const flat = typed ? data : flatten(data, shape);
  if (numel(shape) !== flat.length) {
    throw new RangeError(
      `tensor: ${flat.length} elements do not fill the shape ${formatShape(shape)}`,
    );
  }
  const dtype = options.dtype ?? (typed ? dtypeOf(data) : isTruth(data) ? "bool" : "float32");
  const result = new Tensor(hostNode(convert(flat, dtype), shape, dtype));
  return options.requiresGrad ? result.requiresGrad_() : result;
}

export function full(shape: Shape, value: number, dtype: DType = "float32"): Tensor {
  const scalar = new Node(internOp({ kind: "scalar" }, [], dtype), [], [value]);
  return expand(new Tensor(recordNode(scalar)), shape);
}

export function zeros(...sizes: Sizes): Tensor {
  return full(newShape(sizes, "zeros"), 0);
}

export function ones(...sizes: Sizes): Tensor {
  return full(newShape(sizes, "ones"), 1);
}

/** start, start + step, … below `end`, int32 if all are whole. */
export function arange(start: number, end?: number, step = 1): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(length)) {
    throw new RangeError(`arange: from ${from} to ${to} by ${step} has no end`);
  }
  const whole = [from, step].every(Number.isInteger);
  const index = iota([length], 0);
  return (whole ? index : cast(index, "float32")).mul(step).add(from);
}

/** 1 at the class's place, 0 elsewhere, int32. */
export function oneHot(classes: Tensor, count: number): Tensor {
  const shape = [...classes.shape, count];
  return cast(classes.unsqueeze(-1).eq(iota(shape, classes.ndim)), "int32");
}

/** The identity matrix. */
export function eye(n: number): Tensor {
  return mul(cast(iota([n, n], 0).eq(iota([n, n], 1)), "float32"), 1);
}

function nestedShape(data: NestedArray): number[] {
  const shape: number[] = [];
  let at: NestedArray | undefined = data;
  while (Array.isArray(at)) {
    shape.push(at.length);
    at = at[0];
  }
  return shape;
}

function flatten(data: NestedArray, shape: Shape): number[] {
  const flat: number[] = [];
  const visit = (value: NestedArray, depth: number): void => {
    const size = shape[depth];
    if (Array.isArray(value) ? value.length !== size : size !== undefined) {
      throw new RangeError(
        `tensor: nested arrays must have equal lengths: expected ${size ?? "a number"} at depth ` +
          `${depth}, got ${Array.isArray(value) ? `${value.length} elements` : String(value)}`,
      );
    }
    if (Array.isArray(value)) for (const item of value) visit(item, depth + 1);
    else flat.push(Number(value));
  };
  visit(data, 0);
  return flat;
}

function isTruth(data: NestedArray | HostData): boolean {
  let at: unknown = data;
  while (Array.isArray(at)) at = at[0];
  return typeof at === "boolean";
}

function dtypeOf(data: ArrayBufferView): DType {
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint32Array ? "uint32" : "float32";
}

function convert(values: ArrayLike<number>, dtype: DType): HostData {
  switch (dtype) {
    case "float32":
      return new Float32Array(values);
    case "int32":
      return new Int32Array(values);
    case "uint32":
      return new Uint32Array(values);
    case "bool":
      return Uint32Array.from(values, value => (value ? 1 : 0));
  }
}
