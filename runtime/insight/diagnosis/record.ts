/** What the diagnosis is given: what is known of a run, and one record a step. */

/** What is known of a run before its first step. */
export interface RunPlan {
  /** See `usualRate`: defined where updates have the size of the learning rate (the Adam family). */
  readonly usualRate: number | undefined;
  /** Coefficient of the running mean of gradients; 0 without. */
  readonly momentum: number;
  /** Steps that the run is going to take; undefined where nobody knows. */
  readonly plannedSteps: number | undefined;
  /** Learning rate that the script sets, which a schedule multiplies. */
  readonly lr: number;
  /** Whether a schedule changes the learning rate. */
  readonly scheduled: boolean;
  /** Number of trained elements. */
  readonly parameters: number;
  /** The parameters were trained before. */
  readonly pretrained: boolean;
  /** Most weights begin at exactly zero. */
  readonly fromZero: boolean;
  /** Its first step is not the first of its training: it goes on from a checkpoint, or was changed as it went. */
  readonly resumed: boolean;
  /** Loss of a model that guesses; NaN where nobody knows. */
  readonly guess: number;
  /** Parameter group whose learning rate is judged. */
  readonly group: number;
}

/** A step over all parameters: g gradient, Δθ the applied update. NaN: not defined, or not finite. */
export interface StepRecord {
  /** Counts from 0. */
  readonly t: number;
  readonly lr: number;
  readonly loss: number;
  /** ‖g‖ */
  readonly gradNorm: number;
  /** ‖θ‖ before the update. */
  readonly weightNorm: number;
  /** ‖Δθ‖ */
  readonly updateNorm: number;
  /** ‖θ − θ₀‖ before the update. */
  readonly travel: number;
  /** Which tensors the step updated, as one number: another for others. */
  readonly tensors: number;
}

/** PyTorch's usual coefficient of momentum, where nobody says it. */
export const USUAL_MOMENTUM = 0.9;
