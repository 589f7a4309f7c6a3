/** The loss along the step that the optimizer took: the parabola of a textbook, for a real model. */
import { flush } from "../../graph/graph.ts";
import { noGrad } from "../../tensor/autograd.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { StepWatch, type WatchedStep } from "./stepWatch.ts";

/** Loss along θ + α · Δθ on one batch. */
export interface Line {
  /** At each α. */
  readonly losses: readonly number[];
  /** Derivative by α where α is 0. */
  readonly slope: number;
}

export interface LineScan {
  /** 0 is where the step began, 1 where it led, 2 where twice the learning rate would have led. */
  readonly alphas: readonly number[];
  /** On the batch that the step was computed from. */
  readonly same: Line;
  /** On the batch of the step after it. */
  readonly fresh: Line;
}

const ALPHAS = [
  -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8,
];

/**
 * Scans the next step of the loop. To be put up as its gate: the result is there when the loop has
 * taken two steps more.
 */
export function lineScan(alphas: readonly number[] = ALPHAS): StepWatch<LineScan> {
  return new StepWatch({ steps: 2 }, async ([step, next]) => {
    if (!step || !next) throw new Error("Invariant violation: two steps were asked for");
    const update = noGrad(() =>
      step.after.map((value, i) => value.sub(step.before[i] as Tensor).keep()),
    );
    const same = await scan(step.loss, step.before, update, alphas);
    return { alphas, same, fresh: await scan(next.loss, step.before, update, alphas) };
  });
}

async function scan(
  loss: WatchedStep["loss"],
  from: readonly Tensor[],
  update: readonly Tensor[],
  alphas: readonly number[],
): Promise<Line> {
  const values = noGrad(() =>
    alphas.map(alpha => {
      const value = loss.value(from.map((start, i) => start.add((update[i] as Tensor).mul(alpha))));
      // One after the other: the second runs the plan of the first.
      flush([value.node]);
      return value;
    }),
  );
  const slope = noGrad(() => dot(loss.gradient(from), update));
  const losses = await Promise.all(values.map(value => value.item()));
  return { losses, slope: await slope.item() };
}

/** The inner product of two lists of tensors, a tensor of one element. */
export function dot(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  return a
    .map((part, i) => part.mul(b[i] as Tensor).sum())
    .reduce((total, part) => total.add(part));
}
