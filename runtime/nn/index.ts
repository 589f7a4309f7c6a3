/** The public namespace `nn`. */
export { GELU, type GELUApproximation, ReLU, Tanh } from "./activation.ts";
export * as functional from "./functional.ts";
export { Linear } from "./linear.ts";
export { CrossEntropyLoss, MSELoss } from "./loss.ts";
export { Module } from "./module.ts";
export { Parameter } from "./parameter.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export { Sequential } from "./sequential.ts";
