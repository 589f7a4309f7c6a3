/** Operations that change the shape and not the elements. They cost nothing on the GPU. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import type { View } from "../kernels/op.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { unbroadcast } from "./elementwise.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim, numel, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Records a view. @internal */
export function viewNode(x: Node, view: View, shape: Shape): Node {
  return recordNode(new Node(internOp({ kind: "view", view }, shape, x.dtype), [x]));
}

/**
 * The same elements in another shape; one size may be -1.
 * @throws RangeError if the numbers of elements differ.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const target = inferShape(x, shape);
  if (sameShape(target, x.shape)) return x;
  const y = new Tensor(viewNode(x.node, { kind: "reshape" }, target));
  return differentiable(y, "reshape", [x], [], grad => [reshape(grad, x.shape)]).views(
    x,
    base => reshape(base, target),
    (base, value) => reshape(value, base.shape),
  );
}

function inferShape(x: Tensor, shape: Shape): Shape {
  const open = shape.indexOf(-1);
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const valid = shape.every((size, d) =>
    size === -1 ? d === open : Number.isInteger(size) && size >= 0,
  );
  const inferred = open < 0 ? [...shape] : shape.with(open, known === 0 ? 0 : x.numel / known);
  if (!valid || numel(inferred) !== x.numel || !inferred.every(Number.isInteger)) {
    throw new RangeError(
      `reshape: shape ${formatShape(shape)} is invalid for a tensor of shape ` +
        `${formatShape(x.shape)}, which has ${x.numel} elements`,
    );
  }
  return inferred;
}

export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  const first = normalizeDim(startDim, x.ndim, "flatten");
  const last = normalizeDim(endDim, x.ndim, "flatten");
  const middle = numel(x.shape.slice(first, last + 1));
  return reshape(x, [...x.shape.slice(0, first), middle, ...x.shape.slice(last + 1)]);
}

/**
 * A dimension as several; one of `sizes` may be −1.
 * @throws RangeError if they do not multiply to the size of the dimension.
 */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  const at = normalizeDim(dim, x.ndim, "unflatten");
  const size = x.shape[at] ?? 1;
  const known = sizes.filter(each => each !== -1).reduce((product, each) => product * each, 1);
  const open = sizes.length - sizes.filter(each => each !== -1).length;
  const whole = sizes.map(each => (each === -1 ? size / known : each));
  const fits = open <= 1 && whole.every(each => Number.isInteger(each) && each >= 0);
  if (!fits || numel(whole) !== size || sizes.length === 0) {
    throw new RangeError(
      `unflatten: sizes ${formatShape(sizes)} do not multiply to ${size}, the size of dimension ` +
        `${at} of ${formatShape(x.shape)}`,
    );
  }
  return reshape(x, x.shape.toSpliced(at, 1, ...whole));
}

/** Output dimension i is input dimension dims[i]. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map(dim => normalizeDim(dim, x.ndim, "permute"));
  if (order.length !== x.ndim || new Set(order).size !== order.length) {
    throw new RangeError(
      `permute: [${dims.join(", ")}] does not name each of the ${x.ndim} dimensions of ` +
        `${formatShape(x.shape)} once`,
    );
  }
  const shape = order.map(d => x.shape[d] ?? 1);
  const y = new Tensor(viewNode(x.node, { kind: "permute", dims: order }, shape));
  const inverse = order.map((_, d) => order.indexOf(d));
  return differentiable(y, "permute", [x], [], grad => [permute(grad, inverse)]).views(
    x,
    base => permute(base, order),
    (_, value) => permute(value, inverse),
  );
}

export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  const a = normalizeDim(dim0, x.ndim, "transpose");
  const b = normalizeDim(dim1, x.ndim, "transpose");
  const dims = x.shape.map((_, d) => (d === a ? b : d === b ? a : d));
  return permute(x, dims);
}

/** @throws RangeError if the tensor has more than two dimensions. */
export function t(x: Tensor): Tensor {
  if (x.ndim > 2) {
    throw new RangeError(
      `t: expects a matrix, got shape ${formatShape(x.shape)}. Use transpose(a, b)`,
    );
  }
  return x.ndim < 2 ? x : permute(x, [1, 0]);
}

export function squeeze(x: Tensor, dim?: number): Tensor {
  if (dim === undefined)
    return reshape(
      x,
      x.shape.filter(size => size !== 1),
    );
  const at = normalizeDim(dim, x.ndim, "squeeze");
  return x.shape[at] === 1 ? reshape(x, x.shape.toSpliced(at, 1)) : x;
}

export function unsqueeze(x: Tensor, dim: number): Tensor {
  const at = normalizeDim(dim, x.ndim + 1, "unsqueeze");
  return reshape(x, x.shape.toSpliced(at, 0, 1));
}

/** @throws RangeError if a size differs that is not 1. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const added = shape.length - x.ndim;
  const target = shape.map((size, d) => (size === -1 ? (x.shape[d - added] ?? -1) : size));
  if (sameShape(target, x.shape)) return x;
  const fits =
    added >= 0 &&
    target.every(
      (size, d) =>
        size >= 0 && (d < added || x.shape[d - added] === 1 || x.shape[d - added] === size),
    );
  if (!fits) {
    throw new RangeError(
      `expand: ${formatShape(x.shape)} cannot be expanded to ${formatShape(shape)}`,
    );
  }
  const y = new Tensor(viewNode(x.node, { kind: "expand" }, target));
  return differentiable(y, "expand", [x], [], grad => [unbroadcast(grad, x.shape)]);
}
