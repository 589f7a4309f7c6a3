/** A sweep as a job of an engine that has many machines: each task is one `stepscope train`. */

import { type Measure, measureName } from "./sweepMeasure.ts";

/** Engines that a job can be written for. */
export const ENGINES = ["slurm", "kubernetes", "ray"] as const;

export type Engine = (typeof ENGINES)[number];

export interface JobOptions {
  /** The training file as the tasks name it, relative to the folder that they run in. */
  readonly script: string;
  readonly args: readonly string[];
  readonly rates: readonly number[];
  readonly seeds: number;
  /** What a table of the runs ranks by. */
  readonly measure: Measure;
  /** Tasks at the same time; all of them if left out. */
  readonly parallel: number | undefined;
  readonly tag: string;
}

/** The text of a job; what it asks of a machine is for whoever submits it to change. */
export function jobText(engine: Engine, options: JobOptions): string {
  switch (engine) {
    case "slurm":
      return slurm(options);
    case "kubernetes":
      return kubernetes(options);
    case "ray":
      return ray(options);
  }
}

/** An array of tasks. One that reaches its time limit saves a checkpoint, and is queued again. */
function slurm(options: JobOptions): string {
  const { parallel, tag } = options;
  const last = taskCount(options) - 1;
  return `#!/bin/bash
# ${title(options)}
# Submit it in the folder of the project: sbatch FILE
#SBATCH --job-name=${tag}
#SBATCH --array=0-${last}${parallel === undefined ? "" : `%${parallel}`}
#SBATCH --output=${tag}-%A-%a.jsonl
#SBATCH --open-mode=append
#SBATCH --gpus=1
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
set -eu

task=$SLURM_ARRAY_TASK_ID
${taskLines(options)}

${trainLine(options)} &
training=$!
requeue=false
trap 'requeue=true; kill -TERM "$training"' USR1 # a minute before the time limit
trap 'kill -TERM "$training"' TERM

code=0
wait "$training" || code=$?
if [ "$code" -gt 130 ]; then # a signal has ended the wait, and not the training
  code=0
  wait "$training" || code=$?
fi
if [ "$code" -eq 130 ] && [ "$requeue" = true ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$task"
fi
exit "$code"
`;
}

/** An Indexed Job. A pod that is evicted saves a checkpoint, and the one that takes its place goes on. */
function kubernetes(options: JobOptions): string {
  const count = taskCount(options);
  const shell = `set -eu
task=$JOB_COMPLETION_INDEX
${taskLines(options)}
exec ${trainLine(options)}`;
  return `# ${title(options)}
# The project, with its node_modules, is on the volume claim "project".
apiVersion: batch/v1
kind: Job
metadata:
  name: ${dnsName(options.tag)}
spec:
  completionMode: Indexed
  completions: ${count}
  parallelism: ${options.parallel ?? count}
  backoffLimitPerIndex: 3
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: train
          image: node:24
          workingDir: /project
          command: ["/bin/sh", "-c"]
          args:
            - |
${indented(shell, 14)}
          env:
            - name: NVIDIA_DRIVER_CAPABILITIES # Vulkan is among "graphics"
              value: compute,graphics,utility
          resources:
            limits:
              nvidia.com/gpu: 1
          volumeMounts:
            - name: project
              mountPath: /project
      volumes:
        - name: project
          persistentVolumeClaim:
            claimName: project
`;
}

/** A script that trains in Ray's workers, and prints a table. */
function ray(options: JobOptions): string {
  const { script, args, rates, seeds, parallel, tag, measure } = options;
  const tail = args.length > 0 ? ["--", ...args] : [];
  const limit =
    parallel === undefined
      ? ""
      : `
    # At most ${parallel} at the same time.
    while len(waiting) >= ${parallel}:
        ready, waiting = ray.wait(waiting)
        results += ray.get(ready)`;
  const { metric } = measure;
  const metricLines =
    metric === undefined
      ? ""
      : `
            if message["type"] == "metric":
                metrics[message["name"]] = message["value"]`;
  return `"""${title(options)}

In the folder of the project, which all machines of the cluster see: python FILE
"""
import glob
import json
import os
import subprocess
import time

import ray

RATES = ${JSON.stringify(rates.map(String))}
SEEDS = ${seeds}
PROJECT = os.getcwd()


@ray.remote(num_gpus=1, max_retries=3)
def train(lr, seed):
    """Trains once; a task that is tried again goes on from its last checkpoint."""
    checkpoints = os.path.join(PROJECT, ${JSON.stringify(checkpointsRoot(tag))}, f"lr-{lr}-seed-{seed}")
    began = checkpoints + ".began"
    if os.path.exists(began):
        time.sleep(30)  # Its worker has died: the training that it left saves a last checkpoint.
    os.makedirs(checkpoints, exist_ok=True)
    open(began, "w").close()
    env = {**os.environ, "STEPSCOPE_CHECKPOINTS": checkpoints}
    env["PATH"] = os.path.join(PROJECT, "node_modules", ".bin") + os.pathsep + env["PATH"]
    if glob.glob(os.path.join(checkpoints, "*.safetensors")):
        env["STEPSCOPE_RESUME"] = checkpoints
    own = ["--lr", lr, "--seed-offset", str(seed), "--tag", ${JSON.stringify(tag)}, "--json"]
    command = ["stepscope", "train", ${JSON.stringify(script)}, *own${tail.map(each => `, ${JSON.stringify(each)}`).join("")}]
    end = {}${metric === undefined ? "" : "\n    metrics = {}"}
    with subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            message = json.loads(line)
            if message["type"] == "end":
                end = message${metricLines}
    os.remove(began)
    if process.returncode != 0:
        raise RuntimeError(f"lr {lr}, seed {seed}: {end.get('error', end)}")
    # What is not finite is written as a string.
    return lr, seed, float(${metric === undefined ? 'end["finalLoss"]' : `metrics[${JSON.stringify(metric)}]`})


ray.init()
waiting, results = [], []
for lr, seed in [(lr, seed) for seed in range(SEEDS) for lr in RATES]:${limit}
    waiting.append(train.remote(lr, seed))
results += ray.get(waiting)
for lr, seed, value in sorted(results, key=lambda result: (float(result[0]), result[1])):
    print(f"lr {lr}  seed {seed}", ${JSON.stringify(measureName(measure))}, f"{value:.4g}", sep="  ")
`;
}

function title({ script, rates, seeds, measure }: JobOptions): string {
  const least = rates[0];
  const range = rates.length > 1 ? `${least} to ${rates.at(-1)}` : least;
  const { metric, mode } = measure;
  const ranking = metric === undefined ? "" : ` Ranked by ${plain(metric)} (${mode}).`;
  return `Learning rates of ${plain(script)}: ${rates.length} from ${range}, ${seeds} of each.${ranking}`;
}

/** A text as it may stand in a comment. */
function plain(text: string): string {
  return text.replaceAll(/["\\\n]/g, "?");
}

/** Shell lines that choose a task's rate and seed, and find what it left when it was ended before. */
function taskLines({ rates, tag }: JobOptions): string {
  return `set -- ${rates.join(" ")} # learning rates: all with one seed, then all with the next
seed=$((task / $#))
shift $((task % $#))
lr=$1

PATH=$PWD/node_modules/.bin:$PATH
STEPSCOPE_CHECKPOINTS=$PWD/${checkpointsRoot(tag)}/lr-$lr-seed-$seed
export PATH STEPSCOPE_CHECKPOINTS
if ls "$STEPSCOPE_CHECKPOINTS"/*.safetensors >/dev/null 2>&1; then
  export STEPSCOPE_RESUME="$STEPSCOPE_CHECKPOINTS"
fi`;
}

function trainLine({ script, args, tag }: JobOptions): string {
  const tail = args.length > 0 ? ` -- ${args.map(quoted).join(" ")}` : "";
  return `stepscope train ${quoted(script)} --lr "$lr" --seed-offset "$seed" --tag ${quoted(tag)} --json${tail}`;
}

function checkpointsRoot(tag: string): string {
  return `.stepscope/checkpoints/${dnsName(tag)}`;
}

function taskCount({ rates, seeds }: JobOptions): number {
  return rates.length * seeds;
}

/** A word as the shell takes it. */
function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A name as Kubernetes allows it: small letters, digits, hyphens. */
function dnsName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63);
  return name.replaceAll(/^-|-$/g, "") || "sweep";
}

function indented(text: string, spaces: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(spaces));
}
