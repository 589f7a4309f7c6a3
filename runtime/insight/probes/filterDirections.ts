/** Random directions in which the loss of different models can be compared (Li et al. 2018, section 4). */
import { randn, withRandomStream } from "../../tensor/random.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Far from the streams that scripts draw from. */
const FIRST_STREAM = 0x70000000;

/**
 * A random direction, filter-normalised: each filter (what makes one output of a layer) is as long as
 * the weights it stands for. Biases and the weights of normalisations, which are no matrices, stay;
 * unless the model has nothing else.
 * @param which which of the directions, from 0.
 */
export function filterDirection(parameters: readonly Tensor[], which: number): Tensor[] {
  const total = parameters.reduce((sum, { numel }) => sum + numel, 0);
  const numbers = withRandomStream(FIRST_STREAM + which, () => randn(total));
  const hasFilters = parameters.some(({ shape }) => shape.length > 1);
  let start = 0;
  return parameters.map(parameter => {
    const { numel, shape } = parameter;
    const part = numbers.narrow(0, start, numel);
    start += numel;
    if (hasFilters && shape.length < 2) return part.mul(0).reshape([...shape]);
    const filters = hasFilters ? (shape[0] ?? 1) : 1;
    return asLongAs(part.reshape(filters, -1), parameter.detach().reshape(filters, -1)).reshape([
      ...shape,
    ]);
  });
}

/** Gives each row the length of the other's. */
function asLongAs(rows: Tensor, others: Tensor): Tensor {
  const length = (each: Tensor) => each.square().sum(1, true).sqrt();
  return rows.mul(length(others).div(length(rows).clamp(1e-30, null)));
}
