/** Parameters that do not begin as they were made: a state was loaded into them, or an optimizer has moved them. */
import type { Tensor } from "./tensor.ts";

const trained = new WeakSet<Tensor>();
/** Copies of parameters that nobody has trained. */
const untrainedCopies = new WeakSet<Tensor>();

/** Says that a parameter has been trained. */
export function noteTrained(parameter: Tensor): void {
  trained.add(parameter);
}

/** Whether a parameter has been trained. */
export function isTrained(parameter: Tensor): boolean {
  return trained.has(parameter);
}

/** To be called with a copy of a parameter. Returns it. */
export function asCopyOf(parameter: Tensor, copy: Tensor): Tensor {
  if (!trained.has(parameter)) untrainedCopies.add(copy);
  return copy;
}

/** To be called when values are copied into a parameter: what comes from a file, or from elsewhere, was trained. */
export function noteLoaded(parameter: Tensor, values: Tensor): void {
  if (!untrainedCopies.has(values)) trained.add(parameter);
}
