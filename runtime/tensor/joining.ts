/** Tensors joined to a larger one, or with a border around them. */

import { differentiable } from "./autograd.ts";
import { checkTensor } from "./checkTensor.ts";
import {
  cast,
  clone,
  compare,
  larger,
  maximum,
  minimum,
  remainder,
  sub,
  where,
} from "./elementwise.ts";
import { indexSelect, iota } from "./indexing.ts";
import { formatShape, normalizeDim, sameShape } from "./shape.ts";
import { embed, narrow } from "./slicing.ts";
import type { Tensor } from "./tensor.ts";
import { abs } from "./unary.ts";
import { unsqueeze } from "./views.ts";

/** A kernel reads few tensors: more are joined in groups, so that no element is copied often. */
const GROUP = 8;

/**
 * Joins tensors along a dimension. Different dtypes become the larger one.
 * @throws RangeError if their shapes differ elsewhere.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  for (const tensor of tensors) checkTensor("cat", tensor);
  // Like PyTorch: tensor([]) is a start for a list that grows, whatever the others' shape.
  const filled = tensors.filter(tensor => !sameShape(tensor.shape, [0]));
  const parts = filled.length > 0 ? filled : tensors;
  const [first] = parts;
  if (!first) throw new RangeError("cat: expects at least one tensor");
  if (first.ndim === 0)
    throw new RangeError("cat: tensors of no dimension cannot be joined. Use stack()");
  const at = normalizeDim(dim, first.ndim, "cat");
  for (const tensor of parts) {
    const fits =
      tensor.ndim === first.ndim &&
      tensor.shape.every((size, d) => d === at || size === first.shape[d]);
    if (!fits) {
      throw new RangeError(
        `cat: ${formatShape(first.shape)} and ${formatShape(tensor.shape)} differ apart from ` +
          `dimension ${at}`,
      );
    }
  }
  const dtype = parts.map(tensor => tensor.dtype).reduce(larger);
  return join(
    parts.map(tensor => cast(tensor, dtype)),
    at,
  );
}

function join(tensors: readonly Tensor[], dim: number): Tensor {
  if (tensors.length > GROUP) {
    const size = Math.max(GROUP, Math.ceil(tensors.length / GROUP));
    const groups: Tensor[] = [];
    for (let i = 0; i < tensors.length; i += size)
      groups.push(join(tensors.slice(i, i + size), dim));
    return join(groups, dim);
  }
  let total = 0;
  const parts = tensors.map(tensor => {
    const length = tensor.shape[dim] ?? 1;
    total += length;
    return { tensor, length, start: total - length };
  });
  const shape = tensors[0]?.shape.with(dim, total) ?? [];
  const place = iota(shape, dim);
  const joined = parts
    .map(({ tensor, start }) => embed(tensor.detach(), dim, start, total))
    .reduce((y, part, i) => where(compare("lt", place, parts[i]?.start ?? 0), y, part));
  // Of one tensor, and a view would follow its changes in place.
  const y = parts.length > 1 ? joined.detach() : clone(joined);
  return differentiable(y, "cat", tensors, [], grad =>
    parts.map(({ start, length }) => narrow(grad, dim, start, length)),
  );
}

/**
 * Joins tensors of equal shape along a new dimension.
 * @throws RangeError if their shapes differ.
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first] = tensors;
  if (!first) throw new RangeError("stack: expects at least one tensor");
  const at = normalizeDim(dim, first.ndim + 1, "stack");
  const odd = tensors.find(tensor => !sameShape(tensor.shape, first.shape));
  if (odd) {
    throw new RangeError(
      `stack: expects tensors of equal shape, got ${formatShape(first.shape)} and ` +
        formatShape(odd.shape),
    );
  }
  return cat(
    tensors.map(tensor => unsqueeze(tensor, at)),
    at,
  );
}

/** What of a tensor goes on beyond its ends: its mirror image, the last element, or its other end. */
export type PaddingMode = "reflect" | "replicate" | "circular";

/**
 * A border around the tensor: PyTorch's `F.pad`.
 * @param padding elements before and after, for the last dimension first: [left, right, top,
 * bottom, …]. Negative numbers cut, where the border has a value.
 * @param value of the border, or a mode.
 * @throws RangeError if the list is odd, or too long, or cuts more than there is, or a mode has too
 * few elements to go on.
 */
export function pad(
  x: Tensor,
  padding: readonly number[],
  value: number | PaddingMode = 0,
): Tensor {
  if (padding.length % 2 !== 0 || padding.length > 2 * x.ndim || !padding.every(Number.isInteger)) {
    throw new RangeError(
      `pad: [${padding.join(", ")}] should be two whole numbers for each padded dimension, at most ` +
        `${2 * x.ndim} for a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  let y = x;
  for (let i = 0; i < padding.length; i += 2) {
    const dim = x.ndim - 1 - i / 2;
    const [before = 0, after = 0] = padding.slice(i, i + 2);
    const size = (x.shape[dim] ?? 1) + before + after;
    if (size < 0) {
      throw new RangeError(
        `pad: [${before}, ${after}] cuts more than dimension ${dim} of ${formatShape(x.shape)} has`,
      );
    }
    y =
      typeof value === "number"
        ? padDim(y, dim, before, after, value)
        : continueDim(y, dim, before, after, value);
  }
  // A view would follow later changes of the input in place.
  return clone(y);
}

function padDim(x: Tensor, dim: number, before: number, after: number, value: number): Tensor {
  const length = x.shape[dim] ?? 1;
  const cutBefore = Math.min(length, Math.max(0, -before));
  const cutAfter = Math.max(0, -after);
  const kept = Math.max(0, length - cutBefore - cutAfter);
  const inner = narrow(x, dim, cutBefore, kept);
  if (before <= 0 && after <= 0) return inner;
  return embed(inner, dim, Math.max(0, before), length + before + after, 1, value);
}

function continueDim(
  x: Tensor,
  dim: number,
  before: number,
  after: number,
  mode: PaddingMode,
): Tensor {
  const length = x.shape[dim] ?? 1;
  const reach: Partial<Record<string, number>> = {
    reflect: length - 1,
    replicate: length > 0 ? Number.POSITIVE_INFINITY : 0,
    circular: length,
  };
  const most = reach[mode];
  if (most === undefined) {
    throw new RangeError(
      `pad: expects a number, "reflect", "replicate" or "circular", got "${mode}"`,
    );
  }
  if (Math.min(before, after) < 0 || Math.max(before, after) > most) {
    throw new RangeError(
      `pad: "${mode}" goes on for 0 to ${Math.max(0, most)} elements beyond the ${length} of ` +
        `dimension ${dim}, got [${before}, ${after}]`,
    );
  }
  if (before === 0 && after === 0) return x;
  return indexSelect(
    x,
    dim,
    continued(sub(iota([before + length + after], 0), before), length, mode),
  );
}

/** Which of `length` elements stands at each place, beyond the ends too. */
function continued(place: Tensor, length: number, mode: PaddingMode): Tensor {
  switch (mode) {
    case "reflect":
      return sub(length - 1, abs(sub(length - 1, abs(place))));
    case "replicate":
      return minimum(maximum(place, 0), length - 1);
    case "circular":
      return remainder(place, length);
  }
}
