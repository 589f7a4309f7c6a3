/** The public API. Nothing else is public. */
export * as data from "./data/index.ts";
export type { DType } from "./kernels/op.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export { type BackwardOptions, grad, noGrad } from "./tensor/autograd.ts";
export {
  arange,
  eye,
  full,
  type NestedArray,
  oneHot,
  ones,
  type TensorOptions,
  tensor,
  zeros,
} from "./tensor/creation.ts";
export { where } from "./tensor/elementwise.ts";
export { cat } from "./tensor/indexing.ts";
export { initialSeed, manualSeed, rand, randn } from "./tensor/random.ts";
export type { Shape } from "./tensor/shape.ts";
export { type Operand, Tensor, type TensorData } from "./tensor/tensor.ts";
