/** Names that package.json contributes. */

export const Command = {
  train: "stepscope.train",
  trainWithArguments: "stepscope.trainWithArguments",
  stop: "stepscope.stop",
  showPanel: "stepscope.showPanel",
  showOutput: "stepscope.showOutput",
} as const;

/** Keys of `when` clauses. */
export const ContextKey = {
  /** Paths of visible files that use stepscope. */
  trainingFiles: "stepscope.trainingFiles",
  /** Paths of files that train at this moment. */
  runningFiles: "stepscope.runningFiles",
  /** Something trains. */
  running: "stepscope.running",
} as const;

/** Settings, without the section. */
export const Setting = {
  codeLensEnabled: "codeLens.enabled",
  inlineLayers: "inlineValues.layers",
  inlineLoss: "inlineValues.loss",
  inlineStep: "inlineValues.step",
  nodePath: "nodePath",
  trainOnSave: "trainOnSave",
} as const;

export const SECTION = "stepscope";

export const PANEL_VIEW_TYPE = "stepscope.panel";

/** Documents that may train: modules on disk, where the sidecar reads them. */
export const TRAINING_FILES = [
  { scheme: "file", language: "typescript", pattern: "**/*.{ts,mts,cts}" },
  { scheme: "file", language: "javascript", pattern: "**/*.{js,mjs,cjs}" },
] as const;
