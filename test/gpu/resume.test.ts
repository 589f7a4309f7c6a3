/** A loop goes on in another process as if nothing had happened. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { Checkpoints, data, manualSeed, nn, optim, randn } from "../../runtime/index.ts";
import { randomNumbers } from "../unit/random.ts";

const root = mkdtempSync(join(tmpdir(), "stepscope-resume-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  delete process.env.STEPSCOPE_RESUME;
});

const EPOCHS = 4;
/** A pass has 8 micro-batches: 4 steps. */
const STEPS = EPOCHS * 4;
const OPTIMIZERS = {
  momentum: (params: nn.Parameter[]) => new optim.SGD(params, { lr: 0.05, momentum: 0.9 }),
  Adam: (params: nn.Parameter[]) => new optim.Adam(params, { lr: 0.01 }),
  AdamW: (params: nn.Parameter[]) => new optim.AdamW(params, { lr: 0.01 }),
};
type OptimizerName = keyof typeof OPTIMIZERS;

/**
 * A script that can be resumed: shuffled, with dropout and batch statistics, two micro-batches a step,
 * a schedule with restarts.
 * @param stopAfter where it is ended, as by a signal.
 * @returns the losses of its steps by number, and its weights.
 */
async function script(name: OptimizerName, checkpointSteps: readonly number[], stopAfter = STEPS) {
  manualSeed(5);
  const dataset = new data.TensorDataset(randn(23, 3).keep(), randn(23, 2).keep());
  const loader = new data.DataLoader(dataset, { batchSize: 3, shuffle: true });
  const model = new nn.Sequential(
    new nn.Linear(3, 8),
    new nn.BatchNorm1d(8),
    new nn.GELU(),
    new nn.Dropout({ p: 0.3 }),
    new nn.Linear(8, 2),
  );
  const optimizer = OPTIMIZERS[name](model.parameters());
  const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, { t0: 5 });
  const checkpoints = new Checkpoints(
    { model, optimizer, scheduler, loader },
    { folder: join(root, name), keepLast: STEPS },
  );
  const losses = new Map<number, number>();
  const weights = async () => {
    const values = await Promise.all(Object.values(model.stateDict()).map(value => value.data()));
    return values.map(each => [...each]);
  };
  const resumed = await checkpoints.resume();
  let step = resumed?.step ?? 0;
  const { epoch: first } = (resumed?.extra ?? { epoch: 0 }) as { epoch: number };
  // The first pass is the rest of the one in which the checkpoint was saved.
  for (let epoch = first; epoch < EPOCHS; epoch++) {
    let micro = 0;
    let sum = 0;
    for await (const [inputs, targets] of loader) {
      const loss = nn.functional.mseLoss(model.forward(inputs), targets);
      loss.div(2).backward();
      sum += await loss.item();
      if (++micro % 2 === 1) continue;
      await optimizer.step();
      optimizer.zeroGrad();
      scheduler.step();
      losses.set(++step, sum);
      sum = 0;
      if (checkpointSteps.includes(step)) await checkpoints.save({ step, extra: { epoch } });
      if (step === stopAfter) return { losses, weights: await weights() };
    }
  }
  return { losses, weights: await weights() };
}

test.each(Object.keys(OPTIMIZERS) as OptimizerName[])(
  "%s: a run that is resumed is the run that was not interrupted, bit by bit",
  async name => {
    const every = Array.from({ length: STEPS - 1 }, (_, i) => i + 1);
    const whole = await script(name, every);
    const random = randomNumbers(9);
    const points = every.sort(() => random() - 0.5).slice(0, 10);
    for (const point of points) {
      process.env.STEPSCOPE_RESUME = join(join(root, name), `step-${point}.safetensors`);
      const resumed = await script(name, []);
      const expected = [...whole.losses].filter(([step]) => step > point);
      expect([...resumed.losses], `from step ${point}`).toEqual(expected);
      expect(resumed.weights).toEqual(whole.weights);
    }
  },
);
