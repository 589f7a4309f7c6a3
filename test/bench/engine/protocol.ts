/**
 * What a contender prints, one JSON object a line: a `Ready` when it has warmed up, then a `Sample`
 * for every line that it reads, which holds the number of steps to take. It ends with its input.
 */
export interface Ready {
  /** The adapter, where there is one. */
  readonly adapter?: { readonly description: string; readonly software: boolean };
  /** WebGPU calls of a step, of contenders that use it. */
  readonly calls?: Calls;
  /** Milliseconds of a step that was warm already. */
  readonly milliseconds: number;
  /** Probes of the task after the first and the last of the steps that warmed it up. */
  readonly probes: readonly [number, number];
}

/** Milliseconds of a step: the mean over the steps of the sample. */
export interface Sample {
  /** Time of the processor, user and system, of all threads. */
  readonly cpu: number;
  readonly wall: number;
}

/** WebGPU calls of a step. */
export interface Calls {
  readonly dispatches: number;
  readonly submits: number;
  readonly bindGroups: number;
  readonly buffers: number;
}
