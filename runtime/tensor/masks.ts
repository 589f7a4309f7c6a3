/** Truth values: logic, and elements that are taken or left by a mask. */
import { checkTensor } from "./checkTensor.ts";
import { cast, compare, map, sub, where } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import { broadcastShapes, formatShape, sameShape } from "./shape.ts";
import type { Operand, Tensor } from "./tensor.ts";
import { expand } from "./views.ts";

/** True where x is 0 or false. */
export function logicalNot(x: Tensor): Tensor {
  return map("not", [cast(x, "bool").node], x.shape, "bool");
}

/** Whether both are true, or not 0. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return logical("and", a, b);
}

/** Whether one of them is true, or not 0. */
export function logicalOr(a: Tensor, b: Tensor): Tensor {
  return logical("or", a, b);
}

/** Whether exactly one of them is true, or not 0. */
export function logicalXor(a: Tensor, b: Tensor): Tensor {
  return logical("xor", a, b);
}

function logical(fn: "and" | "or" | "xor", a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(a.shape, b.shape, `logical ${fn}`);
  const operands = [a, b].map(x => expand(cast(x.detach(), "bool"), shape).node);
  return map(fn, operands, shape, "bool");
}

/**
 * `value` where the mask (bool, broadcast) holds, x elsewhere.
 * @throws TypeError if the mask is not bool, RangeError if it does not broadcast to the shape of x.
 */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  requireMask("maskedFill", mask);
  if (!sameShape(broadcastShapes(x.shape, mask.shape, "maskedFill"), x.shape)) {
    throw new RangeError(
      `maskedFill: the mask ${formatShape(mask.shape)} does not broadcast to the tensor's shape ` +
        formatShape(x.shape),
    );
  }
  return cast(where(mask, value, x), x.dtype);
}

/** @throws TypeError if a mask is not bool. @internal */
export function requireMask(op: string, mask: Tensor): void {
  checkTensor(op, mask);
  if (mask.dtype === "bool") return;
  throw new TypeError(
    `${op}: the mask should be bool, this one is ${mask.dtype}. Compare it, as in mask.ne(0)`,
  );
}

/** The lower triangle of matrices: 0 above diagonal number `diagonal`. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return cast(where(compare("le", aboveDiagonal(x, "tril"), diagonal), x, 0), x.dtype);
}

/** The upper triangle of matrices: 0 below diagonal number `diagonal`. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return cast(where(compare("ge", aboveDiagonal(x, "triu"), diagonal), x, 0), x.dtype);
}

/** How far above the main diagonal each element of a matrix is. */
function aboveDiagonal(x: Tensor, op: string): Tensor {
  if (x.ndim < 2) {
    throw new RangeError(
      `${op}: expects matrices [..., rows, columns], got ${formatShape(x.shape)}`,
    );
  }
  const shape = x.shape.slice(-2);
  return sub(iota(shape, 1), iota(shape, 0));
}
