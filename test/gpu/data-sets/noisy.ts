/** A data set for workers: three inputs told by the sample's number, with noise, and two targets. */
import { type data, type Tensor, tensor } from "../../../runtime/index.ts";

export default function noisy(length: number): data.Dataset<[Tensor, Tensor]> {
  return {
    length,
    batch: async (indices, random = Math.random) => {
      const inputs = Array.from(indices, i => [1, 2, 3].map(k => Math.sin(k * i) + 0.1 * random()));
      const targets = Array.from(indices, i => [Math.cos(i), Math.sin(0.5 * i)]);
      return [tensor(inputs), tensor(targets)];
    },
  };
}
