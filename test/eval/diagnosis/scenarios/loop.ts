/** Runs one loop of faults.ts in this process, and writes what was said of it: `node loop.ts BASE VARIATION SEED FILE`. */
import { writeFileSync } from "node:fs";
import {
  data,
  log,
  manualSeed,
  nn,
  optim,
  type Tensor,
  tensor,
} from "../../../../runtime/index.ts";
import { LiveDiagnosis } from "../../../../runtime/insight/diagnosis/live.ts";
import { observe } from "../../../../runtime/insight/observer.ts";
import { drain } from "../../../../runtime/insight/recorder.ts";
import type { FindingCode, Severity } from "../../../../runtime/protocol/finding.ts";
import { noteEnd } from "../../../../runtime/tensor/gradientUse.ts";
import { BASES, type Base, FAULTS, HEALTHY, type Variation } from "./faults.ts";
import type { LoopResult } from "./loopTable.ts";
import type { Model, Task } from "./task.ts";
import { evaluate, optimizerOf } from "./train.ts";

const STEPS = 240;
const EVERY = 15;

const [, , baseName = "", variationName = "", seed = "1", file] = process.argv;
const base = BASES[baseName];
const variation = FAULTS[variationName] ?? HEALTHY[variationName];
if (!base || !variation || !file) throw new Error("Usage: node loop.ts BASE VARIATION SEED FILE");
manualSeed(Number(seed));
const told = new Map<FindingCode, Severity>();
const clean = base.task("training", variation.samples);
const heldOut = base.task("heldOut");
const model = (variation.model ?? base.model)();
variation.change?.(model);
const first = await evaluate(model, clean);
await train(base, variation, model, clean);
const result: LoopResult = {
  base: baseName,
  variation: variationName,
  seed: Number(seed),
  first,
  last: await evaluate(model, clean),
  heldOut: await evaluate(model, heldOut),
  told: [...told].map(([code, severity]) => ({ code, severity })),
};
writeFileSync(file, JSON.stringify(result));
process.exit(0);

async function train(from: Base, change: Variation, model: Model, task: Task): Promise<void> {
  const optimizer = makeOptimizer(from, change, model);
  watch(optimizer);
  const inputs = (change.inputs?.(task) ?? task.inputs).keep();
  const targets = (change.targets?.(task) ?? task.targets).keep();
  const set = change.shuffle === false ? await sorted(inputs, targets) : { inputs, targets };
  const loader = new data.DataLoader(new data.TensorDataset(set.inputs, set.targets), {
    batchSize: from.batchSize,
    shuffle: change.shuffle !== false,
  });
  const rates = optimizer.paramGroups.map(({ lr }) => lr);
  const { zeroGrad = "before", microBatches = 1 } = change;
  let [step, pending] = [0, 0];
  for await (const [x, y] of batchesOf(loader, change.sameBatch === true)) {
    optimizer.paramGroups.forEach((group, i) => {
      group.lr = (rates[i] ?? 0) * (change.schedule?.(step / STEPS) ?? 1);
    });
    const scores = model.forward(step === change.nanAt ? x.mul(Number.NaN) : x);
    const value = task.loss(scores, y);
    const loss = change.loss?.(value, scores, y, task) ?? value;
    if (zeroGrad === "before" && pending === 0) optimizer.zeroGrad();
    if (change.backward !== false || step === 0) loss.backward();
    pending = (pending + 1) % microBatches;
    if (pending > 0) continue;
    if (change.clip) nn.utils.clipGradNorm(model.parameters(), change.clip);
    if (change.step !== false) await optimizer.step();
    if (zeroGrad === "behind") optimizer.zeroGrad();
    if (++step % EVERY === 0) log({ "val/loss": await evaluate(model, heldOut) });
    if (step >= STEPS) break;
  }
  noteEnd();
  await drain();
}

/** Batches without an end: of one epoch after the other, or the first one again and again. */
async function* batchesOf(loader: data.DataLoader<[Tensor, Tensor]>, same: boolean) {
  for (;;) {
    for await (const batch of loader) {
      const kept = same ? (batch.map(each => each.keep()) as [Tensor, Tensor]) : batch;
      do yield kept;
      while (same);
    }
  }
}

function makeOptimizer(
  { optimizer: name, lr }: Base,
  { groups, eps, decay = 0 }: Variation,
  model: Model,
) {
  const weightDecay = decay / lr;
  const kind = name === "adam" && decay > 0 ? "adamw" : name;
  if (!groups) {
    const optimizer = optimizerOf(kind, model.parameters(), lr, weightDecay);
    if (eps !== undefined) Object.assign(optimizer.paramGroups[0] ?? {}, { eps });
    return optimizer;
  }
  const parts = groups(model).map(([params, factor]) => ({ params, lr: lr * factor }));
  return name === "mom"
    ? new optim.SGD(parts, { lr, momentum: 0.9 })
    : new optim.Adam(parts, { lr });
}

function watch(optimizer: ReturnType<typeof optimizerOf>): void {
  const diagnosis = new LiveDiagnosis(false);
  const add = (found: ReturnType<LiveDiagnosis["steps"]>) => {
    for (const { code, severity, state } of found) if (state === "raised") told.set(code, severity);
  };
  observe({
    seed() {},
    histograms() {},
    fault: (fault, step) => add(diagnosis.fault(fault, step, undefined)),
    untrainedLoss: loss => diagnosis.untrainedLoss(loss),
    tensors: all => diagnosis.tensors(all),
    metrics: metrics => diagnosis.metrics(metrics),
    steps: batch => add(diagnosis.steps(batch)),
  });
  diagnosis.groups(
    optimizer.paramGroups.map((options, group) => ({
      group,
      options: Object.fromEntries(
        Object.entries(options).flatMap(([name, value]) =>
          typeof value === "number" ? [[name, String(value)]] : [],
        ),
      ),
    })),
  );
}

/** The samples in the order of their labels. */
async function sorted(inputs: Tensor, targets: Tensor) {
  const labels = [...(await targets.data())];
  const order = labels.map((_, i) => i).sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0));
  const index = tensor(order, { dtype: "int32" });
  return {
    inputs: inputs.indexSelect(0, index).keep(),
    targets: targets.indexSelect(0, index).keep(),
  };
}
