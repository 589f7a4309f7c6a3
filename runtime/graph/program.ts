/**
 * Hand-written kernels as one node of the graph: how an optimizer updates all its parameters and
 * gathers its statistics in a few dispatches.
 */
import type { BufferRange, Storage } from "../gpu/storage.ts";

/** One dispatch. Binding 0 is the uniform `scalars: array<vec4<u32>, n>`, 1 … are `bindings`. */
export interface ProgramDispatch {
  readonly label: string;
  /** Entry point `main`; every storage binding is declared `read_write`. */
  readonly wgsl: string;
  readonly bindings: readonly BufferRange[];
  readonly workgroups: readonly [number, number, number];
}

/** What is recorded. Structure (`key`, `dispatches`) is used once a plan, the rest at each run. */
export interface Program {
  /**
   * Structural identity: everything that the dispatches depend on, buffers included. Equal keys run
   * the plan that was compiled for the first of them.
   */
  readonly key: string;
  dispatches(): readonly ProgramDispatch[];
  /** 32-bit words for the uniform of all dispatches; its length is part of the structure. */
  readonly scalars: Uint32Array;
  /** Storages that the kernels write: what was computed from their old values is stale then. */
  readonly writes: readonly Storage[];
  /** Called at each run behind the compute pass, for copies. */
  encodeAfter?(encoder: GPUCommandEncoder): void;
  /** Called at each run after the commands were submitted. */
  afterSubmit?(): void;
}
