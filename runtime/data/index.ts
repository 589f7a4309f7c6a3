/** The public namespace `data`. */
export { loadIdx, loadNpy } from "./arrayFiles.ts";
export { ConcatDataset, randomSplit, Subset } from "./combine.ts";
export { type Dataset, TensorDataset } from "./dataset.ts";
export { DataLoader, type DataLoaderOptions } from "./loader.ts";
export {
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  WeightedRandomSampler,
} from "./samplers.ts";
export { batched, readCsv, readJsonLines } from "./textFiles.ts";
export { TokenWindows } from "./tokenWindows.ts";
