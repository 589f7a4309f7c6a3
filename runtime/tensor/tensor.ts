/** The handle that a script holds: PyTorch's `Tensor`, lazy. */
import { readRange } from "../gpu/readback.ts";
import { assign, pin, realize } from "../graph/graph.ts";
import type { HostData, Node } from "../graph/node.ts";
import { decodeHalves } from "../kernels/halfValues.ts";
import type { DType } from "../kernels/op.ts";
import { isFloat } from "../kernels/op.ts";
import { LOOK } from "../protocol/look.ts";
import * as activations from "./activations.ts";
import type { BackwardOptions, Derivative, GradFn, GradHook } from "./autograd.ts";
import { backward, differentiable, gradEnabled } from "./autograd.ts";
import { enterChanged } from "./changed.ts";
import { full } from "./creation.ts";
import * as elementwise from "./elementwise.ts";
import { noteHandUpdate } from "./handUpdates.ts";
import * as indexing from "./indexing.ts";
import { describe, Inspected, look } from "./inspection.ts";
import type { PaddingMode } from "./joining.ts";
import * as joining from "./joining.ts";
import * as linear from "./linear.ts";
import * as masks from "./masks.ts";
import * as rearrange from "./rearrange.ts";
import * as reduce from "./reduce.ts";
import * as sampling from "./sampling.ts";
import { cumprod, cumsum } from "./scan.ts";
import * as scattering from "./scatter.ts";
import * as selection from "./selection.ts";
import type { Shape, Sizes } from "./shape.ts";
import { formatShape, normalizeDim, numel, sameShape, sizesOf } from "./shape.ts";
import type { Range } from "./slicing.ts";
import * as slicing from "./slicing.ts";
import type { ValuesAndIndices } from "./sorting.ts";
import * as sorting from "./sorting.ts";
import * as statistics from "./statistics.ts";
import * as unary from "./unary.ts";
import * as views from "./views.ts";

// Debuggers call what is written with these: see inspection.ts.
const shapeText = formatShape;
const seenOf = describe;
const Listed = Inspected;

/** A tensor, or a number that broadcasts. */
export type Operand = Tensor | number;

/** What `data()` resolves with, by dtype: float32 and float16, int32, uint32 and bool. */
export type TensorData = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** What a view looks at: it sees later changes in place there, and changes of its own go there. */
interface Viewed {
  readonly base: Tensor;
  /** The view of the base. */
  readonly look: (base: Tensor) => Tensor;
  /** The base with other values where the view looks. */
  readonly put: (base: Tensor, value: Tensor) => Tensor;
  /** Version of the base that the view has seen. */
  seen: number;
}

/**
 * An n-dimensional array on the GPU. Operations check shapes at once and compute later: when
 * `item()`, `data()` or `optimizer.step()` needs them.
 */
export class Tensor {
  /** The gradient that `backward()` accumulated. */
  grad: Tensor | null = null;
  /** The operation that made this tensor, for autograd. @internal */
  gradFn: GradFn | null = null;
  /** See the gradient of a leaf, in the order in which they were registered. @internal */
  gradHooks: Set<GradHook> | undefined;
  #node: Node;
  #version = 0;
  #requiresGrad = false;
  #viewed: Viewed | undefined;

  /** @internal */
  constructor(node: Node) {
    this.#node = node;
  }

  /** The value. In-place methods replace it. @internal */
  get node(): Node {
    this.#refresh();
    return this.#node;
  }

  set node(node: Node) {
    this.#node = node;
  }

  /** Counts in-place changes; a view counts with its base. @internal */
  get version(): number {
    return this.#viewed ? this.#viewed.base.version : this.#version;
  }

  set version(version: number) {
    this.#version = version;
  }

  /**
   * Makes this tensor a view of `base`, as PyTorch's share memory.
   * @param look the view of a base, @param put the base with other values where the view looks.
   * @internal
   */
  views(base: Tensor, look: Viewed["look"], put: Viewed["put"]): this {
    this.#viewed = { base, look, put, seen: base.version };
    return this;
  }

  /** Looks again where the base changed. */
  #refresh(): void {
    const viewed = this.#viewed;
    if (!viewed || !isOutdated(viewed)) return;
    const now = viewed.look(viewed.base);
    this.#node = now.#node;
    // Under noGrad the history is left for a look that may follow it.
    if (!gradEnabled()) return;
    viewed.seen = viewed.base.version;
    this.gradFn = now.gradFn;
    this.#requiresGrad = now.#requiresGrad;
  }

  // What a view sees keeps its shape and type: there is no need to look again.
  get shape(): Shape {
    return this.#node.shape;
  }

  get dtype(): DType {
    return this.#node.dtype;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return numel(this.shape);
  }

  /** All sizes, or that of one dimension. */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    if (dim === undefined) return this.shape;
    return this.shape[normalizeDim(dim, this.ndim, "size")] ?? 1;
  }

  /** Whether `backward()` reaches this tensor. */
  get requiresGrad(): boolean {
    this.#refresh();
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
   * @throws TypeError if the dtype is no floating-point one: only those have derivatives.
   */
  requiresGrad_(value = true): this {
    if (value && !isFloat(this.dtype)) {
      throw new TypeError(
        `only floating-point tensors can require gradients, this one is ${this.dtype}`,
      );
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
      case "float16":
        return decodeHalves(bytes, this.numel);
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
    return `Tensor ${shapeText(this.shape)} ${this.dtype}`;
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  static {
    (globalThis as Record<symbol, unknown>)[Symbol.for(LOOK)] = (value: unknown): unknown => {
      if (value instanceof Tensor && !isOutdated(value.#viewed)) look(value.#node);
      return value;
    };
  }

  /** What debuggers show: see inspection.ts. */
  [Symbol.for("debug.description")](): string {
    const seen = isOutdated(this.#viewed) ? " (changed in place since)" : seenOf(this.#node);
    return this.toString() + seen;
  }

  /** What debuggers list. */
  [Symbol.for("debug.properties")](): object {
    return new Listed(this.#node, this.#requiresGrad, this.grad);
  }

  // Autograd

  /** Adds the gradients of this tensor to `grad` of the leaves that it depends on. */
  backward(options?: BackwardOptions): void {
    backward(this, options);
  }

  /**
   * Calls `hook` with the gradient of this tensor whenever one is computed; what it returns takes its
   * place.
   * @returns a handle whose `remove()` takes the hook away.
   * @throws Error if the tensor requires no gradient.
   */
  registerHook(hook: GradHook): { remove(): void } {
    if (!this.#requiresGrad) {
      throw new Error("registerHook: cannot register a hook on a tensor that requires no gradient");
    }
    const hooks = (this.gradFn ? this.gradFn.hooks : this.gradHooks) ?? new Set<GradHook>();
    if (this.gradFn) this.gradFn.hooks = hooks;
    else this.gradHooks = hooks;
    hooks.add(hook);
    return { remove: () => void hooks.delete(hook) };
  }

  /** Has `backward()` leave the gradient in `grad`, as it does for leaves. */
  retainGrad(): void {
    if (this.isLeaf) return;
    this.registerHook(grad => {
      this.grad = grad;
      return undefined;
    });
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
  silu(): Tensor {
    return activations.silu(this);
  }
  softplus(beta?: number, threshold?: number): Tensor {
    return activations.softplus(this, beta, threshold);
  }
  elu(alpha?: number): Tensor {
    return activations.elu(this, alpha);
  }
  leakyRelu(negativeSlope?: number): Tensor {
    return activations.leakyRelu(this, negativeSlope);
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
  /** The elements where the mask (bool, broadcast) is true, as a vector: a promise, as their number is read back. */
  maskedSelect(mask: Tensor): Promise<Tensor> {
    return selection.maskedSelect(this, mask);
  }
  /** Where elements are not zero, int32 of [count, dimensions]: a promise, as the count is read back. */
  nonzero(): Promise<Tensor> {
    return selection.nonzero(this);
  }
  /** This tensor where `condition` holds, `other` elsewhere. */
  where(condition: Tensor, other: Operand): Tensor {
    return elementwise.where(condition, this, other);
  }
  /** The same values in another dtype; floats are cut towards zero. */
  to(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  /** As float32. */
  float(): Tensor {
    return this.to("float32");
  }
  /** As float16: two bytes an element, 11 bits of precision, and infinity from 65,520 on. */
  half(): Tensor {
    return this.to("float16");
  }
  /** As int32; floats are cut towards zero. */
  int(): Tensor {
    return this.to("int32");
  }
  /** As int32, the only signed integer that WebGPU has. */
  long(): Tensor {
    return this.to("int32");
  }
  /** Whether elements are not 0. */
  bool(): Tensor {
    return this.to("bool");
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
  /**
   * The largest element; or with a dimension the largest along it and where they are; or, with a
   * tensor, the larger of two elements each.
   */
  max(): Tensor;
  max(other: Tensor): Tensor;
  max(dim: number, keepdim?: boolean): ValuesAndIndices;
  max(which?: Tensor | number, keepdim = false): Tensor | ValuesAndIndices {
    if (which instanceof Tensor) return elementwise.maximum(this, which);
    if (which === undefined) return reduce.amax(this);
    return sorting.extreme(this, "argmax", which, keepdim);
  }
  /**
   * The smallest element; or with a dimension the smallest along it and where they are; or, with a
   * tensor, the smaller of two elements each.
   */
  min(): Tensor;
  min(other: Tensor): Tensor;
  min(dim: number, keepdim?: boolean): ValuesAndIndices;
  min(which?: Tensor | number, keepdim = false): Tensor | ValuesAndIndices {
    if (which instanceof Tensor) return elementwise.minimum(this, which);
    if (which === undefined) return reduce.amin(this);
    return sorting.extreme(this, "argmin", which, keepdim);
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
  /** Whether any element is true, or not 0. */
  any(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.any(this, dim, keepdim);
  }
  /** Whether all elements are true, or not 0. */
  all(dim?: number | readonly number[], keepdim = false): Tensor {
    return reduce.all(this, dim, keepdim);
  }
  /** The p-norm (Σ |x|^p)^(1/p). */
  norm(p?: number, dim?: number | readonly number[], keepdim = false): Tensor {
    return statistics.norm(this, p, dim, keepdim);
  }
  /** Running sums along a dimension. */
  cumsum(dim: number): Tensor {
    return cumsum(this, dim);
  }
  /** Running products along a dimension. */
  cumprod(dim: number): Tensor {
    return cumprod(this, dim);
  }
  /** In order along a dimension; equal elements keep theirs. */
  sort(dim = -1, descending = false): ValuesAndIndices {
    return sorting.sort(this, dim, descending);
  }
  /** Indices (int32) that sort the tensor along a dimension. */
  argsort(dim = -1, descending = false): Tensor {
    return sorting.argsort(this, dim, descending);
  }
  /** The k largest elements along a dimension, or with `largest` false the smallest, in order. */
  topk(k: number, dim = -1, largest = true): ValuesAndIndices {
    return sorting.topk(this, k, dim, largest);
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

  /** The product of two matrices. */
  mm(other: Tensor): Tensor {
    return linear.mm(this, other);
  }
  /** The products of two batches of matrices. */
  bmm(other: Tensor): Tensor {
    return linear.bmm(this, other);
  }
  /** The product of this matrix and a vector. */
  mv(other: Tensor): Tensor {
    return linear.mv(this, other);
  }
  /** The sum of the products of two vectors. */
  dot(other: Tensor): Tensor {
    return linear.dot(this, other);
  }
  /** All products of an element of this vector and one of the other. */
  outer(other: Tensor): Tensor {
    return linear.outer(this, other);
  }

  // Shape

  /** The same elements in another shape; one size may be -1. */
  reshape(...sizes: Sizes): Tensor {
    return views.reshape(this, sizesOf(sizes));
  }
  flatten(startDim = 0, endDim = -1): Tensor {
    return views.flatten(this, startDim, endDim);
  }
  /** A dimension as several; one size may be −1. */
  unflatten(dim: number, sizes: Shape): Tensor {
    return views.unflatten(this, dim, sizes);
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

  /** Moves dimensions to other positions; the others stay in order. */
  movedim(source: number | readonly number[], destination: number | readonly number[]): Tensor {
    return rearrange.movedim(this, source, destination);
  }
  /** The same as `transpose`. */
  swapaxes(dim0: number, dim1: number): Tensor {
    return views.transpose(this, dim0, dim1);
  }
  /** In the shape of another tensor, without copying. */
  expandAs(other: Tensor): Tensor {
    return views.expand(this, other.shape);
  }
  /** The tensor so many times along its dimensions; more sizes than dimensions add some in front. */
  repeat(...sizes: Sizes): Tensor {
    return rearrange.repeat(this, sizesOf(sizes));
  }
  /** Each element so many times in a row. */
  repeatInterleave(repeats: number, dim?: number): Tensor {
    return rearrange.repeatInterleave(this, repeats, dim);
  }
  /** Moves elements along dimensions; those that leave at the end come in at the beginning. */
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
    return rearrange.roll(this, shifts, dims);
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
  /** The diagonal of two dimensions, which are replaced by one at the end. */
  diagonal(offset = 0, dim1 = 0, dim2 = 1): Tensor {
    return rearrange.diagonal(this, offset, dim1, dim2);
  }
  /** The lower triangle of matrices; 0 above diagonal number `diagonal`. */
  tril(diagonal = 0): Tensor {
    return masks.tril(this, diagonal);
  }
  /** The upper triangle of matrices; 0 below diagonal number `diagonal`. */
  triu(diagonal = 0): Tensor {
    return masks.triu(this, diagonal);
  }
  /**
   * With a border: elements before and after, for the last dimension first.
   * @param value of the border, or what of the tensor goes on there.
   */
  pad(padding: readonly number[], value: number | PaddingMode = 0): Tensor {
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
  /** With the source's elements at the places that `index` names; of several the last one stays. */
  scatter(dim: number, index: Tensor, source: Operand): Tensor {
    return scattering.scatter(this, dim, index, source);
  }
  /** With the source's elements added at the places that `index` names. */
  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    return scattering.scatterAdd(this, dim, index, source);
  }
  /** With the source's slices added to those that `index` names. */
  indexAdd(dim: number, index: Tensor, source: Tensor, alpha = 1): Tensor {
    return scattering.indexAdd(this, dim, index, source, alpha);
  }
  /** 1 with the probabilities that this tensor holds, else 0. */
  bernoulli(): Tensor {
    return sampling.bernoulli(this);
  }
  /** Indices that are drawn with this tensor's elements as weights. */
  multinomial(count: number, replacement = false): Tensor {
    return sampling.multinomial(this, count, replacement);
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
  div_(other: Operand, options?: elementwise.DivOptions): this {
    return this.#replace("div_", elementwise.div(this.#before(), other, options));
  }
  pow_(exponent: Operand): this {
    return this.#replace("pow_", elementwise.pow(this.#before(), exponent));
  }
  remainder_(other: Operand): this {
    return this.#replace("remainder_", elementwise.remainder(this.#before(), other));
  }
  lerp_(end: Tensor, weight: Operand): this {
    return this.#replace("lerp_", elementwise.lerp(this.#before(), end, weight));
  }
  clamp_(min?: Operand | null, max?: Operand | null): this {
    return this.#replace("clamp_", unary.clamp(this.#before(), min, max));
  }
  neg_(): this {
    return this.#replace("neg_", unary.neg(this.#before()));
  }
  abs_(): this {
    return this.#replace("abs_", unary.abs(this.#before()));
  }
  exp_(): this {
    return this.#replace("exp_", unary.exp(this.#before()));
  }
  log_(): this {
    return this.#replace("log_", unary.log(this.#before()));
  }
  sqrt_(): this {
    return this.#replace("sqrt_", unary.sqrt(this.#before()));
  }
  rsqrt_(): this {
    return this.#replace("rsqrt_", unary.rsqrt(this.#before()));
  }
  reciprocal_(): this {
    return this.#replace("reciprocal_", unary.reciprocal(this.#before()));
  }
  square_(): this {
    return this.#replace("square_", unary.square(this.#before()));
  }
  relu_(): this {
    return this.#replace("relu_", unary.relu(this.#before()));
  }
  sigmoid_(): this {
    return this.#replace("sigmoid_", unary.sigmoid(this.#before()));
  }
  tanh_(): this {
    return this.#replace("tanh_", unary.tanh(this.#before()));
  }
  floor_(): this {
    return this.#replace("floor_", unary.floor(this.#before()));
  }
  ceil_(): this {
    return this.#replace("ceil_", unary.ceil(this.#before()));
  }
  round_(): this {
    return this.#replace("round_", unary.round(this.#before()));
  }
  maskedFill_(mask: Tensor, value: Operand): this {
    return this.#replace("maskedFill_", masks.maskedFill(this.#before(), mask, value));
  }
  tril_(diagonal = 0): this {
    return this.#replace("tril_", masks.tril(this.#before(), diagonal));
  }
  triu_(diagonal = 0): this {
    return this.#replace("triu_", masks.triu(this.#before(), diagonal));
  }
  scatter_(dim: number, index: Tensor, source: Operand): this {
    return this.#replace("scatter_", scattering.scatter(this.#before(), dim, index, source));
  }
  scatterAdd_(dim: number, index: Tensor, source: Tensor): this {
    return this.#replace("scatterAdd_", scattering.scatterAdd(this.#before(), dim, index, source));
  }
  indexAdd_(dim: number, index: Tensor, source: Tensor, alpha = 1): this {
    return this.#replace(
      "indexAdd_",
      scattering.indexAdd(this.#before(), dim, index, source, alpha),
    );
  }
  copy_(source: Operand): this {
    const value = source instanceof Tensor ? source : full([], source, { dtype: this.dtype });
    const cast = elementwise.cast(value, this.dtype);
    const copy = elementwise.clone(views.expand(cast, this.shape));
    const slopes: Derivative = grad => [full(grad.shape, 0), grad];
    const result = differentiable(copy.detach(), "copy_", [this.#before(), copy], [], slopes);
    return this.#replace("copy_", result);
  }
  fill_(value: number): this {
    return this.copy_(value);
  }
  zero_(): this {
    return this.fill_(0);
  }
  /** Uniform numbers in [low, high). */
  uniform_(low = 0, high = 1): this {
    return this.copy_(
      sampling
        .randLike(this)
        .mul(high - low)
        .add(low),
    );
  }
  /** Normally distributed numbers. */
  normal_(mean = 0, std = 1): this {
    return this.copy_(sampling.normal(mean, std, this.shape));
  }
  /** 1 with probability p, else 0. */
  bernoulli_(p = 0.5): this {
    return this.copy_(sampling.randLike(this).lt(p));
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
    const fits =
      elementwise.larger(result.dtype, this.dtype) === this.dtype ||
      (isFloat(result.dtype) && isFloat(this.dtype));
    if (method !== "copy_" && !fits) {
      throw new TypeError(
        `${method}: the result is ${result.dtype} and cannot be written into a tensor of dtype ` +
          `${this.dtype}. Use the form without "_", or to("${result.dtype}") first`,
      );
    }
    const value = elementwise.cast(result, this.dtype);
    if (this.#viewed) {
      const { base, put } = this.#viewed;
      base.#replace(method, put(base.#before(), value));
      return this;
    }
    if (!gradEnabled()) noteHandUpdate(this);
    // Parameters live where their optimizer put them; everything else just gets a new value.
    const { node } = this;
    const bound = node.op.kind === "leaf" && node.op.bound && this.isLeaf;
    this.#node = bound ? assign(node, value.node) : value.node;
    if (gradEnabled()) {
      this.gradFn = result.gradFn;
      this.#requiresGrad = result.#requiresGrad;
    }
    // Temporaries are changed once; what is changed again belongs to the state of a loop.
    if (++this.#version === 2) enterChanged(this);
    return this;
  }
}

/** Whether what a view looks at has changed since it looked. */
function isOutdated(viewed: Viewed | undefined): boolean {
  return viewed !== undefined && viewed.seen !== viewed.base.version;
}

function hostArray(dtype: DType, data: HostData): TensorData {
  return dtype === "bool" ? Uint8Array.from(data) : data;
}
