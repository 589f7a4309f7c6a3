/** The same elements in other places, or several times. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable } from "./autograd.ts";
import { clone, remainder, sub } from "./elementwise.ts";
import { iota } from "./indexing.ts";
import type { Shape } from "./shape.ts";
import { formatShape, normalizeDim } from "./shape.ts";
import { stretch } from "./slicing.ts";
import { Tensor } from "./tensor.ts";
import { expand, permute, reshape } from "./views.ts";

/**
 * Moves elements along dimensions; those that leave at the end come in again at the beginning.
 * @param dims one for each shift; without them the tensor is rolled as if it had one dimension.
 */
export function roll(
  x: Tensor,
  shifts: number | readonly number[],
  dims?: number | readonly number[],
): Tensor {
  const distances = [shifts].flat();
  if (dims === undefined) {
    if (distances.length !== 1) {
      throw new RangeError(`roll: shifts [${distances.join(", ")}] need as many dimensions`);
    }
    return reshape(rollDim(reshape(x, [x.numel]), 0, distances[0] ?? 0), x.shape);
  }
  const named = [dims].flat().map(dim => normalizeDim(dim, x.ndim, "roll"));
  if (named.length !== distances.length) {
    throw new RangeError(
      `roll: shifts [${distances.join(", ")}] and dimensions [${named.join(", ")}] must be as many`,
    );
  }
  return named.length === 0
    ? clone(x)
    : named.reduce((y, dim, i) => rollDim(y, dim, distances[i] ?? 0), x);
}

function rollDim(x: Tensor, dim: number, shift: number): Tensor {
  const size = x.shape[dim] ?? 1;
  if (size < 2) return clone(x);
  // The shift is a number and not structure: another one compiles nothing.
  const index = remainder(sub(iota(x.shape, dim), shift), size);
  const op = internOp({ kind: "gather", dim }, x.shape, x.dtype);
  const y = new Tensor(recordNode(new Node(op, [x.node, index.node])));
  return differentiable(y, "roll", [x], [], grad => [rollDim(grad, dim, -shift)]);
}

/**
 * The tensor `sizes` times along its dimensions; more sizes than dimensions add some in front.
 * @throws RangeError if there are fewer sizes than dimensions, or one is negative.
 */
export function repeat(x: Tensor, sizes: Shape): Tensor {
  if (sizes.length < x.ndim || !sizes.every(size => Number.isInteger(size) && size >= 0)) {
    throw new RangeError(
      `repeat: ${formatShape(sizes)} should be whole numbers, at least one for each dimension of ` +
        `${formatShape(x.shape)}`,
    );
  }
  const shape = [...sizes.slice(x.ndim).map(() => 1), ...x.shape];
  const ones = shape.flatMap(size => [1, size]);
  const spread = shape.flatMap((size, d) => [sizes[d] ?? 1, size]);
  const result = shape.map((size, d) => size * (sizes[d] ?? 1));
  return clone(reshape(expand(reshape(x, ones), spread), result));
}

/**
 * Each element `repeats` times in a row along a dimension; without one, of the flattened tensor.
 * @throws RangeError if `repeats` is negative or not whole.
 */
export function repeatInterleave(x: Tensor, repeats: number, dim?: number): Tensor {
  if (!Number.isInteger(repeats) || repeats < 0) {
    throw new RangeError(`repeatInterleave: expects a whole number from 0 on, got ${repeats}`);
  }
  if (dim === undefined) return repeatInterleave(reshape(x, [x.numel]), repeats, 0);
  const at = normalizeDim(dim, x.ndim, "repeatInterleave");
  const apart = x.shape.toSpliced(at + 1, 0, 1);
  const size = x.shape[at] ?? 1;
  const spread = expand(reshape(x, apart), apart.with(at + 1, repeats));
  return clone(reshape(spread, x.shape.with(at, size * repeats)));
}

/**
 * Moves dimensions to other positions; the others stay in order.
 * @throws RangeError if there are not as many of both, or one appears twice.
 */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const from = [source].flat().map(dim => normalizeDim(dim, x.ndim, "movedim"));
  const to = [destination].flat().map(dim => normalizeDim(dim, x.ndim, "movedim"));
  if (new Set(from).size !== to.length || new Set(to).size !== from.length) {
    throw new RangeError(
      `movedim: source [${from.join(", ")}] and destination [${to.join(", ")}] must name as many ` +
        "dimensions, each once",
    );
  }
  const rest = x.shape.map((_, d) => d).filter(d => !from.includes(d));
  const order = x.shape.map((_, d) => from[to.indexOf(d)] ?? rest.shift() ?? 0);
  return permute(x, order);
}

/**
 * The diagonal of two dimensions, which are replaced by one at the end: element i is element
 * [i, i + offset] of them.
 * @throws RangeError if both dimensions are the same.
 */
export function diagonal(x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
  const a = normalizeDim(dim1, x.ndim, "diagonal");
  const b = normalizeDim(dim2, x.ndim, "diagonal");
  if (a === b) {
    throw new RangeError(
      `diagonal: the dimensions ${dim1} and ${dim2} of ${formatShape(x.shape)} are the same`,
    );
  }
  const last = movedim(x, [a, b], [-2, -1]);
  const [rows = 1, columns = 1] = last.shape.slice(-2);
  const outer = last.shape.slice(0, -2);
  const length = Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)));
  const start = offset < 0 ? -offset * columns : offset;
  const flat = reshape(last, [...outer, rows * columns]);
  // In row-major order the next element of the diagonal is one row and one column on.
  return stretch(flat, outer.length, length === 0 ? 0 : start, columns + 1, length);
}
