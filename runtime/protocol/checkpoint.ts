/** What the processes of a run agree on about its checkpoints. */

/** Environment variable of a script: the folder for its checkpoints. */
export const CHECKPOINTS_VARIABLE = "STEPSCOPE_CHECKPOINTS";

/** Environment variable of a script: the checkpoint, or the folder of them, to go on from. */
export const RESUME_VARIABLE = "STEPSCOPE_RESUME";

/** Name of the folder for checkpoints in that of a run. */
export const CHECKPOINTS_FOLDER = "checkpoints";

export const CHECKPOINT_SUFFIX = ".safetensors";
