/** What the latest step did to each element of one tensor, as it is asked for and kept nowhere. */
export interface TensorElements {
  /** Index among the tensors of the run. */
  readonly tensor: number;
  /** The step behind which it was measured. */
  readonly step: number;
  /** |Δθ| of each element without decoupled decay, row-major in the tensor's shape; empty without. */
  readonly stepSizes: Float32Array;
  /** Why there is nothing. */
  readonly problem?: string;
}

/** Elements of a tensor that are sent at most: 16 MiB. */
export const MOST_ELEMENTS = 2 ** 22;
