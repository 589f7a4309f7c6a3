/** The public namespace `optim`. */
export { Adam, type AdamOptions, AdamW } from "./adam.ts";
export * as lrScheduler from "./lrScheduler/index.ts";
export { Optimizer, type ParamGroup, type ParamGroupOptions, type Params } from "./optimizer.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
