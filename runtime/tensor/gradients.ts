/**
 * What happened to gradients between `backward()` and the step, for the instruments: micro-batches
 * that were accumulated, and clipping. Nothing is computed where nobody watches.
 */
import { observer } from "../insight/observer.ts";
import type { Tensor } from "./tensor.ts";

/** Σ over micro-batches of ‖g_i‖² of a leaf, where there was more than one. */
let microBatchSquares = new Map<Tensor, Tensor>();

/** ‖g‖² that each clipping since the last step took away. */
let clippedSquares: Tensor[] = [];

/** Loops that never call `step()` would fill it. */
const LIMIT = 1024;

/** To be called before the gradient of a micro-batch is added to what a leaf has. */
export function noteAccumulation(leaf: Tensor, grad: Tensor): void {
  if (!observer() || !leaf.grad) return;
  const before = microBatchSquares.get(leaf) ?? sumOfSquares(leaf.grad);
  microBatchSquares.set(leaf, before.add(sumOfSquares(grad)));
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
  return notes;
}

function sumOfSquares(grad: Tensor): Tensor {
  return grad.detach().square().sum();
}
