/** Tells the observer what is certainly wrong in the loop, each kind once. */
import { observer } from "../insight/observer.ts";
import type { LoopFault, LoopFaultType } from "../protocol/loopFault.ts";

const told = new Set<LoopFaultType>();
let steps = 0;

/** To be called by whoever makes a step, before it. */
export function countStep(): void {
  if (!observer()?.isTrial) steps++;
}

/** Steps that were begun so far. */
export function countedSteps(): number {
  return steps;
}

/** Whether nobody watches, or a fault of the kind has been told: nothing needs to be looked at. */
export function isSettled(type: LoopFaultType): boolean {
  return !observer() || told.has(type);
}

/**
 * Tells a fault of the call that is under way.
 * @param at made where the fault is; by default the stack of this call.
 */
export function tellFault(fault: LoopFault, at: Error = new Error(fault.type)): void {
  if (isSettled(fault.type)) return;
  told.add(fault.type);
  observer()?.fault(fault, Math.max(1, steps), at);
}
