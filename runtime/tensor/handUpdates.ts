/**
 * Parameters that a script updates by hand: `noGrad(() => p.sub_(p.grad.mul(lr)))`, or an optimizer
 * of its own. They are noticed by what is done to them: a change in place, under `noGrad`, of a leaf
 * that has a gradient, after `backward()`. Such a step ends with the `noGrad` in which the last leaf
 * that `backward()` reached is updated; if some are not, before the next `backward()`.
 */
import { observer } from "../insight/observer.ts";
import { noteUpdatedByHand } from "./gradientUse.ts";
import { backwardTargets } from "./losses.ts";
import type { Tensor } from "./tensor.ts";

/** What is known of a parameter before its update; all are computed where they are asked for. */
export interface HandUpdate {
  readonly before: Tensor;
  /** Σθ² before the update. */
  readonly weightSquares: Tensor;
  /** Σg² */
  readonly gradSquares: Tensor;
  /** Elements of g that are NaN or infinite. */
  readonly nonFinite: Tensor;
}

type Listener = (updates: ReadonlyMap<Tensor, HandUpdate>) => void;

let updates = new Map<Tensor, HandUpdate>();
/** Leaves that `backward()` reached and nobody has updated yet. */
let expected = new Set<Tensor>();
let measure: Listener | undefined;
const watchedElsewhere = new WeakSet<Tensor>();

/** Registers who measures steps by hand. */
export function onHandUpdates(listener: Listener): void {
  measure = listener;
}

/** Says that a parameter belongs to an optimizer that measures its own steps. */
export function leaveToOptimizer(parameter: Tensor): void {
  watchedElsewhere.add(parameter);
  expected.delete(parameter);
}

/** To be called when `backward()` gives a leaf a gradient. */
export function expectHandUpdate(leaf: Tensor): void {
  if (observer() && !watchedElsewhere.has(leaf)) expected.add(leaf);
}

/** To be called before a tensor is changed in place under `noGrad`. */
export function noteHandUpdate(tensor: Tensor): void {
  const { grad } = tensor;
  if (!grad || !tensor.isLeaf || !observer() || backwardTargets.isEmpty) return;
  if (updates.has(tensor) || watchedElsewhere.has(tensor)) return;
  expected.delete(tensor);
  noteUpdatedByHand(tensor);
  const before = tensor.detach().clone();
  updates.set(tensor, {
    before,
    weightSquares: before.square().sum(),
    gradSquares: grad.detach().square().sum(),
    nonFinite: grad.detach().isfinite().logicalNot().to("float32").sum(),
  });
}

/** To be called when `noGrad` ends. */
export function endOfHandUpdates(): void {
  if (updates.size === 0) return;
  if (expected.size === 0) {
    endHandStep();
    return;
  }
  for (const update of updates.values()) {
    for (const each of Object.values<Tensor>({ ...update })) each.keep();
  }
}

/** To be called before `backward()`. */
export function endHandStep(): void {
  // An optimizer's step has come between: what it left is waited for no more, nor held.
  if (backwardTargets.isEmpty) expected = new Set();
  if (updates.size === 0) return;
  const done = updates;
  updates = new Map();
  expected = new Set();
  measure?.(done);
}
