/**
 * Whether hidden units are saturated: seen in what tanh and sigmoid hand on to the next layer, in the first steps.
 * What is looked at is read apart from the run, which goes on as if nobody had.
 */
import { observer } from "../insight/observer.ts";
import { look } from "./inspection.ts";
import { countedSteps, isSettled, tellFault } from "./loopFaults.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Steps before those that are looked at: a model that has learned may well be sure of itself, and from the third step on
 * nothing is compiled.
 */
const LOOKS: readonly number[] = [0, 1];

/** Layers of a step that are looked at. */
const MOST_LAYERS = 8;

/** Part of the units from which it is no accident. */
const MOST = 0.5;

/** Beyond these a unit passes hardly anything back: 6 % of its slope at 0 for tanh, 12 % for the sigmoid. */
const TANH_FROM = 0.97;
const SIGMOID_FROM = 0.97;

/** The step that is under way, layers of it until now, and the looks at which each was saturated. */
let step = -1;
let layer = 0;
const saturated = new Map<number, number>();

/** To be called by a layer with its input. */
export function checkSaturation(input: Tensor): void {
  const { op } = input.node;
  if (op.kind !== "map" || (op.fn !== "tanh" && op.fn !== "sigmoid")) return;
  if (!input.requiresGrad || observer()?.isTrial || isSettled("saturated")) return;
  const now = countedSteps();
  if (!LOOKS.includes(now)) return;
  layer = now === step ? layer + 1 : 0;
  step = now;
  if (layer >= MOST_LAYERS) return;
  const values = look(input.node);
  if (typeof values === "string" || values.length === 0) return;
  const share = shareOf(values, op.fn);
  const looks = share > MOST ? (saturated.get(layer) ?? 0) + 1 : 0;
  saturated.set(layer, looks);
  if (looks < LOOKS.length) return;
  tellFault({ type: "saturated", activation: op.fn, share, units: values.length, looks });
}

/** Part of the values that lie at the ends. */
function shareOf(values: ArrayLike<number>, fn: "tanh" | "sigmoid"): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const isAtEnd =
      fn === "tanh" ? Math.abs(value) > TANH_FROM : Math.abs(value - 0.5) > SIGMOID_FROM - 0.5;
    if (isAtEnd) count++;
  }
  return count / values.length;
}
