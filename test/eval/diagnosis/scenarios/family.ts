/** What a family of scenarios is: a task, a model, an optimizer, and learning rates half a decade apart. */
import type { Model, Task } from "./task.ts";

export type OptimizerName =
  | "sgd"
  | "mom"
  | "nesterov"
  | "adam"
  | "adamw"
  | "nadam"
  | "rmsprop"
  | "adagrad"
  | "lion";

/**
 * Families built as those that the scorecard was fitted on (in PyTorch), others, such that were made after the first
 * rules and thresholds, such that nobody had seen until something was judged by them, and such that nobody has seen.
 */
export type Kind = "recorded" | "otherwise" | "fresh" | "once blind" | "blind";

export interface Family {
  readonly name: string;
  readonly kind: Kind;
  readonly optimizer: OptimizerName;
  /** Undefined: all samples in each step. */
  readonly batchSize: number | undefined;
  readonly steps: number;
  /** log₁₀ of the lowest and highest learning rate. */
  readonly rates: readonly [number, number];
  readonly schedule: "const" | "cos" | "warmcos" | "warm" | "step";
  readonly clip: number | undefined;
  readonly decay: number | undefined;
  /** Batches whose gradients are accumulated for a step. */
  readonly microBatches: number;
  readonly make: () => Made | Promise<Made>;
}

export interface Made {
  readonly task: Task;
  readonly model: Model;
}

export type Options = Partial<Omit<Family, "name" | "kind" | "optimizer" | "make">>;

const RATES: Readonly<Record<OptimizerName, readonly [number, number]>> = {
  sgd: [-3.5, 1.5],
  mom: [-4.5, 0.5],
  nesterov: [-4.5, 0.5],
  adam: [-5, 0],
  adamw: [-5, 0],
  nadam: [-5, 0],
  rmsprop: [-5.5, -0.5],
  adagrad: [-4, 1],
  lion: [-6, -1],
};

/** @param kind how it is to those that the scorecard was fitted on. */
export function family(
  kind: Kind,
  name: string,
  optimizer: OptimizerName,
  make: Family["make"],
  options: Options = {},
): Family {
  return {
    name,
    kind,
    optimizer,
    batchSize: "batchSize" in options ? options.batchSize : 32,
    steps: options.steps ?? 300,
    rates: options.rates ?? RATES[optimizer],
    schedule: options.schedule ?? "const",
    clip: options.clip,
    decay: options.decay,
    microBatches: options.microBatches ?? 1,
    make,
  };
}
