/** The numbers of a step that are computed beside its update, whoever makes it. */
import type { Node } from "../graph/node.ts";
import { observer } from "../insight/observer.ts";
import type { StepScalar, StepScalars } from "../insight/recorder.ts";
import { withGrad } from "../tensor/autograd.ts";
import { takeGradientNotes } from "../tensor/gradients.ts";
import { stack } from "../tensor/joining.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What decides on the GPU whether a step is taken, and how the loss was scaled. */
export interface Guard {
  /** 1 if a gradient is not finite, else 0. */
  readonly found: Tensor;
  /** Factor of the loss. Gradients are without it by now. */
  readonly scale: Tensor;
}

export type ScalarNodes = Partial<Readonly<Record<StepScalar, Node>>>;

/**
 * What was noted since the last step.
 * @param losses the tensors on which `backward()` was called.
 * @param parameters those of the optimizer.
 */
export function stepScalars(
  losses: readonly Tensor[],
  parameters: readonly Tensor[],
  guard?: Guard,
): ScalarNodes {
  const { microBatchSquares, clippedSquares } = takeGradientNotes();
  if (!observer()) return {};
  return withGrad(false, () => {
    const own = parameters.flatMap(parameter => microBatchSquares.get(parameter) ?? []);
    const squares = own.length > 0 ? stack(own).sum() : undefined;
    return {
      ...lossNodes(losses, guard),
      ...(guard && { lossScale: guard.scale.node, skipped: guard.found.node }),
      ...(clippedSquares.length > 0 && { clippedSquares: stack(clippedSquares).sum().node }),
      ...(squares && {
        microBatchSquares: (guard ? squares.div(guard.scale.square()) : squares).node,
      }),
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

/** What `backward()` was called on: one scalar, or of several the mean and the extremes. */
function lossNodes(losses: readonly Tensor[], guard: Guard | undefined): ScalarNodes {
  const [loss, ...others] = losses.map(each => {
    const float = each.to("float32");
    return guard ? float.detach().div(guard.scale) : float;
  });
  if (!loss) return {};
  if (others.length === 0) return { loss: loss.node };
  const all = stack([loss, ...others].map(each => each.detach().reshape()));
  return { loss: all.mean().node, lossMin: all.min().node, lossMax: all.max().node };
}
