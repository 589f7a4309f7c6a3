/** Trains one run of a scenario, and says what was measured of it. */
import { manualSeed, nn, noGrad, optim, randint, type Tensor } from "../../../../runtime/index.ts";
import { LiveDiagnosis } from "../../../../runtime/insight/diagnosis/live.ts";
import { observe } from "../../../../runtime/insight/observer.ts";
import { drain, stepCount } from "../../../../runtime/insight/recorder.ts";
import { isOpen } from "../../../../runtime/protocol/finding.ts";
import { type StepBatch, type StepColumn, stepValue } from "../../../../runtime/protocol/steps.ts";
import type { Family, Made, OptimizerName } from "./family.ts";
import { part } from "./part.ts";
import type { Model, Task } from "./task.ts";

/** A step as a trace has it: what is not finite is left out. */
export type TraceStep = Readonly<
  Partial<Record<"t" | "lr" | "loss" | "g" | "w" | "u" | "travel", number>>
>;

export interface Trained {
  readonly steps: readonly TraceStep[];
  /** Loss on the samples of the task, before and at the end; infinite where it was lost. */
  readonly first: number;
  readonly last: number;
  readonly parameters: number;
  /** Rules that spoke of the run while it went, its length not known. */
  readonly told: readonly string[];
}

/** Samples that the loss is measured on. */
const EVALUATED = 384;

/** Evaluations in the last tenth of a run. */
const LAST_EVALUATIONS = 4;

/** Steps between two looks at whether there is anything left to train. */
const LOOK = 25;

/** Part of a run that comes before the step of a schedule. */
const STEADY = 0.6;

/** What a family trains, and how it takes a step. */
export interface FamilyLoop extends Made {
  /** Resolves to the loss before the update. */
  take(step: number): Promise<Tensor>;
}

/** The loop of a family, before its first step. */
export async function loopOf(family: Family, lr: number, seed: number): Promise<FamilyLoop> {
  manualSeed(seed);
  const { task, model } = await family.make();
  const optimizer = optimizerOf(family.optimizer, model.parameters(), lr, family.decay);
  const backward = () => {
    const loss = lossOf(model, task, family.batchSize).div(family.microBatches);
    loss.backward();
    return loss;
  };
  return {
    task,
    model,
    async take(step) {
      for (const group of optimizer.paramGroups) group.lr = lr * shareAt(family, step);
      optimizer.zeroGrad();
      for (let rest = family.microBatches - 1; rest > 0; rest--) backward();
      const loss = backward();
      if (family.clip) nn.utils.clipGradNorm(model.parameters(), family.clip);
      await optimizer.step();
      return loss;
    },
  };
}

/** Trains a run of a family. */
export async function train(family: Family, lr: number, seed: number): Promise<Trained> {
  const { task, model, take } = await loopOf(family, lr, seed);
  await drain();
  const diagnosis = new LiveDiagnosis(false);
  const told = new Set<string>();
  const steps: TraceStep[] = [];
  let origin = Number.NaN;
  let travel = 0;
  // Other runs of this process had theirs before.
  const [count, firstStep] = [[...model.parameters()].length, stepCount()];
  observe({
    seed() {},
    histograms() {},
    fault() {},
    untrainedLoss: loss => diagnosis.untrainedLoss(loss),
    tensors: all => diagnosis.tensors(all.slice(-count).map(each => ({ ...each, group: 0 }))),
    metrics: () => {},
    steps(batch) {
      const own = part(batch, batch.tensorCount - count, batch.groups - 1, firstStep);
      for (const found of diagnosis.steps(own)) if (isOpen(found)) told.add(found.code);
      for (let row = 0; row < own.count; row++) {
        if (Number.isNaN(origin)) origin = stepValue(own, row, "weightNorm");
        steps.push(traceStep(own, row, travel));
        travel = stepValue(own, row, "travel") * origin;
      }
    },
  });
  diagnosis.groups([
    { group: 0, options: { eps: "1e-8", weightDecay: String(family.decay ?? 0) } },
  ]);
  const first = await evaluate(model, task);
  const late: number[] = [];
  for (let step = 0; step < family.steps; step++) {
    const loss = await take(step);
    if (step % LOOK === 0 && !Number.isFinite(await loss.item())) break;
    const left = family.steps - 1 - step;
    const every = Math.max(1, Math.floor(family.steps / 10 / LAST_EVALUATIONS));
    if (left < every * LAST_EVALUATIONS && left % every === 0)
      late.push(await evaluate(model, task));
  }
  await drain();
  observe(undefined);
  const isWhole = late.length === LAST_EVALUATIONS && late.every(Number.isFinite);
  const mean = late.reduce((sum, loss) => sum + loss, 0) / late.length;
  const last = isWhole ? mean : Number.POSITIVE_INFINITY;
  return { steps, first, last, parameters: model.numParameters(), told: [...told] };
}

/** Part of the learning rate that a schedule leaves at a step. */
function shareAt({ schedule, steps }: Family, step: number): number {
  if (schedule === "const") return 1;
  if (schedule === "step") return step < STEADY * steps ? 1 : 0.1;
  const warm = schedule === "cos" ? 0 : Math.round(steps / 10);
  if (step < warm) return (step + 1) / warm;
  if (schedule === "warm") return 1;
  return (1 + Math.cos((Math.PI * (step - warm)) / (steps - warm))) / 2;
}

function lossOf(
  model: Model,
  { inputs, targets, loss }: Task,
  batchSize: number | undefined,
): Tensor {
  if (batchSize === undefined) return loss(model.forward(inputs), targets);
  const chosen = randint(0, inputs.shape[0] ?? 1, [batchSize]);
  return loss(model.forward(inputs.indexSelect(0, chosen)), targets.indexSelect(0, chosen));
}

/** The loss on some samples of a task. */
export async function evaluate(model: Model, { inputs, targets, loss }: Task): Promise<number> {
  const count = Math.min(EVALUATED, inputs.shape[0] ?? 0);
  model.eval();
  const value = noGrad(() =>
    loss(model.forward(inputs.narrow(0, 0, count)), targets.narrow(0, 0, count)),
  );
  model.train();
  return value.item();
}

export function optimizerOf(
  name: OptimizerName,
  parameters: Iterable<nn.Parameter>,
  lr: number,
  decay = 0,
) {
  switch (name) {
    case "sgd":
      return new optim.SGD(parameters, { lr, weightDecay: decay });
    case "mom":
      return new optim.SGD(parameters, { lr, momentum: 0.9, weightDecay: decay });
    case "nesterov":
      return new optim.SGD(parameters, { lr, momentum: 0.9, nesterov: true, weightDecay: decay });
    case "adam":
      return new optim.Adam(parameters, { lr });
    case "adamw":
      return new optim.AdamW(parameters, { lr, weightDecay: decay });
    case "nadam":
      return new optim.NAdam(parameters, { lr });
    case "adagrad":
      return new optim.Adagrad(parameters, { lr });
    case "lion":
      return new optim.Lion(parameters, { lr, weightDecay: decay });
    case "rmsprop":
      return new optim.RMSprop(parameters, { lr });
  }
}

/** @param travel before the update, as traces have it. */
function traceStep(batch: StepBatch, row: number, travel: number): TraceStep {
  const of = (column: StepColumn) => stepValue(batch, row, column);
  const values = {
    t: batch.firstStep + row - 1,
    lr: batch.lr[row * batch.groups] ?? Number.NaN,
    loss: of("loss"),
    g: of("gradNorm"),
    w: of("weightNorm"),
    u: of("updateNorm"),
    travel,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
}
