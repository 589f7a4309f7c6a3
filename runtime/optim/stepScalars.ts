/** The numbers of a step that are computed beside its update, whoever makes it. */
import type { Node } from "../graph/node.ts";
import type { StepScalar, StepScalars } from "../insight/recorder.ts";
import { withGrad } from "../tensor/autograd.ts";
import { takeGradientNotes } from "../tensor/gradients.ts";
import { stack } from "../tensor/joining.ts";
import type { Tensor } from "../tensor/tensor.ts";

export type ScalarNodes = Partial<Readonly<Record<StepScalar, Node>>>;

/**
 * What was noted since the last step.
 * @param losses the tensors on which `backward()` was called.
 * @param parameters those of the optimizer.
 */
export function stepScalars(losses: readonly Tensor[], parameters: readonly Tensor[]): ScalarNodes {
  const { microBatchSquares, clippedSquares } = takeGradientNotes();
  return withGrad(false, () => {
    const own = parameters.flatMap(parameter => microBatchSquares.get(parameter) ?? []);
    const loss = mean(losses);
    return {
      ...(loss && { loss: loss.node }),
      ...(clippedSquares.length > 0 && { clippedSquares: stack(clippedSquares).sum().node }),
      ...(own.length > 0 && { microBatchSquares: stack(own).sum().node }),
    };
  });
}

/** Where they are, when they have been computed. */
export function ranges(scalars: ScalarNodes): StepScalars {
  const known = Object.entries(scalars).flatMap(([name, { storage }]) =>
    storage ? [[name, { ...storage.range, size: 4 }]] : [],
  );
  return Object.fromEntries(known);
}

/** The qualified name that a module gave to a parameter. */
export function nameOf(parameter: Tensor): string {
  return "label" in parameter && typeof parameter.label === "string" ? parameter.label : "";
}

/** One scalar: what `backward()` was called on, on average. */
function mean(losses: readonly Tensor[]): Tensor | undefined {
  const [first, ...others] = losses;
  if (!first || others.length === 0) return first;
  const scalar = (loss: Tensor): Tensor => loss.detach().reshape();
  return others.reduce((sum, loss) => sum.add(scalar(loss)), scalar(first)).div(losses.length);
}
