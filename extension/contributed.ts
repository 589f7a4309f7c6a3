/** Names that package.json contributes. */

export const Command = {
  train: "stepscope.train",
  debug: "stepscope.debug",
  trainWithArguments: "stepscope.trainWithArguments",
  trainAgain: "stepscope.trainAgain",
  trainStepByStep: "stepscope.trainStepByStep",
  findLearningRate: "stepscope.findLearningRate",
  stop: "stepscope.stop",
  pause: "stepscope.pause",
  resume: "stepscope.resume",
  step: "stepscope.step",
  takeSteps: "stepscope.takeSteps",
  runToStep: "stepscope.runToStep",
  runToFinding: "stepscope.runToFinding",
  locateNonFinite: "stepscope.locateNonFinite",
  stepBack: "stepscope.stepBack",
  rewind: "stepscope.rewind",
  undoChange: "stepscope.undoChange",
  branch: "stepscope.branch",
  drawPicture: "stepscope.drawPicture",
  writeOption: "stepscope.writeOption",
  showPanel: "stepscope.showPanel",
  showOutput: "stepscope.showOutput",
  resetLayout: "stepscope.resetLayout",
  explainFinding: "stepscope.explainFinding",
  silenceFinding: "stepscope.silenceFinding",
  revealFinding: "stepscope.revealFinding",
  applyFinding: "stepscope.applyFinding",
  openRun: "stepscope.openRun",
  compareRuns: "stepscope.compareRuns",
  compareSources: "stepscope.compareSources",
  pinBaseline: "stepscope.pinBaseline",
  unpinBaseline: "stepscope.unpinBaseline",
  openRunScript: "stepscope.openRunScript",
  renameRun: "stepscope.renameRun",
  noteRun: "stepscope.noteRun",
  tagRun: "stepscope.tagRun",
  starRun: "stepscope.starRun",
  unstarRun: "stepscope.unstarRun",
  exportRun: "stepscope.exportRun",
  deleteRuns: "stepscope.deleteRuns",
  unqueue: "stepscope.unqueue",
  openExample: "stepscope.openExample",
  openWalkthrough: "stepscope.openWalkthrough",
  stopRun: "stepscope.stopRun",
  stopOrphans: "stepscope.stopOrphans",
  filterRuns: "stepscope.filterRuns",
  clearRunsFilter: "stepscope.clearRunsFilter",
  refreshRuns: "stepscope.refreshRuns",
} as const;

/** Keys of `when` clauses. */
export const ContextKey = {
  /** Paths of visible files that use stepscope. */
  trainingFiles: "stepscope.trainingFiles",
  /** Paths of files that train at this moment, or wait for their turn to. */
  runningFiles: "stepscope.runningFiles",
  /** Something trains. */
  running: "stepscope.running",
  /** Paths of files whose loop is held at this moment. */
  pausedFiles: "stepscope.pausedFiles",
  /** The loop is held that commands without a file act on. */
  paused: "stepscope.paused",
  /** The list of runs shows a part of them. */
  runsFiltered: "stepscope.runsFiltered",
  /** What the reader of the walkthrough has done in this window: see Milestone. */
  stepped: "stepscope.stepped",
  overshot: "stepscope.overshot",
  diverged: "stepscope.diverged",
  rewound: "stepscope.rewound",
  fixed: "stepscope.fixed",
  compared: "stepscope.compared",
  warmedUp: "stepscope.warmedUp",
} as const;

/** Settings, without the section. */
export const Setting = {
  codeLensEnabled: "codeLens.enabled",
  inlineLayers: "inlineValues.layers",
  inlineLoss: "inlineValues.loss",
  inlineStep: "inlineValues.step",
  graceTime: "runs.graceTime",
  nodePath: "nodePath",
  rewindMemory: "rewindMemory",
  runsAtOnce: "runs.atOnce",
  silencedFindings: "findings.silenced",
  trainOnSave: "trainOnSave",
  whenClosed: "runs.whenClosed",
} as const;

export const SECTION = "stepscope";

/** Scheme of documents that hold the script of a run. */
export const RUN_SOURCE = "stepscope-run";

/** The list of runs in the side bar. */
export const RUNS_VIEW = "stepscope.runs";

/** Tools that coding assistants can call. */
export const LanguageModelTool = {
  train: "stepscope_train",
  verdict: "stepscope_verdict",
} as const;

/** The walkthrough about gradient descent. */
export const WALKTHROUGH = "gradientDescent";

/** Type of tasks, and name of their problem matcher. */
export const TASK_TYPE = "stepscope";

export const PANEL_VIEW_TYPE = "stepscope.panel";

/** Documents that may train: modules on disk, where the sidecar reads them. */
export const TRAINING_FILES = [
  { scheme: "file", language: "typescript", pattern: "**/*.{ts,mts,cts}" },
  { scheme: "file", language: "javascript", pattern: "**/*.{js,mjs,cjs}" },
] as const;
