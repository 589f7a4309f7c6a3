/** Small samples that are made where they are read: 16 numbers and a class, told by the sample's number. */
import { type data, type Tensor, tensor } from "../../../runtime/index.ts";

export const FEATURES = 16;
export const CLASSES = 4;

export default function samples(length: number): data.Dataset<[Tensor, Tensor]> {
  return {
    length,
    batch: async indices => {
      const inputs = new Float32Array(indices.length * FEATURES);
      for (let row = 0; row < indices.length; row++) {
        const sample = indices[row] ?? 0;
        for (let i = 0; i < FEATURES; i++) inputs[row * FEATURES + i] = Math.sin(sample * (i + 1));
      }
      const targets = Int32Array.from(indices, sample => sample % CLASSES);
      return [
        tensor(inputs, { shape: [indices.length, FEATURES] }),
        tensor(targets, { dtype: "int32" }),
      ];
    },
  };
}
