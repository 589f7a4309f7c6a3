/** The public namespace `data`. */
export { ConcatDataset, randomSplit, Subset } from "./combine.ts";
export { type Dataset, TensorDataset } from "./dataset.ts";
export { DataLoader, type DataLoaderOptions } from "./loader.ts";
export {
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  WeightedRandomSampler,
} from "./samplers.ts";
export { TokenWindows } from "./tokenWindows.ts";
