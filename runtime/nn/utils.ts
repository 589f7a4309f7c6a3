/** The public namespace `nn.utils`: what is done to gradients before a step. */
import { gate } from "../insight/gate.ts";
import { noGrad } from "../tensor/autograd.ts";
import { zeros } from "../tensor/creation.ts";
import { noteClipping } from "../tensor/gradients.ts";
import { stack } from "../tensor/joining.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * Scales all gradients by one factor where their norm, as if they were one vector, is above
 * `maxNorm`: PyTorch's `clip_grad_norm_`. To be called between `backward()` and the step. A norm that
 * is not finite makes all gradients so.
 * @param normType p of the norm; Infinity for the largest element.
 * @returns the norm before, a number on the GPU.
 * @throws RangeError if `maxNorm` or `normType` is not a number above 0 (0 for maxNorm).
 */
export function clipGradNorm(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  normType = 2,
): Tensor {
  checkNumber("clipGradNorm", "maxNorm", maxNorm, maxNorm >= 0);
  checkNumber("clipGradNorm", "normType", normType, normType > 0);
  const limit = gate()?.limit?.("maxNorm", maxNorm) ?? maxNorm;
  const grads = gradientsOf(parameters);
  if (grads.length === 0) return zeros([]);
  return noGrad(() => {
    const norms = stack(grads.map(grad => grad.detach().norm(normType)));
    const total = norms.norm(normType);
    const factor = total.add(1e-6).reciprocal().mul(limit).clamp(null, 1);
    noteClipping(() => {
      const squares = normType === 2 ? total.square() : sumOfSquares(grads);
      return squares.mul(factor.square().neg().add(1));
    });
    for (const grad of grads) grad.mul_(factor);
    return total;
  });
}

/**
 * Brings every element of all gradients into −clipValue … clipValue: PyTorch's `clip_grad_value_`.
 * @throws RangeError if `clipValue` is not a number of at least 0.
 */
export function clipGradValue(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  checkNumber("clipGradValue", "clipValue", clipValue, clipValue >= 0);
  const limit = gate()?.limit?.("clipValue", clipValue) ?? clipValue;
  const grads = gradientsOf(parameters);
  if (grads.length === 0) return;
  noGrad(() => {
    noteClipping(() => {
      const clipped = grads.map(grad => grad.detach().clamp(-limit, limit));
      return sumOfSquares(grads).sub(sumOfSquares(clipped));
    });
    for (const grad of grads) grad.copy_(grad.detach().clamp(-limit, limit));
  });
}

function gradientsOf(parameters: Tensor | Iterable<Tensor>): Tensor[] {
  const list = parameters instanceof Tensor ? [parameters] : [...parameters];
  return list.flatMap(({ grad }) => grad ?? []);
}

function sumOfSquares(tensors: readonly Tensor[]): Tensor {
  return stack(tensors.map(tensor => tensor.detach().square().sum())).sum();
}

function checkNumber(method: string, name: string, value: number, isInRange: boolean): void {
  if (typeof value === "number" && isInRange) return;
  throw new RangeError(`${method}: invalid ${name}: ${String(value)}`);
}
