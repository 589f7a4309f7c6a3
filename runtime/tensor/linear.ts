/** Matrix products. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { unbroadcast } from "./elementwise.ts";
import { broadcastShapes, formatShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { expand, reshape, transpose } from "./views.ts";

/**
 * Matrix product, PyTorch's rules: batch dimensions broadcast; a one-dimensional factor is a row on
 * the left, a column on the right, and that dimension is removed from the result.
 * @throws RangeError if the inner sizes differ; TypeError if a factor is not float32.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw new TypeError(`matmul: expects float32 tensors, got ${a.dtype} and ${b.dtype}`);
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

/** [..., m, k] × [..., k, n]. */
function product(a: Tensor, b: Tensor): Tensor {
  const batches = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul");
  const [m = 1, k = 1] = a.shape.slice(-2);
  const n = b.shape.at(-1) ?? 1;
  const left = expand(a.detach(), [...batches, m, k]);
  const right = expand(b.detach(), [...batches, k, n]);
  const op = internOp({ kind: "matmul" }, [...batches, m, n], "float32");
  const y = new Tensor(recordNode(new Node(op, [left.node, right.node])));
  return differentiable(y, "matmul", [a, b], [a, b], grad => [
    a.requiresGrad ? unbroadcast(product(grad, transpose(b, -2, -1)), a.shape) : null,
    b.requiresGrad ? unbroadcast(product(transpose(a, -2, -1), grad), b.shape) : null,
  ]);
}
