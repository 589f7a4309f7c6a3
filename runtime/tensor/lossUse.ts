/** What losses are given, and what becomes of them before `backward()`: known from the graph alone. */
import type { Node } from "../graph/node.ts";
import { observer } from "../insight/observer.ts";
import { isFloat } from "../kernels/op.ts";
import { checkTensor } from "./checkTensor.ts";
import { hostValues } from "./hostValues.ts";
import { checkLabelOrder } from "./labelOrder.ts";
import { isSettled, tellFault } from "./loopFaults.ts";
import { checkSaturation } from "./saturation.ts";
import type { Tensor } from "./tensor.ts";

/** A loss, and what it was multiplied with: 1, or −1 where it was negated. */
export interface Direction {
  readonly loss: string;
  readonly factor: number;
}

/** Values that are probabilities, by what made them. */
const probabilities = new WeakMap<Node, string>();
/** Values of loss functions, by their names. */
const losses = new WeakMap<Node, string>();
/** Means of cross-entropies, by the number of their classes. */
const classCounts = new WeakMap<Node, number>();

/** Inputs of a first layer, and targets, that are looked at; the scale of data does not change. */
const LOOKS = 3;
const looks = { inputs: 0, targets: 0 };

/** Root mean square from which they are too large. */
const LARGE = 10;

/** Says that a value is a probability. Returns it. */
export function asProbabilities(value: Tensor, from: string): Tensor {
  if (observer()) probabilities.set(value.node, from);
  return value;
}

/** To be called by a loss with its value. Returns it. */
export function noteLoss(loss: string, value: Tensor): Tensor {
  if (observer()) losses.set(value.node, loss);
  return value;
}

/** To be called by `crossEntropy` with its mean over samples of so many classes. Returns it. */
export function noteClasses(value: Tensor, classes: number): Tensor {
  if (observer()) classCounts.set(value.node, classes);
  return value;
}

/** To be called with what the first `backward()` is called on. */
export function tellUntrainedLoss(root: Tensor): void {
  const use = lossUse(root);
  const classes = use && classCounts.get(use.node);
  if (!use || !classes || classes < 2) return;
  observer()?.untrainedLoss({ loss: use.loss, classes, value: use.factor * Math.log(classes) });
}

/**
 * To be called by a loss that is not the same the other way round.
 * @param expected what the input should be, where that is no probability.
 */
export function checkLossArguments(
  loss: string,
  input: Tensor,
  target: Tensor,
  expected?: "logits" | "log-probabilities",
): void {
  if (target.requiresGrad && !input.requiresGrad) {
    tellFault({ type: "swappedArguments", loss, elements: input.numel });
  }
  if (input.requiresGrad) checkLabelOrder(target);
  const from = expected && !isSettled("probabilities") && probabilities.get(unviewed(input.node));
  if (!from) return;
  const classes = loss.startsWith("binary") ? 2 : (input.shape[input.ndim === 1 ? 0 : 1] ?? 1);
  tellFault({ type: "probabilities", loss, from, expected, classes });
}

/**
 * To be called by a layer: data that come from the host go into the first one.
 * @throws TypeError for what is no tensor.
 */
export function checkLayerInput(layer: string, input: Tensor): void {
  checkTensor(layer, input);
  checkSaturation(input);
  if (looks.inputs >= LOOKS || input.requiresGrad || isSettled("largeInputs")) return;
  const scale = scaleOf(input);
  if (!scale) return;
  looks.inputs++;
  if (isLarge(scale)) tellFault({ type: "largeInputs", ...scale });
}

/** To be called by a loss with numbers that are to be predicted. */
export function checkTargetScale(input: Tensor, target: Tensor): void {
  if (looks.targets >= LOOKS || !input.requiresGrad || isSettled("largeTargets")) return;
  const scale = scaleOf(target);
  if (!scale) return;
  looks.targets++;
  if (isLarge(scale)) tellFault({ type: "largeTargets", ...scale });
}

interface Scale {
  readonly mean: number;
  readonly deviation: number;
  readonly largest: number;
}

/** Of numbers that come from the host; undefined for others. */
function scaleOf(tensor: Tensor): Scale | undefined {
  const values = isFloat(tensor.dtype) ? hostValues(tensor) : undefined;
  if (!values || values.length === 0) return undefined;
  let [sum, squares, largest] = [0, 0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  const mean = sum / values.length;
  const deviation = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  return { mean, deviation, largest };
}

function isLarge({ mean, deviation }: Scale): boolean {
  const size = Math.hypot(mean, deviation);
  return size > LARGE && Number.isFinite(size);
}

/**
 * How what `backward()` is called on goes with a loss function. Undefined where that is not certain:
 * it is a sum of several terms, no loss function's, or computed already.
 */
export function lossDirection(root: Tensor): Direction | undefined {
  const use = lossUse(root);
  return use && { loss: use.loss, factor: Math.sign(use.factor) };
}

/** The loss function's value behind a root, and what it was multiplied with. */
function lossUse(
  root: Tensor,
): { readonly loss: string; readonly node: Node; readonly factor: number } | undefined {
  let factor = 1;
  let node: Node | undefined = root.node;
  while (node) {
    const loss = losses.get(node);
    if (loss) return { loss, node, factor };
    const { op, inputs }: Node = node;
    if (op.kind === "view" || op.kind === "reduce") node = inputs[0];
    else if (op.kind !== "map") return undefined;
    else if (op.fn === "float16" || op.fn === "float32") node = inputs[0];
    else if (op.fn === "neg" || op.fn === "mul" || op.fn === "div") {
      const [left, right]: readonly (Node | undefined)[] = inputs;
      const [by] = op.fn === "neg" ? [-1] : (right?.scalars ?? []);
      if (by === undefined) return undefined;
      factor *= op.fn === "div" ? 1 / by : by;
      node = left;
    } else return undefined;
  }
  return undefined;
}

/** The value behind changes of its shape and precision. */
function unviewed(node: Node): Node {
  let [current, source]: [Node, Node | undefined] = [node, node];
  while (source && !probabilities.has(source) && isChangeOfForm(source)) {
    [source] = source.inputs;
    current = source ?? current;
  }
  return current;
}

function isChangeOfForm({ op }: Node): boolean {
  return op.kind === "view" || (op.kind === "map" && (op.fn === "float16" || op.fn === "float32"));
}
