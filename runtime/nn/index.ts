/** The public namespace `nn`. */
export {
  ELU,
  GELU,
  LeakyReLU,
  LogSoftmax,
  ReLU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
} from "./activation.ts";
export { type AttentionCallOptions, MultiheadAttention } from "./attention.ts";
export { BatchNorm1d, BatchNorm2d, type BatchNormLayerOptions } from "./batchNorm.ts";
export { Buffer } from "./buffer.ts";
export {
  Conv1d,
  Conv2d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  type ConvTransposeLayerOptions,
} from "./convolution.ts";
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export type { GELUApproximation } from "./functional/activation.ts";
export * as functional from "./functional.ts";
export type { HookHandle } from "./hooks.ts";
export * as init from "./init.ts";
export { Bilinear, Flatten, Identity, Linear, Unflatten } from "./linear.ts";
export * as lora from "./lora.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from "./loss.ts";
export { type AnyModule, Module } from "./module.ts";
export { ModuleDict, ModuleList } from "./moduleList.ts";
export type { NamePattern } from "./namePattern.ts";
export { GroupNorm, LayerNorm, RMSNorm } from "./normalization.ts";
export { Parameter } from "./parameter.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AvgPool1d,
  AvgPool2d,
  MaxPool1d,
  MaxPool2d,
  Upsample,
} from "./pooling.ts";
export type { RecurrentOptions } from "./recurrent.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export { GRU, LSTM, RNN } from "./rnn.ts";
export { Sequential } from "./sequential.ts";
export type { KeyDifferences, StateDict } from "./stateDict.ts";
export { summary } from "./summary.ts";
export {
  type EncoderCallOptions,
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerEncoderLayerOptions,
} from "./transformer.ts";
export * as utils from "./utils.ts";
