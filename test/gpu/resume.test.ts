/** A loop goes on in another process as if nothing had happened. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { Checkpoints, data, manualSeed, nn, optim } from "../../runtime/index.ts";
import { randomNumbers } from "../unit/random.ts";
import type noisy from "./data-sets/noisy.ts";

const root = mkdtempSync(join(tmpdir(), "stepscope-resume-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  delete process.env.STEPSCOPE_RESUME;
});

const EPOCHS = 2;
const SAMPLES = 95;
/** A pass has 32 micro-batches: 16 steps. */
const STEPS = EPOCHS * 16;
const OPTIMIZERS = {
  momentum: (params: nn.Parameter[]) => new optim.SGD(params, { lr: 0.05, momentum: 0.9 }),
  Adam: (params: nn.Parameter[]) => new optim.Adam(params, { lr: 0.01 }),
  AdamW: (params: nn.Parameter[]) => new optim.AdamW(params, { lr: 0.01 }),
};
type OptimizerName = keyof typeof OPTIMIZERS;

interface Scenario {
  readonly name: OptimizerName;
  /** How many of its steps it is resumed behind. */
  readonly points: number;
  readonly numWorkers: number;
}

/**
 * A script that can be resumed: shuffled, with noise that the threads draw which read it, with dropout and
 * batch statistics, two micro-batches a step, a schedule with restarts.
 * @returns the losses of its steps by number, and its weights.
 */
async function script({ name, numWorkers }: Scenario, checkpointSteps: readonly number[] = []) {
  manualSeed(5);
  const dataset = await data.fromModule<typeof noisy>(
    new URL("./data-sets/noisy.ts", import.meta.url),
    SAMPLES,
  );
  const loader = new data.DataLoader(dataset, { batchSize: 3, shuffle: true, numWorkers });
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
    }
  }
  return { losses, weights: await weights() };
}

const SCENARIOS: readonly Scenario[] = [
  { name: "momentum", points: 10, numWorkers: 0 },
  { name: "Adam", points: 10, numWorkers: 0 },
  { name: "AdamW", points: 30, numWorkers: 2 },
];

test.each(SCENARIOS)(
  "$name, $numWorkers workers: a run that is resumed is the run that was not interrupted, bit by bit",
  async scenario => {
    const { name, points } = scenario;
    const every = Array.from({ length: STEPS - 1 }, (_, i) => i + 1);
    const whole = await script(scenario, every);
    const random = randomNumbers(9);
    for (let i = 0; i < points; i++) {
      const [point = 0] = every.splice(Math.floor(random() * every.length), 1);
      process.env.STEPSCOPE_RESUME = join(root, name, `step-${point}.safetensors`);
      const resumed = await script(scenario);
      delete process.env.STEPSCOPE_RESUME;
      const expected = [...whole.losses].filter(([step]) => step > point);
      expect([...resumed.losses], `from step ${point}`).toEqual(expected);
      expect(resumed.weights).toEqual(whole.weights);
    }
  },
);
