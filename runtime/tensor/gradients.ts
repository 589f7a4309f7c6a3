/**
 * What happened to gradients between `backward()` and the step, for the instruments: micro-batches
 * that were accumulated, and clipping. Nothing is computed where nobody watches.
 */
import { areOriginsRemembered, type Node } from "../graph/node.ts";
import { observer } from "../insight/observer.ts";
import type { Tensor } from "./tensor.ts";

/** Σ over micro-batches of ‖g_i‖² of a leaf, where there was more than one. */
let microBatchSquares = new Map<Tensor, Tensor>();

/** ‖g‖² that each clipping since the last step took away. */
let clippedSquares: Tensor[] = [];

/** What each call of `backward()` since the last step made of the leaves, where it can be computed again. */
let contributions = new Map<Tensor, Node[]>();

/** Loops that never call `step()` would fill it. */
const LIMIT = 1024;

/** To be called before the gradient of a micro-batch is added to what a leaf has. */
export function noteAccumulation(leaf: Tensor, grad: Tensor): void {
  if (areOriginsRemembered()) noteContribution(leaf, grad.node);
  if (!observer() || !leaf.grad) return;
  const before = microBatchSquares.get(leaf) ?? sumOfSquares(leaf.grad);
  microBatchSquares.set(leaf, before.add(sumOfSquares(grad)));
}

function noteContribution(leaf: Tensor, grad: Node): void {
  const known = contributions.get(leaf);
  if (!known) contributions.set(leaf, [grad]);
  else if (known.length < LIMIT) known.push(grad);
}

/**
 * The gradients of a leaf as `backward()` made them since the last step, one a call: their sum is what
 * it had before anything was clipped.
 */
export function contributionsTo(leaf: Tensor): readonly Node[] {
  return contributions.get(leaf) ?? [];
}

/** To be called when gradients are clipped. @param removed ‖g‖² before, less ‖g‖² after. */
export function noteClipping(removed: () => Tensor): void {
  if (!observer()) return;
  if (clippedSquares.length >= LIMIT) clippedSquares.shift();
  clippedSquares.push(removed());
}

/** Hands over what was noted since the last step, and forgets it. */
export function takeGradientNotes(): {
  readonly microBatchSquares: ReadonlyMap<Tensor, Tensor>;
  readonly clippedSquares: readonly Tensor[];
} {
  const notes = { microBatchSquares, clippedSquares };
  microBatchSquares = new Map();
  clippedSquares = [];
  contributions = new Map();
  return notes;
}

function sumOfSquares(grad: Tensor): Tensor {
  return grad.detach().square().sum();
}
