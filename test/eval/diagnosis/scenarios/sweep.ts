/**
 * Runs a family at all its learning rates, and labels each run by what the others reached: never by opinion.
 * `node sweep.ts FAMILY FILE` writes them as a trace.
 */
import { renameSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { FAMILIES } from "./families.ts";
import type { Family } from "./family.ts";
import { type Trained, train } from "./train.ts";

/** Part of what can be gained that a right learning rate may miss. */
const MOST_REGRET = 0.1;

/** A final loss above this part of the first one is none that was trained to. */
const DIVERGED = 1.05;

const [, , name, file] = process.argv;
const family = FAMILIES.find(each => each.name === name);
if (!family || !file) throw new Error("Usage: node sweep.ts FAMILY FILE");
const rates = ratesOf(family);
const runs: Trained[] = [];
for (const lr of rates) runs.push(await train(family, lr, 1));
const lines = runs.flatMap((run, i) => [metaOf(family, i, runs), ...run.steps]);
// Whole or not at all: who is stopped goes on here.
writeFileSync(`${file}.part`, gzipSync(lines.map(line => JSON.stringify(line)).join("\n")));
renameSync(`${file}.part`, file);
process.exit(0);

function ratesOf({ rates: [low, high] }: Family): number[] {
  return Array.from({ length: Math.round(2 * (high - low)) + 1 }, (_, i) => 10 ** (low + i / 2));
}

function metaOf(
  { name, optimizer, schedule, steps, batchSize, kind }: Family,
  i: number,
  all: readonly Trained[],
) {
  const first = all[0]?.first ?? Number.NaN;
  const losses = all.map(({ last }) => Math.min(last, 2 * first));
  const best = Math.min(...losses);
  const gain = (at: number, others: readonly number[]) =>
    Math.max(0, ...others.map(other => ((losses[at] ?? 0) - other) / (first - best)));
  const labelAt = (at: number) => {
    const [up, down] = [gain(at, losses.slice(at + 1)), gain(at, losses.slice(0, at))];
    if ((losses[at] ?? 0) > DIVERGED * first) return "diverge";
    if (down > MOST_REGRET && down >= up) return "large";
    return up > MOST_REGRET ? "small" : "right";
  };
  return {
    type: "meta",
    scenario: name,
    kind,
    label: labelAt(i),
    lr: rates[i],
    seed: 1,
    optimizer,
    schedule,
    plannedSteps: steps,
    batchSize: batchSize ?? null,
    parameters: all[i]?.parameters,
    rightLrs: rates.filter((_, at) => labelAt(at) === "right"),
    bestLr: rates[losses.indexOf(best)],
    initialLoss: first,
    bestLoss: best,
    regret: ((losses[i] ?? 0) - best) / (first - best),
    told: all[i]?.told,
  };
}
