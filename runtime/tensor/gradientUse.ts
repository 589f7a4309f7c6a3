/**
 * Follows gradients from `backward()` to the step that uses them, and tells what is missing between:
 * `zeroGrad()`, `backward()`, `step()`, a parameter in the optimizer. All of it is known from the
 * calls alone; nothing is computed, and nothing is looked at where nobody watches.
 */
import { observer } from "../insight/observer.ts";
import { loaderProgress } from "../insight/progress.ts";
import { countStep, isSettled, tellFault } from "./loopFaults.ts";
import { type Direction, lossDirection, tellUntrainedLoss } from "./lossUse.ts";
import type { Tensor } from "./tensor.ts";

/** Steps in a row after which a fault is no accident. */
const IN_A_ROW = 3;

/** Steps that a parameter may be without a gradient, and `backward()` without a step. */
const PATIENCE = 20;
const MOST_MICRO_BATCHES = 256;

/** Steps with one batch, where there are others. */
const STEPS_ON_A_BATCH = 100;

/** Names that a message can hold. */
const NAMES = 3;

/** What is known of an optimizer. */
interface Use {
  /** Where it was made. */
  readonly made: Error;
  steps: number;
  /** Number of `backward()` calls when it stepped. */
  backwards: number;
  /** Steps in a row with gradients that were used before, and without new ones. */
  stale: number;
  idle: number;
  rising: number;
  /** Parameters that have never had a gradient; undefined before the first step. */
  unreached: Set<Tensor> | undefined;
}

/** Gradients that a step uses. */
interface Found {
  /** Those that have changed since a step used them. */
  readonly fresh: number;
  /** Of these, those that hold what a step has used. */
  readonly stale: number;
  readonly updated: readonly Tensor[];
}

const NOTHING: Found = { fresh: 0, stale: 0, updated: [] };

const uses = new WeakMap<object, Use>();
/** The optimizer of each parameter; BY_HAND of those that the script updates itself. */
const owners = new WeakMap<Tensor, object>();
const BY_HAND = {};
/** The version at which a step used a gradient. */
const spent = new WeakMap<Tensor, number>();
/** Gradients that were added to one that a step had used. */
const stale = new WeakSet<Tensor>();
/** Parameters of nobody that got gradients since the last step. */
let strays = new Set<Tensor>();
let strayedSteps = 0;
let backwards = 0;
let hasStepped = false;
/** Tensors that were reached since the last step, and whose they are. */
let reached = new Map<Tensor, object | undefined>();
let directions: (Direction | undefined)[] = [];
/** What parameters are updated by hand with, until the step is over. */
let byHand = NOTHING;
/** Samples that the loader had handed out, and the steps since. */
let samples = 0;
let stepsOnBatch = 0;

/** To be called when an optimizer takes a parameter. */
export function noteOptimized(optimizer: object, parameter: Tensor): void {
  owners.set(parameter, optimizer);
  strays.delete(parameter);
  if (!uses.has(optimizer)) uses.set(optimizer, newUse());
}

/** To be called when a parameter is updated by hand, before it is: its gradient may be zeroed then. */
export function noteUpdatedByHand(parameter: Tensor): void {
  owners.set(parameter, BY_HAND);
  strays.delete(parameter);
  byHand = joined(byHand, lookAt([parameter]));
}

/** To be called for a step by hand, when its parameters are updated. */
export function noteHandStep(optimizer: object, parameters: readonly Tensor[]): void {
  const found = byHand;
  byHand = NOTHING;
  look(optimizer, parameters, false, found);
}

/** To be called by `backward()`. */
export function noteBackward(loss: Tensor): void {
  if (!observer()) return;
  if (backwards++ === 0) tellUntrainedLoss(loss);
  if (directions.length < IN_A_ROW) directions.push(lossDirection(loss));
  const isOver = (loaderProgress()?.epoch ?? 0) >= 1 || backwards >= MOST_MICRO_BATCHES;
  if (isOver && backwards >= PATIENCE) checkSteps();
}

/** To be called when `backward()` has added the gradient of a leaf to `before`. */
export function noteGradient(leaf: Tensor, before: Tensor | null): void {
  if (!observer() || !leaf.grad) return;
  reached.set(leaf, owners.get(leaf));
  if (before && (stale.has(before) || spent.get(before) === before.version)) stale.add(leaf.grad);
  if ("label" in leaf && !owners.has(leaf)) strays.add(leaf);
}

/**
 * To be called before a step.
 * @param optimizer that was told of its parameters.
 * @param maximize whether the step goes uphill.
 */
export function noteStep(
  optimizer: object,
  parameters: readonly Tensor[],
  maximize: boolean,
): void {
  if (observer()) look(optimizer, parameters, maximize, lookAt(parameters));
}

/** To be called when the script has run to its end. */
export function noteEnd(): void {
  if (backwards >= 2) checkSteps();
}

function look(
  optimizer: object,
  parameters: readonly Tensor[],
  maximize: boolean,
  found: Found,
): void {
  countStep();
  hasStepped = true;
  const use = uses.get(optimizer) ?? newUse();
  uses.set(optimizer, use);
  use.steps++;
  for (const parameter of found.updated) use.unreached?.delete(parameter);
  use.unreached ??= new Set(parameters.filter(each => each.requiresGrad && !each.grad));
  use.stale = found.stale > 0 ? use.stale + 1 : 0;
  use.idle = found.fresh === 0 && use.backwards === backwards ? use.idle + 1 : 0;
  use.backwards = backwards;
  if (use.stale >= IN_A_ROW) {
    tellFault({ type: "staleGradients", tensors: found.stale, steps: use.stale });
  }
  if (use.idle >= IN_A_ROW) {
    tellFault({ type: "noBackward", steps: use.idle, tensors: parameters.length });
  }
  checkDirection(optimizer, use, maximize);
  checkUnreached(use);
  checkStrays(use);
  checkBatch();
}

function newUse(): Use {
  return {
    made: new Error("made here"),
    steps: 0,
    backwards: 0,
    stale: 0,
    idle: 0,
    rising: 0,
    unreached: undefined,
  };
}

/** What the gradients are that a step is about to use; from now on they are used. */
function lookAt(parameters: readonly Tensor[]): Found {
  let [fresh, old] = [0, 0];
  const updated: Tensor[] = [];
  for (const parameter of parameters) {
    const { grad } = parameter;
    if (!grad) continue;
    updated.push(parameter);
    if (stale.has(grad)) old++;
    else if (spent.get(grad) !== grad.version) fresh++;
    spent.set(grad, grad.version);
  }
  return { fresh: fresh + old, stale: old, updated };
}

function joined(a: Found, b: Found): Found {
  return {
    fresh: a.fresh + b.fresh,
    stale: a.stale + b.stale,
    updated: [...a.updated, ...b.updated],
  };
}

function checkSteps(): void {
  if (hasStepped || ![...reached.values()].some(Boolean)) return;
  tellFault({ type: "noStep", backwards, tensors: reached.size });
}

/** A generator may be trained by the negated loss of its judge, which has another optimizer. */
function checkDirection(optimizer: object, use: Use, maximize: boolean): void {
  const isAlone = [...reached.values()].every(owner => owner === optimizer);
  reached = new Map();
  const [direction] = directions;
  directions = [];
  if (!direction || !isAlone || isSettled("risingLoss")) return;
  const { factor, loss } = direction;
  use.rising = factor * (maximize ? -1 : 1) < 0 ? use.rising + 1 : 0;
  if (use.rising < IN_A_ROW) return;
  tellFault({ type: "risingLoss", loss, factor, maximize, steps: use.rising });
}

function checkUnreached({ unreached, steps, made }: Use): void {
  if (steps !== PATIENCE || !unreached || unreached.size === 0) return;
  tellFault({ type: "noGradient", ...described([...unreached]), steps }, made);
}

function checkStrays({ made }: Use): void {
  strayedSteps = strays.size > 0 ? strayedSteps + 1 : 0;
  if (strayedSteps >= PATIENCE) {
    tellFault(
      { type: "notOptimized", ...described([...strays].reverse()), steps: strayedSteps },
      made,
    );
  }
  strays = new Set();
}

function described(tensors: readonly Tensor[]) {
  return {
    names: tensors.slice(0, NAMES).map(tensor => ("label" in tensor ? String(tensor.label) : "")),
    tensors: tensors.length,
    elements: tensors.reduce((sum, { numel }) => sum + numel, 0),
  };
}

/** One batch was taken from a loader, and then no other. */
function checkBatch(): void {
  const progress = loaderProgress();
  if (!progress || isSettled("sameSamples")) return;
  stepsOnBatch = progress.samples === samples ? stepsOnBatch + 1 : 1;
  samples = progress.samples;
  const isFirst = progress.batch === 1 && progress.epoch * progress.batches === 1;
  if (!isFirst || progress.batches === 1 || stepsOnBatch < STEPS_ON_A_BATCH) return;
  const of = samples * progress.batches;
  tellFault({ type: "sameSamples", samples, of, times: stepsOnBatch });
}
