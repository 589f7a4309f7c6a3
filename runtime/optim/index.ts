/** The public namespace `optim`. */
import "./byHand.ts";

export { Adagrad, type AdagradOptions } from "./adagrad.ts";
export {
  Adam,
  type AdamOptions,
  AdamW,
  NAdam,
  type NAdamOptions,
  RAdam,
  type RAdamOptions,
} from "./adam.ts";
export { GradScaler, type GradScalerOptions, type GradScalerState } from "./gradScaler.ts";
export { Lion, type LionOptions } from "./lion.ts";
export * as lrScheduler from "./lrScheduler/index.ts";
export { Muon, type MuonOptions } from "./muon.ts";
export {
  type Closure,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type ParamGroupOptions,
  type Params,
} from "./optimizer.ts";
export { RMSprop, type RMSpropOptions } from "./rmsprop.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
