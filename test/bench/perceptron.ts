/** A two-layer perceptron under AdamW, whose steps are timed, in the sizes of the benchmarks. */
import { gpu } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, randn, type Tensor, tensor } from "../../runtime/index.ts";

export interface Perceptron {
  readonly name: string;
  readonly widths: readonly [number, number, number];
  readonly batch: number;
  /** Steps of a round. */
  readonly steps: number;
}

export const SIZES: readonly Perceptron[] = [
  { name: "10k parameters, batch 32", widths: [64, 128, 10], batch: 32, steps: 100 },
  { name: "1M parameters, batch 64", widths: [784, 1024, 192], batch: 64, steps: 4 },
];

/** A function that trains for a round. */
export function trainer({ widths, batch, steps }: Perceptron): () => Promise<void> {
  manualSeed(1);
  const [inputs, hidden, outputs] = widths;
  const model = new nn.Sequential(
    new nn.Linear(inputs, hidden),
    new nn.ReLU(),
    new nn.Linear(hidden, outputs),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const lossFn = new nn.CrossEntropyLoss();
  const x = randn(batch, inputs).keep();
  const y = tensor(
    Array.from({ length: batch }, (_, i) => i % outputs),
    { dtype: "int32" },
  );
  return rounds(steps, optimizer, () => lossFn.forward(model.forward(x), y));
}

/** A function that takes so many steps. */
export function rounds(
  steps: number,
  optimizer: optim.Optimizer,
  lossOf: () => Tensor,
): () => Promise<void> {
  return async () => {
    for (let i = 0; i < steps; i++) {
      const loss = lossOf();
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
    }
  };
}

/** Time of the processor where that is the GPU, else of the clock. */
export function milliseconds(): number {
  if (!gpu.adapter.software) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
