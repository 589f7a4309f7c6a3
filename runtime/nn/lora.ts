/**
 * `nn.lora`: low-rank adaptation (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models").
 * A linear layer keeps its weight W, and learns what is added to it: W + (α/r) B A, where A has r rows
 * and B r columns. Names are those of Microsoft's loralib: `lora_A`, `lora_B`.
 */
import { autocast } from "../tensor/autocast.ts";
import { noGrad } from "../tensor/autograd.ts";
import { uniform } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { noteTrained } from "../tensor/trained.ts";
import { checkProbability, checkSize } from "./checks.ts";
import { constant } from "./draw.ts";
import { dropout } from "./functional/dropout.ts";
import { linear } from "./functional/linear.ts";
import { Linear } from "./linear.ts";
import type { AnyModule } from "./module.ts";
import { matchesName, type NamePattern } from "./namePattern.ts";
import { Parameter } from "./parameter.ts";
import { restore, type StateDict, snapshot } from "./stateDict.ts";

export interface LoraOptions {
  /** Rank r of what is learned. 8 by default. */
  readonly rank?: number;
  /** Scale α: what is learned is multiplied with α / r. The rank by default. */
  readonly alpha?: number;
  /** Probability with which inputs of the adapters are dropped in training. 0 by default. */
  readonly dropout?: number;
  /** The linear layers to adapt, by their qualified names. All by default. */
  readonly target?: NamePattern;
}

interface Adapter {
  /** [rank, inFeatures] */
  readonly a: Parameter;
  /** [outFeatures, rank] */
  readonly b: Parameter;
  /** α / r */
  readonly scale: number;
  /** The layer's own weight, while the adapter is merged into it. */
  own: Tensor | undefined;
}

const adapters = new WeakMap<AnyModule, Adapter>();

const NAMES = { a: "lora_A", b: "lora_B" } as const;

/**
 * Freezes a model, and gives linear layers adapters that learn. A starts as the weight of a linear
 * layer does and B at zero, so that the model computes at first what it computed before.
 * @returns the qualified names of the layers.
 * @throws RangeError if an option is out of its range, or if the pattern meets no linear layer.
 */
export function apply(model: AnyModule, options: LoraOptions = {}): string[] {
  const { rank = 8, target } = options;
  checkSize("lora", "rank", rank);
  const probability = checkProbability("lora", options.dropout ?? 0);
  const scale = (options.alpha ?? rank) / rank;
  const layers = linearLayers(model);
  const chosen = layers.filter(([name]) => target === undefined || matchesName(name, target));
  if (chosen.length === 0) {
    const names = layers.map(([name]) => name).join(", ");
    throw new RangeError(
      `lora: no linear layer has a name like ${String(target)}; there are ${names}`,
    );
  }
  const adapted = chosen.find(([, layer]) => adapters.has(layer));
  if (adapted) throw new Error(`lora: the layer ${adapted[0]} has an adapter already`);
  model.requiresGrad_(false);
  for (const [, layer] of chosen) adapt(layer, rank, scale, probability);
  // Names the new parameters.
  model.namedParameters();
  return chosen.map(([name]) => name);
}

/** The parameters of all adapters: what the optimizer takes. */
export function parameters(model: AnyModule): Parameter[] {
  return [...namedParameters(model).values()];
}

/** Copies of the adapters alone, by their names in the model: all that has to be saved. */
export function stateDict(model: AnyModule): StateDict {
  return snapshot(namedParameters(model));
}

/**
 * Copies a state of adapters into those of a model.
 * @throws Error that lists every name and shape that differs; nothing was copied then.
 */
export function loadStateDict(model: AnyModule, state: Readonly<StateDict>): void {
  restore(`the adapters of ${model.constructor.name}`, namedParameters(model), state, true);
}

/**
 * Adds what was learned to the weights: the model computes the same, as fast as before it was adapted,
 * and its state dict is that of a model without adapters.
 */
export function merge(model: AnyModule): void {
  noGrad(() => {
    for (const [layer, adapter] of adaptedLayers(model)) {
      if (adapter.own) continue;
      const { a, b, scale } = adapter;
      adapter.own = layer.weight.clone().keep();
      const learned = autocast(() => b.matmul(a).mul(scale), { enabled: false });
      layer.weight.add_(learned).keep();
      hide(layer);
    }
  });
}

/** Takes what was learned out of the weights again: they are what they were, bit by bit. */
export function unmerge(model: AnyModule): void {
  noGrad(() => {
    for (const [layer, adapter] of adaptedLayers(model)) {
      if (!adapter.own) continue;
      layer.weight.copy_(adapter.own).keep();
      adapter.own = undefined;
      show(layer, adapter);
    }
  });
}

function adapt(layer: Linear, rank: number, scale: number, probability: number): void {
  const { inFeatures, outFeatures } = layer;
  const bound = 1 / Math.sqrt(inFeatures);
  const adapter: Adapter = {
    a: new Parameter(uniform([rank, inFeatures], -bound, bound)),
    b: new Parameter(constant([outFeatures, rank], 0)),
    scale,
    own: undefined,
  };
  adapters.set(layer, adapter);
  // What they are added to was trained before, and so they are a part of something that was.
  for (const parameter of [adapter.a, adapter.b]) noteTrained(parameter);
  show(layer, adapter);
  layer.registerForwardHook((_, [input], output) => {
    if (adapter.own || !input) return undefined;
    const dropped = dropout(input, { p: probability, training: layer.training });
    return output.add(linear(linear(dropped, adapter.a), adapter.b).mul(scale));
  });
}

/** Has the adapter be a part of the layer: of its parameters and its state dict. */
function show(layer: Linear, { a, b }: Adapter): void {
  Object.assign(layer, { [NAMES.a]: a, [NAMES.b]: b });
}

function hide(layer: Linear): void {
  for (const name of Object.values(NAMES)) Reflect.deleteProperty(layer, name);
}

function namedParameters(model: AnyModule): Map<string, Parameter> {
  const own = new Set(adaptedLayers(model).flatMap(([, { a, b }]) => [a, b]));
  return new Map(model.namedParameters().filter(([, parameter]) => own.has(parameter)));
}

function linearLayers(model: AnyModule): [string, Linear][] {
  return model
    .namedModules()
    .filter((entry): entry is [string, Linear] => entry[1] instanceof Linear);
}

function adaptedLayers(model: AnyModule): [Linear, Adapter][] {
  return linearLayers(model).flatMap(([, layer]) => {
    const adapter = adapters.get(layer);
    return adapter ? [[layer, adapter]] : [];
  });
}
