/** Tensors from nothing and from host data. */
import { recordNode } from "../graph/graph.ts";
import type { HostData } from "../graph/node.ts";
import { hostNode, Node } from "../graph/node.ts";
import { roundToHalf } from "../kernels/halfValues.ts";
import type { DType } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { cast, where } from "./elementwise.ts";
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
 * @throws RangeError if nested arrays are ragged, the shape does not fit, or NaN shall be an integer.
 * @throws TypeError for what are no numbers, such as texts.
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

export interface CreationOptions {
  /** Default: float32. */
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
}

/** Sizes with options behind them: `zeros(2, 3, { dtype: "int32" })`, `zeros([2, 3])`. */
export type CreationArguments =
  | Sizes
  | readonly [...sizes: number[], options: CreationOptions]
  | readonly [shape: Shape, options: CreationOptions];

/** The shape and the options of such arguments. @internal */
export function creation(
  args: CreationArguments,
  op: string,
): { readonly shape: Shape; readonly options: CreationOptions } {
  const last: unknown = args.at(-1);
  const options = isOptions(last) ? last : {};
  const sizes = isOptions(last) ? args.slice(0, -1) : args;
  return { shape: newShape(sizes as Sizes, op), options };
}

function isOptions(argument: unknown): argument is CreationOptions {
  return typeof argument === "object" && argument !== null && !Array.isArray(argument);
}

/** A tensor of one number. */
export function full(shape: Shape, value: number, options: CreationOptions = {}): Tensor {
  const { dtype = "float32" } = options;
  const number = dtype === "float16" ? roundToHalf(value) : value;
  const scalar = internOp({ kind: "scalar" }, [], dtype);
  const constant = new Tensor(recordNode(new Node(scalar, [], [number])));
  return withOptions(expand(constant, newShape([shape], "full")), options);
}

export function zeros(...args: CreationArguments): Tensor {
  const { shape, options } = creation(args, "zeros");
  return full(shape, 0, options);
}

export function ones(...args: CreationArguments): Tensor {
  const { shape, options } = creation(args, "ones");
  return full(shape, 1, options);
}

/** For values that are written before they are read: zeros. */
export function empty(...args: CreationArguments): Tensor {
  const { shape, options } = creation(args, "empty");
  return full(shape, 0, options);
}

/** Zeros in the shape and dtype of another tensor. */
export function zerosLike(x: Tensor, options: CreationOptions = {}): Tensor {
  return fullLike(x, 0, options);
}

/** Ones in the shape and dtype of another tensor. */
export function onesLike(x: Tensor, options: CreationOptions = {}): Tensor {
  return fullLike(x, 1, options);
}

/** A tensor of one number in the shape and dtype of another one. */
export function fullLike(x: Tensor, value: number, options: CreationOptions = {}): Tensor {
  return full(x.shape, value, { dtype: x.dtype, ...options });
}

/**
 * 0, 1, … below `end`, or start, start + step, …; int32 if all are whole, else float32.
 * @throws RangeError if the step leads away from the end, or nowhere.
 */
export function arange(end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: CreationOptions): Tensor;
export function arange(...args: readonly (number | CreationOptions | undefined)[]): Tensor {
  const numbers = args.filter(argument => typeof argument === "number");
  const options = args.find(isOptions) ?? {};
  const [from = 0, to = 0, step = 1] = numbers.length < 2 ? [0, ...numbers] : numbers;
  const length = Math.ceil((to - from) / step);
  if (!Number.isFinite(length) || length < 0) {
    throw new RangeError(`arange: from ${from} one does not come to ${to} by steps of ${step}`);
  }
  const dtype = options.dtype ?? ([from, step].every(Number.isInteger) ? "int32" : "float32");
  const place = cast(iota([length], 0), [from, step].every(Number.isInteger) ? dtype : "float32");
  return withOptions(cast(place.mul(step).add(from), dtype), options);
}

/**
 * `steps` numbers in equal distances from `start` to `end`, both of them included.
 * @throws RangeError if the number of steps is negative or not whole.
 */
export function linspace(
  start: number,
  end: number,
  steps: number,
  options: CreationOptions = {},
): Tensor {
  const place = cast(iota(newShape([steps], "linspace"), 0), "float32");
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // Each half is counted from its own end, so that both ends are exact.
  const fromEnd = place
    .sub(steps - 1)
    .mul(step)
    .add(end);
  const values = where(place.lt(steps / 2), place.mul(step).add(start), fromEnd);
  return withOptions(cast(values, options.dtype ?? "float32"), options);
}

function withOptions(result: Tensor, { requiresGrad = false }: CreationOptions): Tensor {
  return requiresGrad ? result.requiresGrad_() : result;
}

/** 1 at the class's place, 0 elsewhere, int32. */
export function oneHot(classes: Tensor, count: number): Tensor {
  const shape = [...classes.shape, count];
  return cast(classes.unsqueeze(-1).eq(iota(shape, classes.ndim)), "int32");
}

/** The identity matrix: ones on the diagonal, of `columns` columns (default: n). */
export function eye(n: number, columns = n, options: CreationOptions = {}): Tensor {
  const shape = newShape([n, columns], "eye");
  const diagonal = iota(shape, 0).eq(iota(shape, 1));
  return withOptions(cast(diagonal, options.dtype ?? "float32"), options);
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
    else flat.push(numberOf(value));
  };
  visit(data, 0);
  return flat;
}

function numberOf(value: unknown): number {
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  const what = value === null ? "null" : typeof value;
  throw new TypeError(`tensor: expects numbers, or true and false, got ${what}`);
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
  if (dtype === "int32" || dtype === "uint32") requireFinite(values, dtype);
  switch (dtype) {
    case "float32":
      return new Float32Array(values);
    case "float16":
      return Float32Array.from(values, roundToHalf);
    case "int32":
      return new Int32Array(values);
    case "uint32":
      return new Uint32Array(values);
    case "bool":
      return Uint32Array.from(values, value => (value ? 1 : 0));
  }
}

/** Fractions are cut, as PyTorch does; what is no number has no integer, and is no class of a target. */
function requireFinite(values: ArrayLike<number>, dtype: DType): void {
  if (values instanceof Int32Array || values instanceof Uint32Array) return;
  const odd = Array.prototype.find.call(values, value => !Number.isFinite(value));
  if (odd !== undefined) throw new RangeError(`tensor: ${odd} is no ${dtype}`);
}
