/** A training loop with everything that has a state, for tests that go back to an earlier one. */
import {
  data,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  zeros,
} from "../../runtime/index.ts";

export type MakeOptimizer = (params: nn.Parameter[]) => optim.Optimizer<{ lr: number }>;

export const OPTIMIZERS = {
  SGD: (params: nn.Parameter[]) => new optim.SGD(params, { lr: 0.1 }),
  momentum: (params: nn.Parameter[]) =>
    new optim.SGD(params, { lr: 0.05, momentum: 0.9, nesterov: true }),
  Adam: (params: nn.Parameter[]) => new optim.Adam(params, { lr: 0.01, weightDecay: 0.01 }),
  NAdam: (params: nn.Parameter[]) => new optim.NAdam(params, { lr: 0.01 }),
  AdamW: (params: nn.Parameter[]) => new optim.AdamW(params, { lr: 0.01 }),
};

/** A loop with everything that has a state: batch statistics, dropout, order, schedule, average. */
export function training(
  makeOptimizer: (params: nn.Parameter[]) => optim.Optimizer<{ lr: number }>,
) {
  manualSeed(7);
  const dataset = new data.TensorDataset(randn(22, 3).keep(), randn(22, 2).keep());
  const loader = new data.DataLoader(dataset, { batchSize: 4, shuffle: true });
  const model = new nn.Sequential(
    new nn.Linear(3, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Dropout({ p: 0.3 }),
    new nn.Linear(8, 2),
  );
  const average = zeros(3, 8).keep();
  const optimizer = makeOptimizer(model.parameters());
  async function* steps(): AsyncGenerator<Tensor> {
    for (;;) {
      for await (const [inputs, targets] of loader) {
        optimizer.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(inputs), targets);
        loss.backward();
        await optimizer.step();
        const first = model.parameters()[0];
        noGrad(() =>
          average
            .mul_(0.9)
            .add_(first?.transpose(0, 1).mul(0.1) ?? 0)
            .keep(),
        );
        for (const group of optimizer.paramGroups) group.lr *= 0.98;
        yield loss;
      }
    }
  }
  const iterator = steps();
  /** Trains on; the loss of each step, and at the end the whole state as one list of numbers. */
  const run = async (count: number) => {
    const losses: number[] = [];
    for (let i = 0; i < count; i++) losses.push(await (await iterator.next()).value.item());
    return losses;
  };
  const state = async () => {
    const tensors = [...Object.values(model.stateDict()), average];
    return (await Promise.all(tensors.map(tensor => tensor.data()))).map(values => [...values]);
  };
  return { run, state, optimizer };
}
