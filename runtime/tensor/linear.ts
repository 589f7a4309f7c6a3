/** Matrix products. */

import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { splitCount } from "../kernels/matmul.ts";
import { internOp, isFloat } from "../kernels/op.ts";
import { lowered } from "./autocast.ts";
import { differentiable } from "./autograd.ts";
import { checkTensor } from "./checkTensor.ts";
import { cast, mul, unbroadcast } from "./elementwise.ts";
import { cat } from "./joining.ts";
import { sum } from "./reduce.ts";
import { broadcastShapes, formatShape, numel } from "./shape.ts";
import { grow, split } from "./slicing.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape, transpose, unsqueeze } from "./views.ts";

/** The matrix product, of float16 under autocast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkTensor("matmul", b);
  return matrixProduct(lowered(a), lowered(b));
}

/**
 * Matrix product, PyTorch's rules: batch dimensions broadcast; a one-dimensional factor is a row on
 * the left, a column on the right, and that dimension is removed from the result.
 * @throws RangeError if the inner sizes differ; TypeError if the dtypes do, or are bool.
 */
function matrixProduct(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== b.dtype || a.dtype === "bool") {
    throw new TypeError(
      `matmul: expects two factors of the same dtype, floating-point or integers, got ${a.dtype} and ${b.dtype}`,
    );
  }
  if (a.ndim === 0 || b.ndim === 0) {
    throw new RangeError(
      `matmul: both factors need at least one dimension, got ${formatShape(a.shape)} and ` +
        formatShape(b.shape),
    );
  }
  const left = a.ndim === 1 ? reshape(a, [1, a.numel]) : a;
  const right = b.ndim === 1 ? reshape(b, [b.numel, 1]) : b;
  const inner = left.shape.at(-1);
  if (inner !== right.shape.at(-2)) {
    throw new RangeError(
      `matmul: ${formatShape(a.shape)} × ${formatShape(b.shape)}: inner sizes ${inner} and ` +
        `${right.shape.at(-2)} differ`,
    );
  }
  const y = product(left, right);
  if (a.ndim > 1 && b.ndim > 1) return y;
  const shape = [...y.shape];
  if (b.ndim === 1) shape.splice(-1, 1);
  if (a.ndim === 1) shape.splice(b.ndim === 1 ? -1 : -2, 1);
  return reshape(y, shape);
}

/** Most products of a batch that one kernel computes: WebGPU promises no more workgroups. */
const MAX_BATCH = 65_535;

/** [..., m, k] × [..., k, n]. */
function product(a: Tensor, b: Tensor): Tensor {
  if (!isFloat(a.dtype)) return sum(mul(unsqueeze(a, -1), unsqueeze(b, -3)), -2);
  const [m = 1, k = 1] = a.shape.slice(-2);
  const n = b.shape.at(-1) ?? 1;
  if (b.ndim === 2 && a.ndim > 2) {
    // One product of all rows instead of a batch: the gradient of b is one, too.
    const outer = a.shape.slice(0, -1);
    return reshape(product(reshape(a, [numel(outer), k]), b), [...outer, n]);
  }
  const batches = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul");
  const count = numel(batches);
  if (count > MAX_BATCH) {
    const [left, right] = [expand(a, [...batches, m, k]), expand(b, [...batches, k, n])];
    const parts = split(reshape(left, [count, m, k]), MAX_BATCH);
    const others = split(reshape(right, [count, k, n]), MAX_BATCH);
    const products = parts.map((part, i) => product(part, others[i] ?? right));
    return reshape(cat(products), [...batches, m, n]);
  }
  const left = expand(a.detach(), [...batches, m, k]);
  const right = expand(b.detach(), [...batches, k, n]);
  const parts = splitCount(count, m, k, n);
  const total = parts > 1 ? splitProduct(left, right, parts) : plainProduct(left, right);
  const y = cast(total, a.dtype);
  return differentiable(y, "matmul", [a, b], [a, b], grad => [
    a.requiresGrad ? unbroadcast(product(grad, transpose(b, -2, -1)), a.shape) : null,
    b.requiresGrad ? unbroadcast(product(transpose(a, -2, -1), grad), b.shape) : null,
  ]);
}

/** Of factors of equal batches, float32 whatever they are. */
function plainProduct(a: Tensor, b: Tensor): Tensor {
  const op = internOp({ kind: "matmul" }, a.shape.with(-1, b.shape.at(-1) ?? 1), "float32");
  return new Tensor(recordNode(new Node(op, [a.node, b.node])));
}

/** The same as the sum of a batch of products of so many parts, the last of which ends in zeros. */
function splitProduct(a: Tensor, b: Tensor, parts: number): Tensor {
  const [m = 1, k = 1] = a.shape.slice(-2);
  const n = b.shape.at(-1) ?? 1;
  const batches = a.shape.slice(0, -2);
  const length = Math.ceil(k / parts);
  const left = grow(a, [...batches, m, parts * length]);
  const right = grow(b, [...batches, parts * length, n]);
  const products = plainProduct(
    transpose(reshape(left, [...batches, m, parts, length]), -3, -2),
    reshape(right, [...batches, parts, length, n]),
  );
  return sum(products, -3);
}

/** The product of two matrices. @throws RangeError for other numbers of dimensions. */
export function mm(a: Tensor, b: Tensor): Tensor {
  return ofRank("mm", a, 2, b, 2);
}

/** The products of two batches of matrices. @throws RangeError for other numbers of dimensions. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  if (a.shape[0] !== b.shape[0]) {
    throw new RangeError(
      `bmm: ${formatShape(a.shape)} and ${formatShape(b.shape)} are batches of different sizes`,
    );
  }
  return ofRank("bmm", a, 3, b, 3);
}

/** The product of a matrix and a vector. @throws RangeError for other numbers of dimensions. */
export function mv(a: Tensor, b: Tensor): Tensor {
  return ofRank("mv", a, 2, b, 1);
}

/** Σ a b of two vectors. @throws RangeError for other numbers of dimensions. */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireRanks("dot", a, 1, b, 1);
  return matrixProduct(a, b);
}

/** All products of an element of `a` and one of `b`, which are vectors. */
export function outer(a: Tensor, b: Tensor): Tensor {
  requireRanks("outer", a, 1, b, 1);
  return mul(unsqueeze(a, 1), b);
}

function ofRank(op: string, a: Tensor, rankA: number, b: Tensor, rankB: number): Tensor {
  requireRanks(op, a, rankA, b, rankB);
  return matmul(a, b);
}

function requireRanks(op: string, a: Tensor, rankA: number, b: Tensor, rankB: number): void {
  if (a.ndim === rankA && b.ndim === rankB) return;
  throw new RangeError(
    `${op}: expects tensors of ${rankA} and ${rankB} dimensions, got ${formatShape(a.shape)} and ` +
      `${formatShape(b.shape)}. matmul() takes others`,
  );
}
