/**
 * What a debugger shows of a tensor. It calls the methods of `Symbol.for("debug.description")` and
 * `Symbol.for("debug.properties")`, for a list of variables with side effects forbidden: then only what
 * the host has can be shown, and V8 takes the use of an import for a side effect, but not that of its
 * second name. A hover looks at the tensor first, which reads it from the GPU.
 */
import { counters } from "../gpu/device.ts";
import type { HostData, Node } from "../graph/node.ts";
import { peek, Unseen } from "../graph/peek.ts";
import { decodeHalves } from "../kernels/halfValues.ts";
import type { DType } from "../kernels/op.ts";
import { numel, type Shape } from "./shape.ts";

/** Elements that are looked at; of larger tensors the first. */
const MOST_ELEMENTS = 2 ** 18;

/** Elements that a description names. */
const NAMED_ELEMENTS = 6;

const gpuCounters = counters;
const elementCount = numel;

/** Elements, or why there are none to see. */
type Elements = HostData | string;

/** What was seen on the GPU, and how many plans had run then. */
const seen = new WeakMap<Node, { readonly elements: Elements; readonly submits: number }>();

/** Reads a value's first elements, from the GPU if need be. Anything goes on as if nobody had. */
export function look(node: Node): Elements {
  const elements = read(node);
  seen.set(node, { elements, submits: gpuCounters.submits });
  return elements;
}

function read(node: Node): Elements {
  const count = Math.min(numel(node.shape), MOST_ELEMENTS);
  if (count === 0) return new Float32Array(0);
  try {
    const data = peek(node, count);
    return data instanceof ArrayBuffer ? ofType(node.dtype, data, count) : data;
  } catch (error) {
    if (error instanceof Unseen) return error.message;
    return `cannot be read: ${error instanceof Error ? error.message : error}`;
  }
}

function ofType(dtype: DType, data: ArrayBuffer, count: number): HostData {
  if (dtype === "float16") return decodeHalves(data, count);
  if (dtype === "float32") return new Float32Array(data);
  return dtype === "int32" ? new Int32Array(data) : new Uint32Array(data);
}

/** What is known of a value without reading the GPU: nothing here may have a side effect. */
function known(node: Node): Elements | undefined {
  if (node.host) return node.host.subarray(0, MOST_ELEMENTS);
  const last = seen.get(node);
  return last?.submits === gpuCounters.submits ? last.elements : undefined;
}

/** Statistics and first elements of a value, as far as they are known; empty if nothing is. */
export function describe(node: Node): string {
  const elements = known(node);
  if (elements === undefined || elements.length === 0) return "";
  if (typeof elements === "string") return ` (${elements})`;
  const all = elementCount(node.shape);
  if (all === 1) return ` ${format(node.dtype, elements[0])}`;
  const named = Array.from(elements.subarray(0, NAMED_ELEMENTS), each => format(node.dtype, each));
  const rest = all > NAMED_ELEMENTS ? ", …" : "";
  const part = elements.length < all ? ` (of the first ${elements.length})` : "";
  return ` ${statisticsText(elements)}${part} [${named.join(", ")}${rest}]`;
}

/** What a debugger lists of a tensor; it reads the elements when it is asked for them. */
export class Inspected {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly grad: object | null;
  /** No private field: to make one is a side effect. */
  readonly node: Node;

  constructor(node: Node, requiresGrad: boolean, grad: object | null) {
    this.shape = node.shape;
    this.dtype = node.dtype;
    this.requiresGrad = requiresGrad;
    this.grad = grad;
    this.node = node;
  }

  get elements(): Elements {
    return look(this.node);
  }

  get statistics(): Statistics | string {
    const elements = look(this.node);
    return typeof elements === "string" ? elements : statistics(elements);
  }
}

/** Of finite elements; `std` is that of a population. */
interface Statistics {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** Elements that are NaN or infinite. */
  readonly nonFinite: number;
}

function statistics(elements: HostData): Statistics {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i] ?? 0;
    if (!Number.isFinite(element)) continue;
    count++;
    sum += element;
    if (element < min) min = element;
    if (element > max) max = element;
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i] ?? 0;
    if (Number.isFinite(element)) squares += (element - mean) ** 2;
  }
  return { mean, std: Math.sqrt(squares / count), min, max, nonFinite: elements.length - count };
}

function statisticsText(elements: HostData): string {
  const { mean, std, min, max, nonFinite } = statistics(elements);
  const faults = nonFinite > 0 ? `, ${nonFinite} NaN or infinite` : "";
  if (nonFinite === elements.length) return `all ${nonFinite} NaN or infinite`;
  return `mean ${short(mean)}, std ${short(std)}, min ${short(min)}, max ${short(max)}${faults}`;
}

function format(dtype: DType, element = Number.NaN): string {
  return dtype === "bool" ? String(element !== 0) : short(element);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
