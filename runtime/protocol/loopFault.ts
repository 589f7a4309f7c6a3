/** What is certainly wrong in a training loop: seen in its calls, not guessed from its numbers. */

/** Options of the faults, by their types. */
export type LoopFault =
  /** Steps in a row added gradients to those that the step before had used. */
  | { readonly type: "staleGradients"; readonly tensors: number; readonly steps: number }
  /** Steps in a row without a `backward()` between. */
  | { readonly type: "noBackward"; readonly steps: number; readonly tensors: number }
  /** `backward()` was called, and no optimizer has made a step. */
  | { readonly type: "noStep"; readonly backwards: number; readonly tensors: number }
  /** Parameters get gradients, and no optimizer has them. */
  | {
      readonly type: "notOptimized";
      /** Of the tensors, the first few. */
      readonly names: readonly string[];
      readonly tensors: number;
      readonly elements: number;
      readonly steps: number;
    }
  /** Parameters of an optimizer that no `backward()` has ever reached. */
  | {
      readonly type: "noGradient";
      readonly names: readonly string[];
      readonly tensors: number;
      readonly elements: number;
      readonly steps: number;
    }
  /** Steps make the loss larger: `factor` is what it was multiplied with. */
  | {
      readonly type: "risingLoss";
      readonly loss: string;
      readonly factor: number;
      readonly maximize: boolean;
      readonly steps: number;
    }
  /** Every step was made with the same samples of a loader that has others. */
  | {
      readonly type: "sameSamples";
      readonly samples: number;
      readonly of: number;
      /** Steps, or batches in a row. */
      readonly times: number;
    }
  /** Probabilities were given where the loss expects scores; `logits`, or their logarithms. */
  | {
      readonly type: "probabilities";
      readonly loss: string;
      readonly from: string;
      readonly expected: "logits" | "log-probabilities";
      readonly classes: number;
    }
  /** The targets learn and the predictions do not: the arguments of the loss are the wrong way round. */
  | { readonly type: "swappedArguments"; readonly loss: string; readonly elements: number }
  /** The first value that is not finite. */
  | ({ readonly type: "nonFinite" } & NonFiniteSource)
  /** Batches hold fewer classes than the samples do: they come in the order of their labels. */
  | {
      readonly type: "sortedLabels";
      readonly batches: number;
      /** Classes that were seen in them, and in a batch on average. */
      readonly classes: number;
      readonly inBatch: number;
      /** Mean entropy of a batch's labels, in parts of what a shuffled one has. */
      readonly entropy: number;
    }
  /** Most units of an activation are at its ends, step after step, while the model still begins. */
  | {
      readonly type: "saturated";
      readonly activation: "tanh" | "sigmoid";
      /** Part of its values that are. */
      readonly share: number;
      /** Values that were looked at in a step, and steps. */
      readonly units: number;
      readonly looks: number;
    }
  /** Data from the host goes into the first layer at a scale far from 1. */
  | {
      /** Or what is to be predicted is. */
      readonly type: "largeInputs" | "largeTargets";
      readonly mean: number;
      readonly deviation: number;
      readonly largest: number;
    };

/** A value that is not finite, though what it was computed from is. */
export interface NonFiniteSource {
  /** What made it; undefined where the script gave it to the model. */
  readonly operation: string | undefined;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Elements that are NaN, and that are infinite. */
  readonly nan: number;
  readonly infinite: number;
  /** Smallest and largest finite element of each input. */
  readonly inputs: readonly { readonly low: number; readonly high: number }[];
  /** Whether the loss needs it, or its gradient alone. */
  readonly phase: "forward" | "backward";
}

export type LoopFaultType = LoopFault["type"];
