import { captureAutocast } from "./autocast.ts";
import { differentiable, GradFn, grad, gradEnabled, withGrad } from "./autograd.ts";
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
  const asNow = captureAutocast();
  const first = fn(...inputs);
  const sources = sourcesOf(first, inputs);
  return differentiable(first.detach(), "checkpoint", sources, sources, gradient => {
    const createGraph = gradEnabled();
    const again = asNow(() => withGrad(true, () => withRandomStream(stream, () => fn(...inputs))));
    return grad(again, sources, { gradOutputs: gradient, createGraph });
  });
}

/** The inputs, and the other leaves that a result depends on, as far as they require gradients. */
function sourcesOf(result: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const given = inputs.filter(input => input.requiresGrad);
  const leaves = new Set(given);
  const seen = new Set<GradFn>(given.flatMap(({ gradFn }) => gradFn ?? []));
  const visit = (source: GradFn | Tensor | null): void => {
    if (source instanceof GradFn) {
      if (seen.has(source)) return;
      seen.add(source);
      source.sources.forEach(visit);
    } else if (source) leaves.add(source);
  };
  visit(result.gradFn);
  return [...leaves];
}
