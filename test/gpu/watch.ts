/** An observer that keeps what it sees. */
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import type { StepHistograms } from "../../runtime/protocol/histogram.ts";
import type { TensorRecord } from "../../runtime/protocol/run.ts";
import {
  type StepBatch,
  type StepColumn,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";

/** One step as it arrived. */
export class ObservedStep {
  readonly batch: StepBatch;
  readonly row: number;
  readonly #firstTensor: number;
  readonly #firstGroup: number;

  constructor(batch: StepBatch, row: number, firstTensor: number, firstGroup: number) {
    this.batch = batch;
    this.row = row;
    this.#firstTensor = firstTensor;
    this.#firstGroup = firstGroup;
  }

  get number(): number {
    return this.batch.firstStep + this.row;
  }

  total(column: StepColumn): number {
    return stepValue(this.batch, this.row, column);
  }

  /** Counts tensors from the first that was entered since `watch()`. */
  tensor(index: number, column: TensorColumn): number {
    return tensorValue(this.batch, this.row, this.#firstTensor + index, column);
  }

  /** Counts groups from the first that was entered since `watch()`. */
  lr(group: number): number {
    return this.batch.lr[this.row * this.batch.groups + this.#firstGroup + group] ?? Number.NaN;
  }
}

export interface Watch {
  readonly steps: ObservedStep[];
  readonly histograms: StepHistograms[];
  /** Tensors entered since `watch()`. */
  readonly tensors: () => readonly TensorRecord[];
}

let knownTensors: readonly TensorRecord[] = [];

/** Watches from here on: the tensors and groups of earlier optimizers are left out. */
export function watch(): Watch {
  const firstTensor = knownTensors.length;
  const firstGroup = Math.max(-1, ...knownTensors.map(({ group }) => group)) + 1;
  const steps: ObservedStep[] = [];
  const histograms: StepHistograms[] = [];
  observe({
    ...deafObserver,
    histograms(all) {
      histograms.push(...all);
    },
    tensors(all) {
      knownTensors = all;
    },
    steps(batch) {
      for (let row = 0; row < batch.count; row++) {
        steps.push(new ObservedStep(batch, row, firstTensor, firstGroup));
      }
    },
  });
  return { steps, histograms, tensors: () => knownTensors.slice(firstTensor) };
}
