import { grad } from "./autograd.ts";
import { mul } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The Hessian of a function of one number times a vector, without the Hessian (Pearlmutter 1994):
 * the gradient of g · v. PyTorch's `torch.autograd.functional.hvp`.
 *
 * @param loss a tensor of one element, computed from the inputs.
 * @param inputs tensors that require gradients, such as the parameters of a model.
 * @param vectors one in the shape of each input.
 * @returns a product in the shape of each input. The graph of the loss stays, for a further product.
 * @throws RangeError if a vector has another shape than its input.
 */
export function hvp(loss: Tensor, inputs: readonly Tensor[], vectors: readonly Tensor[]): Tensor[] {
  inputs.forEach((input, i) => {
    const shape = vectors[i]?.shape;
    if (shape && sameShape(shape, input.shape)) return;
    throw new RangeError(
      `hvp: vector ${i} should have the shape of its input ${formatShape(input.shape)}, got ` +
        (shape ? formatShape(shape) : "none"),
    );
  });
  const first = grad(loss, inputs, { createGraph: true, allowUnused: true });
  const slopes = first.flatMap((gradient, i) => {
    const vector = vectors[i];
    return vector && gradient.requiresGrad ? [sum(mul(gradient, vector.detach()))] : [];
  });
  const slope = slopes.reduce<Tensor | undefined>(
    (total, term) => total?.add(term) ?? term,
    undefined,
  );
  // A function that is linear in all inputs has no curvature.
  if (!slope) return first.map(gradient => mul(gradient.detach(), 0));
  return grad(slope, inputs, { allowUnused: true, retainGraph: true });
}
