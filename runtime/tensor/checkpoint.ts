import type { GradFn } from "./autograd.ts";
import { differentiable, grad, gradEnabled, withGrad } from "./autograd.ts";
import { randomStream, withRandomStream } from "./random.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Computes `fn(...inputs)` without keeping what `backward()` needs of it: that is computed again when
 * it gets there, with the same random numbers (Chen et al. 2016; PyTorch's
 * `torch.utils.checkpoint`). Less memory for one more forward pass. `fn` must compute the same each
 * time; parameters that it uses get their gradients, too.
 */
export function checkpoint<Inputs extends readonly Tensor[]>(
  fn: (...inputs: Inputs) => Tensor,
  ...inputs: Inputs
): Tensor {
  const stream = randomStream();
  const first = fn(...inputs);
  const sources = sourcesOf(first, inputs);
  return differentiable(first.detach(), "checkpoint", sources, sources, gradient => {
    const createGraph = gradEnabled();
    const again = withGrad(true, () => withRandomStream(stream, () => fn(...inputs)));
    return grad(again, sources, { gradOutputs: gradient, createGraph });
  });
}

/** The inputs, and the other leaves that a result depends on, as far as they require gradients. */
function sourcesOf(result: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const isSource = new Set(inputs.flatMap(input => input.gradFn ?? []));
  const sources = new Set(inputs.filter(input => input.requiresGrad));
  const seen = new Set<GradFn>();
  const visit = (tensor: Tensor): void => {
    const { gradFn } = tensor;
    if (!gradFn) {
      if (tensor.requiresGrad) sources.add(tensor);
      return;
    }
    if (seen.has(gradFn) || isSource.has(gradFn)) return;
    seen.add(gradFn);
    gradFn.inputs.forEach(visit);
  };
  visit(result);
  return [...sources];
}
