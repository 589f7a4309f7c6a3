/** The public namespace `metrics`. */
export { accuracy, confusionMatrix } from "./classification.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./earlyStopping.ts";
