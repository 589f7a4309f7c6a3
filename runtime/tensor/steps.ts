/** The steps of a sequence, one after the other. */
import { differentiable } from "./autograd.ts";
import { full } from "./creation.ts";
import { stack } from "./joining.ts";
import { embed } from "./slicing.ts";
import type { Tensor } from "./tensor.ts";

/**
 * `x[t]`. The number of the step is a number of the plan and not part of its structure, as it is
 * with `select`: all steps of a loop over time share their kernels.
 */
export function stepOf(x: Tensor, t: number): Tensor {
  const [steps = 0, ...shape] = x.shape;
  const index = full([1, ...shape], t, { dtype: "int32" });
  const y = x.detach().gather(0, index).reshape(shape);
  return differentiable(y, "stepOf", [x], [], g => [embed(g.unsqueeze(0), 0, t, steps)]);
}

/** Steps of equal shape as one tensor [steps, ...]. */
export function stackSteps(steps: readonly Tensor[]): Tensor {
  const y = stack(steps.map(step => step.detach()));
  return differentiable(y, "stackSteps", steps, [], g => steps.map((_, t) => stepOf(g, t)));
}
