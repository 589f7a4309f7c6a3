/**
 * The steps of a sequence, one after the other. Where a step begins is a number of the plan and not
 * part of its structure, as it is with views: all steps of a loop over time share their kernels.
 */
import { differentiable } from "./autograd.ts";
import { arange } from "./creation.ts";
import { stack } from "./joining.ts";
import { embed } from "./slicing.ts";
import type { Tensor } from "./tensor.ts";

/**
 * `x[0]`, `x[1]`, … They are taken out of blocks of √steps, so that the gradients of n steps are put
 * together in n √n times the work of one, and not in n².
 */
export function unstackSteps(x: Tensor): Tensor[] {
  const [count = 0] = x.shape;
  const size = Math.ceil(Math.sqrt(count));
  const steps: Tensor[] = [];
  for (let start = 0; start < count; start += size) {
    const block = stretch(x, start, Math.min(size, count - start));
    for (let t = 0; t < (block.shape[0] ?? 0); t++) steps.push(step(block, t));
  }
  return steps;
}

/** Steps of equal shape as one tensor [steps, ...]. */
export function stackSteps(steps: readonly Tensor[]): Tensor {
  const y = stack(steps.map(each => each.detach()));
  return differentiable(y, "stackSteps", steps, [], g => steps.map((_, t) => step(g, t)));
}

function step(x: Tensor, t: number): Tensor {
  return stretch(x, t, 1).squeeze(0);
}

/** `length` steps from `start` on. */
function stretch(x: Tensor, start: number, length: number): Tensor {
  const [count = 0, ...shape] = x.shape;
  const index = arange(length)
    .add(start)
    .reshape([length, ...shape.map(() => 1)]);
  const y = x.detach().gather(0, index.expand([length, ...shape]));
  return differentiable(y, "stretch", [x], [], g => [embed(g, 0, start, count)]);
}
