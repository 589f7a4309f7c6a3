#!/bin/bash
# Submits what `stepscope sweep --emit slurm` prints to a Slurm of one node, which this script starts and ends:
# an array, a task that reaches its time limit and is queued again, and one that is cancelled. Five to seven minutes.
#
#   apt-get install slurm-wlm munge    (Debian, Ubuntu; as root, on a machine without a Slurm of its own)
#   npm run build && test/clusters/slurm.sh
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/test/clusters/project.sh"
work=$(mktemp -d -t stepscope-slurm-XXXXXX)
chmod 755 "$work"
export SLURM_CONF=$work/slurm.conf

end() {
  for name in slurmd slurmctld munged; do
    [ ! -e "$work/run/$name.pid" ] || kill "$(cat "$work/run/$name.pid")" || true
  done
  sleep 2
  rm -rf "$work"
}
trap end EXIT

fail() {
  echo "$1" >&2
  tail -n 5 "$work"/*.log "$work"/project/*.jsonl | cut -c1-300 >&2
  exit 1
}

# The cluster: two processors, and two files in the place of GPUs.
host=$(hostname -s)
mkdir "$work/run" "$work/state" "$work/spool" "$work/project"
chown munge "$work/run"
touch "$work/gpu0" "$work/gpu1"
echo "NodeName=$host Name=gpu File=$work/gpu[0-1]" > "$work/gres.conf"
cat > "$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthInfo=socket=$work/run/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/run/slurmctld.pid
SlurmdPidFile=$work/run/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
su munge -s /bin/sh -c "munged --force --socket=$work/run/munge.socket --pid-file=$work/run/munged.pid \
  --log-file=$work/run/munged.log --seed-file=$work/run/seed"
slurmctld
slurmd
slurmctld -V

# The project.
cd "$work/project"
makeProject "$root"

stateOf() {
  scontrol show job "$1" | grep -o 'JobState=[A-Z]*' | sort -u | tr '\n' ' '
}
field() {
  scontrol show job "$1" | grep -o "$2=[0-9:]*" | head -n 1
}
# over JOB SECONDS: waits until no task of it is queued or runs
over() {
  for _ in $(seq "$2"); do
    [ -n "$(squeue -h -j "$1")" ] || return 0
    sleep 1
  done
  fail "Job $1 is not over: $(stateOf "$1")"
}

emit slurm array.sh array 20 0.01..0.1 2
array=$(sbatch --parsable array.sh)
over "$array" 120
[ "$(stateOf "$array")" = "JobState=COMPLETED " ] || fail "The array: $(stateOf "$array")"
[ "$(grep -l '"type":"end","status":"completed","steps":20,' array-*.jsonl | wc -l)" = 4 ] || fail "The array's runs"
echo "An array of 4 tasks: all completed"

emit slurm cancelled.sh cancelled 9000 0.1..0.1 1
cancelled=$(sbatch --parsable cancelled.sh)
for _ in $(seq 60); do
  ! grep -q '"step":3,' cancelled-*.jsonl 2> /dev/null || break
  sleep 1
done
scancel "$cancelled"
over "$cancelled" 60
[ "$(field "$cancelled" Restarts) $(field "$cancelled" ExitCode)" = "Restarts=0 ExitCode=130:0" ] \
  || fail "Cancelled: $(field "$cancelled" Restarts) $(field "$cancelled" ExitCode)"
ls .stepscope/checkpoints/cancelled/*/step-*.safetensors > /dev/null || fail "No checkpoint of what was cancelled"
echo "Cancelled: exit code 130, with a checkpoint"

# Slurm sends its signal half a minute to a minute and a half before the limit: no part is as long as all steps.
emit slurm limit.sh limit 620 0.1..0.1 1
limit=$(sbatch --parsable --time=2 limit.sh)
over "$limit" 900
[ "$(stateOf "$limit")" = "JobState=COMPLETED " ] || fail "The limit: $(stateOf "$limit")"
[ "$(field "$limit" Restarts)" != "Restarts=0" ] || fail "It was not queued again"
grep -q '^from [1-9]' limit-*.jsonl || fail "It did not go on from its checkpoint"
echo "A time limit of 2 minutes: $(field "$limit" Restarts), $(grep '^from' limit-*.jsonl | paste -sd ' ')"
