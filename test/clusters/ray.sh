#!/bin/bash
# Runs what `stepscope sweep --emit ray` prints on a Ray of this machine: four tasks, and one whose worker is
# killed. About a minute.
#
#   python3 -m venv ray && ray/bin/pip install ray
#   npm run build && test/clusters/ray.sh ray/bin/python
set -euo pipefail

python=$(realpath -s "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/test/clusters/project.sh"
work=$(mktemp -d -t stepscope-ray-XXXXXX)
trap 'rm -rf "$work"' EXIT
# As if this machine had a GPU, which is what a task asks for.
export RAY_OVERRIDE_RESOURCES='{"CPU": 2, "GPU": 1}'

fail() {
  echo "$1" >&2
  tail -n 5 "$work"/*.log | cut -c1-300 >&2
  exit 1
}

cd "$work"
makeProject "$root"

"$python" -c 'import ray; print("ray", ray.__version__)'
emit ray four.py four 20 0.01..0.1 2
"$python" four.py > four.log 2>&1 || fail "The script ended with code $?"
[ "$(grep -c '^lr .* loss ' four.log)" = 4 ] || fail "The table has not four rows"
echo "Four tasks: all in the table"

emit ray died.py died 150 0.1..0.1 1
"$python" died.py > died.log 2>&1 &
driver=$!
worker=
for _ in $(seq 60); do
  # Its parent is Ray's, but its folder is this one.
  for each in $(pgrep -f '^ray::train' || true); do
    [ "$(readlink "/proc/$each/cwd")" != "$work" ] || worker=$each
  done
  [ -z "$worker" ] || ! grep -q 'from 0' died.log || break
  sleep 1
done
[ -n "$worker" ] || fail "There is no worker"
sleep 3
kill -KILL "$worker"
wait "$driver" || fail "The script ended with code $?"
grep -q 'from [1-9]' died.log || fail "The task did not go on from its checkpoint"
grep -q '^lr .* loss ' died.log || fail "The table has no row"
echo "A worker that was killed: the task went on $(grep -o 'from [1-9][0-9]*' died.log)"
