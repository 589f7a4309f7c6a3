import { autocast } from "../tensor/autocast.ts";
import { noGrad } from "../tensor/autograd.ts";
import { oneHot } from "../tensor/creation.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Share of right predictions, a tensor of one number: no reading back, so that it fits into a loop.
 * @param predictions scores [N, classes], of which the highest counts, or class numbers [N].
 * @param targets class numbers [N].
 * @throws RangeError if the shapes do not fit.
 */
export function accuracy(predictions: Tensor, targets: Tensor): Tensor {
  return noGrad(() => classes("accuracy", predictions, targets).eq(targets).mean());
}

/**
 * How often each class was taken for which: float32 [classes, classes], row: target, column:
 * prediction, as in scikit-learn. Those of several batches are added.
 * @param predictions scores [N, classes], of which the highest counts, or class numbers [N].
 * @param targets class numbers [N].
 * @throws RangeError if the shapes do not fit.
 */
export function confusionMatrix(predictions: Tensor, targets: Tensor, count: number): Tensor {
  return noGrad(() => {
    const predicted = classes("confusionMatrix", predictions, targets);
    const rows = oneHot(targets, count).to("float32");
    // Sums of ones are exact up to 2²⁴.
    const columns = oneHot(predicted, count).to("float32");
    return autocast(() => rows.transpose(0, 1).matmul(columns), { enabled: false });
  });
}

function classes(name: string, predictions: Tensor, targets: Tensor): Tensor {
  const classes = predictions.ndim === 2 ? predictions.argmax(1) : predictions;
  if (targets.ndim === 1 && sameShape(classes.shape, targets.shape)) return classes;
  throw new RangeError(
    `${name}: expects predictions [N, classes] or [N] and targets [N], got ` +
      `${formatShape(predictions.shape)} and ${formatShape(targets.shape)}`,
  );
}
