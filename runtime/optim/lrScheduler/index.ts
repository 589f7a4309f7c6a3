/** The public namespace `optim.lrScheduler`: PyTorch's `torch.optim.lr_scheduler`. */
export { ChainedScheduler, SequentialLR } from "./composite.ts";
export {
  CosineAnnealingLR,
  type CosineAnnealingOptions,
  CosineAnnealingWarmRestarts,
  type WarmRestartOptions,
  type WarmupCosineOptions,
  warmupCosine,
} from "./cosine.ts";
export {
  ConstantLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  PolynomialLR,
  StepLR,
} from "./decay.ts";
export { OneCycleLR, type OneCycleOptions } from "./oneCycle.ts";
export { type PlateauOptions, ReduceLROnPlateau } from "./plateau.ts";
export { LRScheduler, type Scheduled } from "./scheduler.ts";
