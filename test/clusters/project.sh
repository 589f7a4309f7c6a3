# Sourced by the scripts beside it.

# makeProject ROOT: makes the current folder a project that uses the Stepscope of a checkout, with a script to train
makeProject() {
  mkdir -p node_modules/.bin
  ln -s "$1" node_modules/stepscope
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$1/node_modules/.bin/node" "$1/dist/stepscope.js" > node_modules/.bin/stepscope
  chmod +x node_modules/.bin/stepscope
  echo '{ "type": "module" }' > package.json
  cp "$1/test/clusters/train.ts" .
}

# emit FORM FILE TAG STEPS RATES COUNT: writes a sweep of COUNT learning rates, and as many seeds of each, for an engine
emit() {
  node_modules/.bin/stepscope sweep train.ts --lr "$5" --points "$6" --seeds "$6" --tag "$3" --emit "$1" -- "$4" > "$2"
}
