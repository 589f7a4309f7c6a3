/** Diagnoses a run while it is recorded: from the batches of its steps. */
import type { Finding } from "../../protocol/finding.ts";
import type { TensorRecord } from "../../protocol/run.ts";
import { type StepBatch, stepValue, tensorValue } from "../../protocol/steps.ts";
import { type DiagnosisState, diagnose, startDiagnosis } from "./diagnose.ts";
import { type RunPlan, type StepRecord, USUAL_MOMENTUM } from "./record.ts";

export class LiveDiagnosis {
  #tensors: readonly TensorRecord[] = [];
  #state: DiagnosisState | undefined;
  /** ‖θ₀‖ of the optimizer's parameters. */
  #origin = Number.NaN;
  #resumed: boolean;

  constructor(resumed: boolean) {
    this.#resumed = resumed;
  }

  /** The tensors that later batches have rows of. */
  tensors(tensors: readonly TensorRecord[]): void {
    this.#tensors = tensors;
  }

  /** Forgets what it has seen: the run goes on from an earlier state. */
  restart(): void {
    this.#state = undefined;
    this.#resumed = true;
  }

  /** Takes in steps, none skipped. Returns new versions of findings. */
  steps(batch: StepBatch): readonly Finding[] {
    const found: Finding[] = [];
    for (let row = 0; row < batch.count; row++) {
      // Nothing was changed, or without backward() there is no loss to judge.
      if (stepValue(batch, row, "skipped") === 1 || stepValue(batch, row, "microBatches") === 0) {
        continue;
      }
      const record = this.#record(batch, row);
      this.#state ??= startDiagnosis(planOf(this.#tensors, record.lr, this.#resumed));
      const [next, changes] = diagnose(this.#state, record);
      this.#state = next;
      found.push(...changes);
    }
    return found;
  }

  #record(batch: StepBatch, row: number): StepRecord {
    const of = (column: Parameters<typeof stepValue>[2]) => stepValue(batch, row, column);
    if (!this.#state) this.#origin = of("weightNorm");
    return {
      t: batch.firstStep + row,
      lr: batch.lr[row * batch.groups] ?? Number.NaN,
      loss: of("loss"),
      gradNorm: of("gradNorm"),
      weightNorm: of("weightNorm"),
      updateNorm: of("updateNorm"),
      travel: of("travel") * this.#origin,
      tensors: updatedTensors(batch, row),
    };
  }
}

/** What the record tells of a run before its first step. Nobody says how many steps there will be. */
function planOf(tensors: readonly TensorRecord[], lr: number, resumed: boolean): RunPlan {
  const adaptive = tensors.some(tensor => tensor.adaptive);
  return {
    adaptive,
    momentum: !adaptive && tensors.some(tensor => tensor.momentum) ? USUAL_MOMENTUM : 0,
    plannedSteps: undefined,
    lr,
    scheduled: true,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    pretrained: false,
    resumed,
  };
}

function updatedTensors(batch: StepBatch, row: number): number {
  let updated = 0;
  for (let tensor = 0; tensor < batch.tensorCount; tensor++) {
    // A gradient that is not finite is one, too.
    if (!Number.isNaN(tensorValue(batch, row, tensor, "nonFinite"))) updated++;
  }
  return updated;
}
