/**
 * Has `find-lr`'s experiments taken on a family, and trains at what they suggest. `node find.ts FAMILY SWEEP FILE` writes what was
 * found, and what it is worth by the family's sweep.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { setGate } from "../../../../runtime/insight/gate.ts";
import { deafObserver, observe } from "../../../../runtime/insight/observer.ts";
import { findLearningRate } from "../../../../runtime/insight/probes/findLearningRate.ts";
import { HeldLoop } from "../../../../runtime/insight/probes/heldLoop.ts";
import { FAMILIES } from "./families.ts";
import type { Family } from "./family.ts";
import type { FindResult } from "./findTable.ts";
import { loopOf, train } from "./train.ts";

/** Rates of the range test, as in the product. */
const RATES = 100;

/** What a script might have written. */
const OWN_RATE = 1e-3;

const [, , name, sweep, file] = process.argv;
const family = FAMILIES.find(each => each.name === name);
if (!family || !sweep || !file) throw new Error("Usage: node find.ts FAMILY SWEEP FILE");
const { suggestion, confidence, range } = await find(family);
const result: FindResult = {
  scenario: family.name,
  optimizer: family.optimizer,
  range: range.suggestion,
  suggestion,
  confidence,
  regret: await regretAt(family, suggestion),
  rangeRegret: await regretAt(family, range.suggestion),
};
writeFileSync(`${file}.part`, JSON.stringify(result));
renameSync(`${file}.part`, file);
process.exit(0);

async function find(of: Family) {
  const { take } = await loopOf(of, OWN_RATE, 1);
  const held = new HeldLoop(0);
  observe({ ...deafObserver, steps: batch => held.steps(batch) });
  void goOn(take);
  await held.held();
  const found = await findLearningRate(held, { steps: RATES, plannedSteps: of.steps });
  // It stays where it is.
  setGate(undefined);
  observe(undefined);
  return found;
}

/** The loop is held: it takes the steps that it is asked for. */
async function goOn(take: (step: number) => Promise<unknown>): Promise<never> {
  for (let step = 0; ; step++) await take(step);
}

/** Part of what can be gained that a run at a learning rate misses; undefined where there is none. */
async function regretAt(of: Family, lr: number | undefined): Promise<number | undefined> {
  if (lr === undefined) return undefined;
  const [line = ""] = gunzipSync(readFileSync(sweep ?? ""))
    .toString()
    .split("\n", 1);
  const { initialLoss, bestLoss } = JSON.parse(line) as Record<"initialLoss" | "bestLoss", number>;
  const { last } = await train(of, lr, 1);
  return (Math.min(last, 2 * initialLoss) - bestLoss) / (initialLoss - bestLoss);
}
