#!/bin/bash
# Learning rates of train.ts: 7 from 0.0001 to 0.1, 3 of each.
# Submit it in the folder of the project: sbatch FILE
#SBATCH --job-name=sweep
#SBATCH --array=0-20
#SBATCH --output=sweep-%A-%a.jsonl
#SBATCH --open-mode=append
#SBATCH --gpus=1
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
set -eu

task=$SLURM_ARRAY_TASK_ID
set -- 0.0001 0.000316 0.001 0.00316 0.01 0.0316 0.1 # learning rates: all with one seed, then all with the next
seed=$((task / $#))
shift $((task % $#))
lr=$1

PATH=$PWD/node_modules/.bin:$PATH
STEPSCOPE_CHECKPOINTS=$PWD/.stepscope/checkpoints/sweep/lr-$lr-seed-$seed
export PATH STEPSCOPE_CHECKPOINTS
if ls "$STEPSCOPE_CHECKPOINTS"/*.safetensors >/dev/null 2>&1; then
  export STEPSCOPE_RESUME="$STEPSCOPE_CHECKPOINTS"
fi

stepscope train train.ts --lr "$lr" --seed-offset "$seed" --tag sweep --json &
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
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$task"
fi
exit "$code"
