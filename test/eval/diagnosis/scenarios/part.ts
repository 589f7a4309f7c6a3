/** One run of several in a process. */
import { type StepBatch, TENSOR_COLUMNS } from "../../../../runtime/protocol/steps.ts";

/** The columns of the last optimizer of a process, as those of a run of its own. */
export function part(batch: StepBatch, tensor: number, group: number, steps: number): StepBatch {
  const width = TENSOR_COLUMNS.length;
  const rows = Array.from({ length: batch.count }, (_, row) => row);
  const own = (from: number, to: number, row: number, all: number) =>
    [row * all + from, row * all + to] as const;
  return {
    ...batch,
    firstStep: batch.firstStep - steps,
    groups: batch.groups - group,
    tensorCount: batch.tensorCount - tensor,
    lr: Float64Array.from(
      rows.flatMap(row => [...batch.lr.subarray(...own(group, batch.groups, row, batch.groups))]),
    ),
    tensors: Float32Array.from(
      rows.flatMap(row => [
        ...batch.tensors.subarray(
          ...own(tensor * width, batch.tensorCount * width, row, batch.tensorCount * width),
        ),
      ]),
    ),
  };
}
