/** The public API. Nothing else is public. */
export * as data from "./data/index.ts";
export type { DType } from "./kernels/op.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export { type BackwardOptions, grad, noGrad } from "./tensor/autograd.ts";
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
export { where } from "./tensor/elementwise.ts";
export { cat, stack } from "./tensor/joining.ts";
export { initialSeed, manualSeed, rand, randn } from "./tensor/random.ts";
export type { Shape } from "./tensor/shape.ts";
export type { Range } from "./tensor/slicing.ts";
export { type Operand, Tensor, type TensorData } from "./tensor/tensor.ts";
