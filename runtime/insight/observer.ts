/**
 * The one place where a training loop can be watched. The sidecar registers an observer before it
 * loads a script; without one (a script under plain `node`) nothing is measured or read back.
 */
import type { StepHistograms } from "../protocol/histogram.ts";
import type { LoopFault } from "../protocol/loopFault.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { TensorRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import type { UntrainedLoss } from "../protocol/untrainedLoss.ts";

export interface TrainingObserver {
  /** What is watched is tried, and will be taken back: it is no part of the run. */
  readonly isTrial?: boolean;
  /** `manualSeed` was called. */
  seed(seed: number): void;
  /** An optimizer began to update these tensors: the rows of every later batch, in this order. */
  tensors(tensors: readonly TensorRecord[]): void;
  /** Steps were read back: in order, none skipped. */
  steps(batch: StepBatch): void;
  /** Histograms of some of the steps were read back: in order, maybe after later steps. */
  histograms(histograms: readonly StepHistograms[]): void;
  /** The script logged metrics of its own, in order. */
  metrics(metrics: readonly MetricRecord[]): void;
  /** Something is certainly wrong since this step; `at` is an error of the place that it is at. */
  fault(fault: LoopFault, step: number, at: Error): void;
  /** What the loss would be if the model knew nothing; told before the first step is. */
  untrainedLoss(loss: UntrainedLoss): void;
}

/** Has everything measured and hears of nothing: others say what they listen to. */
export const deafObserver: TrainingObserver = {
  seed: () => {},
  tensors: () => {},
  steps: () => {},
  histograms: () => {},
  metrics: () => {},
  fault: () => {},
  untrainedLoss: () => {},
};

let current: TrainingObserver | undefined;

/** Registers the observer of this process, or removes it. Call it before the first step. */
export function observe(observer: TrainingObserver | undefined): void {
  current = observer;
}

/** The registered observer. */
export function observer(): TrainingObserver | undefined {
  return current;
}
