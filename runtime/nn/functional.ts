/** `nn.functional`: what the layers compute, without their parameters. */
export { scaledDotProductAttention } from "../tensor/attention.ts";
export { conv1d, conv2d, convTranspose1d, convTranspose2d } from "../tensor/convolution.ts";
export { interpolate } from "../tensor/interpolate.ts";
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  maxPool1d,
  maxPool1dWithIndices,
  maxPool2d,
  maxPool2dWithIndices,
} from "../tensor/pooling.ts";
export { fold, unfold } from "../tensor/unfold.ts";
export * from "./functional/activation.ts";
export { crossEntropy, nllLoss } from "./functional/classification.ts";
export { dropout } from "./functional/dropout.ts";
export { embedding } from "./functional/embedding.ts";
export { bilinear, linear } from "./functional/linear.ts";
export { batchNorm, groupNorm, layerNorm, rmsNorm } from "./functional/normalization.ts";
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  klDiv,
} from "./functional/probability.ts";
export { huberLoss, l1Loss, mseLoss, smoothL1Loss } from "./functional/regression.ts";
export { cosineSimilarity } from "./functional/similarity.ts";
