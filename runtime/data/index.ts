/** The public namespace `data`. */
export { loadIdx, loadNpy, loadNpz } from "./arrayFiles.ts";
export { type Collated, collate } from "./collate.ts";
export { ConcatDataset, randomSplit, Subset } from "./combine.ts";
export {
  type Dataset,
  type IterableDataset,
  type SampleDataset,
  TensorDataset,
} from "./dataset.ts";
export { type ImageOptions, loadImage } from "./images.ts";
export { type CollatingOptions, DataLoader, type DataLoaderOptions } from "./loader.ts";
export { fromModule } from "./modules.ts";
export {
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  WeightedRandomSampler,
} from "./samplers.ts";
export { batched, readCsv, readJsonLines } from "./textFiles.ts";
export {
  type BytePairEncoding,
  bytePairTokenizer,
  CharacterTokenizer,
  type Tokenizer,
} from "./tokenizers.ts";
export { TokenWindows } from "./tokenWindows.ts";
