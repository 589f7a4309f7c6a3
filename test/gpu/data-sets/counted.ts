/** A data set for workers whose samples are counted in shared memory as they are read. */
import { type data, type Tensor, tensor } from "../../../runtime/index.ts";

export default function counted(
  length: number,
  read: SharedArrayBuffer,
  { mixed = false } = {},
): data.SampleDataset<Sample> {
  const count = new Int32Array(read);
  return {
    length,
    sample: i => {
      Atomics.add(count, 0, 1);
      Atomics.notify(count, 0);
      const x = mixed && i % 2 > 0 ? tensor(i, { dtype: "int32" }) : tensor(i + 0.5);
      // Only the first sample says what a batch has: a function could not be sent.
      return i % 4 > 0 && !mixed ? { x, name: `${i}`, trace: () => i } : { x, name: `${i}` };
    },
  };
}

interface Sample {
  readonly x: Tensor;
  readonly name: string;
  readonly trace?: () => number;
}
