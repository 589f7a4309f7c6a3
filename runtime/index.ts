/** The public API. Nothing else is public. */
export { load, save } from "./checkpoint/archive.ts";
export {
  type CheckpointParts,
  Checkpoints,
  type CheckpointsOptions,
  loadCheckpoint,
  type Position,
  type Stateful,
  saveCheckpoint,
} from "./checkpoint/checkpoints.ts";
export * as safetensors from "./checkpoint/safetensors.ts";
export * as data from "./data/index.ts";
export type { DType } from "./kernels/op.ts";
export * as metrics from "./metrics/index.ts";
export { log, type Metrics } from "./metrics/log.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export * as parallel from "./parallel/index.ts";
export { type AutocastOptions, autocast } from "./tensor/autocast.ts";
export { type BackwardOptions, type GradOptions, grad, noGrad } from "./tensor/autograd.ts";
export * as autograd from "./tensor/autogradNamespace.ts";
export { checkpoint } from "./tensor/checkpoint.ts";
export {
  arange,
  type CreationOptions,
  empty,
  eye,
  full,
  fullLike,
  linspace,
  type NestedArray,
  oneHot,
  ones,
  onesLike,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from "./tensor/creation.ts";
export * from "./tensor/functions.ts";
export type { PaddingMode } from "./tensor/joining.ts";
export {
  getRngState,
  initialSeed,
  manualSeed,
  type RandomStream,
  rand,
  randn,
  setRngState,
} from "./tensor/random.ts";
export type { Shape } from "./tensor/shape.ts";
export { type Operand, Tensor, type TensorData } from "./tensor/tensor.ts";

/** Names that the types of inner parts mention, for compilers whose libraries know no WebGPU (TypeScript 5). */
declare global {
  interface GPUBuffer {}
  interface GPUCommandEncoder {}
}
