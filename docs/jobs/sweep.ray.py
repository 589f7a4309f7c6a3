"""Learning rates of train.ts: 7 from 0.0001 to 0.1, 3 of each.

In the folder of the project, which all machines of the cluster see: python FILE
"""
import glob
import json
import os
import subprocess
import time

import ray

RATES = ["0.0001","0.000316","0.001","0.00316","0.01","0.0316","0.1"]
SEEDS = 3
PROJECT = os.getcwd()


@ray.remote(num_gpus=1, max_retries=3)
def train(lr, seed):
    """Trains once; a task that is tried again goes on from its last checkpoint."""
    checkpoints = os.path.join(PROJECT, ".stepscope/checkpoints/sweep", f"lr-{lr}-seed-{seed}")
    began = checkpoints + ".began"
    if os.path.exists(began):
        time.sleep(30)  # Its worker has died: the training that it left saves a last checkpoint.
    os.makedirs(checkpoints, exist_ok=True)
    open(began, "w").close()
    env = {**os.environ, "STEPSCOPE_CHECKPOINTS": checkpoints}
    env["PATH"] = os.path.join(PROJECT, "node_modules", ".bin") + os.pathsep + env["PATH"]
    if glob.glob(os.path.join(checkpoints, "*.safetensors")):
        env["STEPSCOPE_RESUME"] = checkpoints
    own = ["--lr", lr, "--seed-offset", str(seed), "--tag", "sweep", "--json"]
    command = ["stepscope", "train", "train.ts", *own]
    end = {}
    with subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            message = json.loads(line)
            if message["type"] == "end":
                end = message
    os.remove(began)
    if process.returncode != 0:
        raise RuntimeError(f"lr {lr}, seed {seed}: {end.get('error', end)}")
    # What is not finite is written as a string.
    return lr, seed, float(end["finalLoss"])


ray.init()
waiting, results = [], []
for lr, seed in [(lr, seed) for seed in range(SEEDS) for lr in RATES]:
    waiting.append(train.remote(lr, seed))
results += ray.get(waiting)
for lr, seed, value in sorted(results, key=lambda result: (float(result[0]), result[1])):
    print(f"lr {lr}  seed {seed}", "loss", f"{value:.4g}", sep="  ")
