/** What a loss is, before its first step, of a model that prefers no class. */
export interface UntrainedLoss {
  /** Name of the loss function. */
  readonly loss: string;
  readonly classes: number;
  /** ln of the number of classes, times what the script multiplies the loss with. */
  readonly value: number;
}
