/** The handle that a script holds: PyTorch's `Tensor`, lazy. */
import { readRange } from "../gpu/readback.ts";
import { assign, pin, realize } from "../graph/graph.ts";
import type { HostData, Node } from "../graph/node.ts";
import type { DType } from "../kernels/op.ts";
import * as activations from "./activations.ts";
import type { BackwardOptions, GradFn } from "./autograd.ts";
import { backward, gradEnabled } from "./autograd.ts";
import { full } from "./creation.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as joining from "./joining.ts";
import * as linear from "./linear.ts";
import * as masks from "./masks.ts";
import * as reduce from "./reduce.ts";
import type { Shape, Sizes } from "./shape.ts";
import { formatShape, numel, sameShape, sizesOf } from "./shape.ts";
import type { Range } from "./slicing.ts";
import * as slicing from "./slicing.ts";
import * as statistics from "./statistics.ts";
import * as unary from "./unary.ts";
import * as views from "./views.ts";

/** A tensor, or a number that broadcasts. */
export type Operand = Tensor | number;

/** What `data()` resolves with, by dtype: float32, int32, uint32 and bool. */
export type TensorData = Float32Array | Int32Array | Uint32Array | Uint8Array;

/**
 * An n-dimensional array on the GPU. Operations check shapes at once and compute later: when
 * `item()`, `data()` or `optimizer.step()` needs them.
 */
export class Tensor {
  /** The value. In-place methods replace it. @internal */
  node: Node;
  /** The gradient that `backward()` accumulated. */
  grad: Tensor | null = null;
  /** The operation that made this tensor, for autograd. @internal */
  gradFn: GradFn | null = null;
  /** Counts in-place changes. @internal */
  version = 0;
  #requiresGrad = false;

  /** @internal */
  constructor(node: Node) {
    this.node = node;
  }

  get shape(): Shape {
    return this.node.shape;
  }

  get dtype(): DType {
    return this.node.dtype;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return numel(this.shape);
  }

  /** Whether `backward()` reaches this tensor. */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(value: boolean) {
    this.requiresGrad_(value);
  }

  /** Whether it was made by the script and not by an operation that autograd follows. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /**
   * Sets `requiresGrad`.
   * @throws TypeError if the dtype is not float32: only those have derivatives.
   */
  requiresGrad_(value = true): this {
    if (value && this.dtype !== "float32") {
      throw new TypeError(`only float32 tensors can require gradients, this one is ${this.dtype}`);
    }
    this.#requiresGrad = value;
    return this;
  }

  // Reading

  /**
   * The value of a tensor of one element.
   * @throws TypeError if there are more or fewer.
   */
  async item(): Promise<number> {
    if (this.numel !== 1) {
      throw new TypeError(
        `item(): a tensor of shape ${formatShape(this.shape)} has ${this.numel} elements; only one ` +
          "element can become a number. Use data() for all of them, or mean() or sum() first",
      );
    }
    const [value = Number.NaN] = await this.data();
    return value;
  }

  /** All elements, row-major: a copy in host memory. */
  async data(): Promise<TensorData> {
    const { node, dtype } = this;
    if (node.host) return hostArray(dtype, node.host.slice());
    if (this.numel === 0) return hostArray(dtype, new Float32Array(0));
    const bytes = await readRange(realize(node).range);
    switch (dtype) {
      case "float32":
        return new Float32Array(bytes);
      case "int32":
        return new Int32Array(bytes);
      case "uint32":
        return new Uint32Array(bytes);
      case "bool":
        return Uint8Array.from(new Uint32Array(bytes));
    }
  }

  /** Holds the value beyond the end of the step, however large it is. */
  keep(): this {
    if (!this.node.storage) pin(this.node);
    return this;
  }

  toString(): string {
    return `Tensor ${formatShape(this.shape)} ${this.dtype}`;
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  // Autograd

  /** Adds the gradients of this tensor of one element to `grad` of the leaves that it depends on. */
  backward(options?: BackwardOptions): void {
    backward(this, options);
  }

  /** A copy, which later changes in place of this tensor do not reach. */
  clone(): Tensor {
    return elementwise.clone(this);
  }

  /** The same value, which autograd does not follow further. */
  detach(): Tensor {
    return new Tensor(this.node);
  }

  // Element by element; operands broadcast

  add(other: Operand): Tensor {
    return elementwise.add(this, other);
  }
  sub(other: Operand): Tensor {
    return elementwise.sub(this, other);
  }
  mul(other: Operand): Tensor {
    return elementwise.mul(this, other);
  }
  div(other: Operand, options?: elementwise.DivOptions): Tensor {
    return elementwise.div(this, other, options);
  }
  /** The rest of the division that rounds down: it has the sign of `other`, as in Python. */
  remainder(other: Operand): Tensor {
    return elementwise.remainder(this, other);
  }
  pow(exponent: Operand): Tensor {
    return elementwise.pow(this, exponent);
  }
  maximum(other: Operand): Tensor {
    return elementwise.maximum(this, other);
  }
  minimum(other: Operand): Tensor {
    return elementwise.minimum(this, other);
  }
  neg(): Tensor {
    return unary.neg(this);
  }
  abs(): Tensor {
    return unary.abs(this);
  }
  sign(): Tensor {
    return unary.sign(this);
  }
  exp(): Tensor {
    return unary.exp(this);
  }
  /** exp(x) − 1, exact for small x. */
  expm1(): Tensor {
    return unary.expm1(this);
  }
  log(): Tensor {
    return unary.log(this);
  }
  /** log(1 + x), exact for small x. */
  log1p(): Tensor {
    return unary.log1p(this);
  }
  log2(): Tensor {
    return unary.log2(this);
  }
  sqrt(): Tensor {
    return unary.sqrt(this);
  }
  /** 1 / √x. */
  rsqrt(): Tensor {
    return unary.rsqrt(this);
  }
  square(): Tensor {
    return unary.square(this);
  }
  reciprocal(): Tensor {
    return unary.reciprocal(this);
  }
  sin(): Tensor {
    return unary.sin(this);
  }
  cos(): Tensor {
    return unary.cos(this);
  }
  tan(): Tensor {
    return unary.tan(this);
  }
  atan(): Tensor {
    return unary.atan(this);
  }
  tanh(): Tensor {
    return unary.tanh(this);
  }
  sigmoid(): Tensor {
    return unary.sigmoid(this);
  }
  erf(): Tensor {
    return unary.erf(this);
  }
  /** max(x, 0). */
  relu(): Tensor {
    return unary.relu(this);
  }
  floor(): Tensor {
    return unary.floor(this);
  }
  ceil(): Tensor {
    return unary.ceil(this);
  }
  /** The nearest whole number; of two the even one. */
  round(): Tensor {
    return unary.round(this);
  }
  /** Without the fraction. */
  trunc(): Tensor {
    return unary.trunc(this);
  }
  isnan(): Tensor {
    return unary.isnan(this);
  }
  isinf(): Tensor {
    return unary.isinf(this);
  }
  /** Whether elements are neither infinite nor NaN. */
  isfinite(): Tensor {
    return unary.isfinite(this);
  }
  /**
   * `min` where x is below it, `max` where x is above that. Either may be left out: `clamp(0)`,
   * `clamp(null, 1)`.
   */
  clamp(min?: Operand | null, max?: Operand | null): Tensor {
    return unary.clamp(this, min, max);
  }
  gelu(approximate: "none" | "tanh" = "none"): Tensor {
    return activations.gelu(this, approximate);
  }
  eq(other: Operand): Tensor {
    return elementwise.compare("eq", this, other);
  }
  ne(other: Operand): Tensor {
    return elementwise.compare("ne", this, other);
  }
  lt(other: Operand): Tensor {
    return elementwise.compare("lt", this, other);
  }
  le(other: Operand): Tensor {
    return elementwise.compare("le", this, other);
  }
  gt(other: Operand): Tensor {
    return elementwise.compare("gt", this, other);
  }
  ge(other: Operand): Tensor {
    return elementwise.compare("ge", this, other);
  }
  /** The angle of the points (other, this), in (−π, π]. */
  atan2(other: Operand): Tensor {
    return elementwise.atan2(this, other);
  }
  /** This tensor + weight · (end − this tensor). */
  lerp(end: Tensor, weight: Operand): Tensor {
    return elementwise.lerp(this, end, weight);
  }
  logicalNot(): Tensor {
    return masks.logicalNot(this);
  }
  logicalAnd(other: Tensor): Tensor {
    return masks.logicalAnd(this, other);
  }
  logicalOr(other: Tensor): Tensor {
    return masks.logicalOr(this, other);
  }
  logicalXor(other: Tensor): Tensor {
    return masks.logicalXor(this, other);
  }
  /** `value` where the mask holds, this tensor elsewhere. */
  maskedFill(mask: Tensor, value: Operand): Tensor {
    return masks.maskedFill(this, mask, value);
  }
  /** This tensor where `condition` holds, `other` elsewhere. */
  where(condition: Tensor, other: Operand): Tensor {
    return elementwise.where(condition, this, other);
  }
  /** The same values in another dtype; floats are cut towards zero. */
  to(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  // Over dimensions; all of them where none is named

  sum(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.sum(this, dim, keepdim);
  }
  mean(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.mean(this, dim, keepdim);
  }
  /** The variance: squares are divided by the number of elements less `correction`, 1 by default. */
  var(dim?: number | readonly number[], options?: statistics.VarianceOptions): Tensor {
    return statistics.variance(this, dim, options);
  }
  /** The standard deviation: the root of the variance. */
  std(dim?: number | readonly number[], options?: statistics.VarianceOptions): Tensor {
    return statistics.std(this, dim, options);
  }
  prod(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.prod(this, dim, keepdim);
  }
  /** The largest element. */
  max(): Tensor {
    return reduce.amax(this);
  }
  /** The smallest element. */
  min(): Tensor {
    return reduce.amin(this);
  }
  amax(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.amax(this, dim, keepdim);
  }
  amin(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.amin(this, dim, keepdim);
  }
  /** Index of the largest element, int32: the first of equals. */
  argmax(dim?: number, keepdim = false): Tensor {
    return reduce.argReduce(this, "argmax", dim, keepdim);
  }
  /** Index of the smallest element, int32: the first of equals. */
  argmin(dim?: number, keepdim = false): Tensor {
    return reduce.argReduce(this, "argmin", dim, keepdim);
  }
  logsumexp(dim: number | readonly number[], keepdim = false): Tensor {
    return reduce.logsumexp(this, dim, keepdim);
  }
  softmax(dim: number): Tensor {
    return reduce.softmax(this, dim);
  }
  logSoftmax(dim: number): Tensor {
    return reduce.logSoftmax(this, dim);
  }

  // Products

  /** Matrix product with PyTorch's rules for one-dimensional and batched factors. */
  matmul(other: Tensor): Tensor {
    return linear.matmul(this, other);
  }

  // Shape

  /** The same elements in another shape; one size may be -1. */
  reshape(...sizes: Sizes): Tensor {
    return views.reshape(this, sizesOf(sizes));
  }
  flatten(startDim = 0, endDim = -1): Tensor {
    return views.flatten(this, startDim, endDim);
  }
  permute(...dims: Sizes): Tensor {
    return views.permute(this, sizesOf(dims));
  }
  transpose(dim0: number, dim1: number): Tensor {
    return views.transpose(this, dim0, dim1);
  }
  /** The transpose of a matrix. */
  t(): Tensor {
    return views.t(this);
  }
  squeeze(dim?: number): Tensor {
    return views.squeeze(this, dim);
  }
  unsqueeze(dim: number): Tensor {
    return views.unsqueeze(this, dim);
  }
  /** Repeats dimensions of size 1 without copying; -1 keeps a size. */
  expand(...sizes: Sizes): Tensor {
    return views.expand(this, sizesOf(sizes));
  }
  /** The same as `reshape`. */
  view(...sizes: Sizes): Tensor {
    return views.reshape(this, sizesOf(sizes));
  }

  // Parts

  /** `length` indices of a dimension from `start` on. */
  narrow(dim: number, start: number, length: number): Tensor {
    return slicing.narrow(this, dim, start, length);
  }
  /** One index of a dimension, which is removed. */
  select(dim: number, index: number): Tensor {
    return slicing.select(this, dim, index);
  }
  /**
   * Python's `x[a:b, :, i]` as `x.slice([a, b], null, i)`; `[null, b]`, `[a]` and `[a, b, step]` are
   * `:b`, `a:` and `a:b:step`.
   */
  slice(...ranges: Range[]): Tensor {
    return slicing.slice(this, ranges);
  }
  /** Pieces of so many elements each along a dimension, or of the sizes that are listed. */
  split(sizes: number | readonly number[], dim = 0): Tensor[] {
    return slicing.split(this, sizes, dim);
  }
  /** At most so many pieces of equal size along a dimension; the last may be smaller. */
  chunk(chunks: number, dim = 0): Tensor[] {
    return slicing.chunk(this, chunks, dim);
  }
  /** All slices along a dimension, which is removed. */
  unbind(dim = 0): Tensor[] {
    return slicing.unbind(this, dim);
  }
  /** The elements in the opposite order along the dimensions. */
  flip(...dims: Sizes): Tensor {
    return slicing.flip(this, sizesOf(dims));
  }
  /** The lower triangle of matrices; 0 above diagonal number `diagonal`. */
  tril(diagonal = 0): Tensor {
    return masks.tril(this, diagonal);
  }
  /** The upper triangle of matrices; 0 below diagonal number `diagonal`. */
  triu(diagonal = 0): Tensor {
    return masks.triu(this, diagonal);
  }
  /** With a border of `value`: elements before and after, for the last dimension first. */
  pad(padding: readonly number[], value = 0): Tensor {
    return joining.pad(this, padding, value);
  }

  // Indexing

  /** The elements that `index` (int32, as many dimensions) names along a dimension. */
  gather(dim: number, index: Tensor): Tensor {
    return indexing.gather(this, dim, index);
  }
  /** The slices that `index` (int32, one dimension) names along a dimension. */
  indexSelect(dim: number, index: Tensor): Tensor {
    return indexing.indexSelect(this, dim, index);
  }

  // In place

  add_(other: Operand): this {
    return this.#replace("add_", elementwise.add(this.#before(), other));
  }
  sub_(other: Operand): this {
    return this.#replace("sub_", elementwise.sub(this.#before(), other));
  }
  mul_(other: Operand): this {
    return this.#replace("mul_", elementwise.mul(this.#before(), other));
  }
  div_(other: Operand): this {
    return this.#replace("div_", elementwise.div(this.#before(), other));
  }
  copy_(source: Operand): this {
    const value = source instanceof Tensor ? source : full([], source, { dtype: this.dtype });
    const cast = elementwise.cast(value, this.dtype);
    return this.#replace("copy_", elementwise.clone(views.expand(cast, this.shape)));
  }
  fill_(value: number): this {
    return this.copy_(value);
  }
  zero_(): this {
    return this.fill_(0);
  }

  /** This tensor as it is now, for an operation whose result replaces it. */
  #before(): Tensor {
    const before = new Tensor(this.node);
    before.gradFn = this.gradFn;
    before.#requiresGrad = this.#requiresGrad;
    return before;
  }

  #replace(method: string, result: Tensor): this {
    if (gradEnabled() && this.#requiresGrad && this.isLeaf) {
      throw new Error(
        `${method}: a leaf tensor that requires gradients is being changed in place. Wrap the ` +
          "change in noGrad(() => …)",
      );
    }
    if (!sameShape(result.shape, this.shape)) {
      throw new RangeError(
        `${method}: the result has shape ${formatShape(result.shape)} and does not fit into ` +
          formatShape(this.shape),
      );
    }
    const { node } = elementwise.cast(result, this.dtype);
    // Parameters live where their optimizer put them; everything else just gets a new value.
    const { op } = this.node;
    this.node = op.kind === "leaf" && op.bound && this.isLeaf ? assign(this.node, node) : node;
    this.gradFn = result.gradFn;
    this.#requiresGrad ||= result.#requiresGrad;
    this.version++;
    return this;
  }
}

function hostArray(dtype: DType, data: HostData): TensorData {
  return dtype === "bool" ? Uint8Array.from(data) : data;
}
