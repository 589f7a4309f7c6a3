import type { Tensor } from "../tensor/tensor.ts";
import { Buffer } from "./buffer.ts";
import {
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  hookAfter,
  hookBefore,
} from "./hooks.ts";
import { matchesName, type NamePattern } from "./namePattern.ts";
import { Parameter } from "./parameter.ts";
import { type KeyDifferences, restore, type StateDict, snapshot } from "./stateDict.ts";

/**
 * Base of all layers, losses and models, as PyTorch's `nn.Module`. A subclass stores layers,
 * parameters and buffers as ordinary properties, or in arrays of them, and computes in `forward`. A
 * private `#field` is invisible to this class: use TypeScript's `private` instead.
 *
 * A model whose `forward` takes or returns something else than tensors says so:
 * `class Cell extends nn.Module<[Tensor, State], State>`.
 *
 * Names are PyTorch's, so that checkpoints fit in both directions: the property `inProjWeight` is
 * called `in_proj_weight` in a state dict, wherever a capital follows a small letter or a digit.
 */
export abstract class Module<Inputs extends unknown[] = Tensor[], Output = Tensor> {
  /** True while the module trains, false after `eval()`. Layers such as dropout look at it. */
  training = true;

  /** Computes the output. PyTorch's `model(x)` is `model.forward(x)` here, hooks included. */
  abstract forward(...inputs: Inputs): Output;

  /** Direct sub-modules with the names of their properties; in an array, `layers.0`. */
  namedChildren(): [string, AnyModule][] {
    return this.members().filter(isNamed(isModule));
  }

  /** This module and all modules below it, each once, with qualified names; the root's is "". */
  namedModules(): [string, AnyModule][] {
    const found = new Map<AnyModule, string>();
    collectModules(this, "", found);
    return [...found].map(([module, name]) => [name, module]);
  }

  /**
   * All parameters of this module and those below it with PyTorch's qualified names, such as
   * `0.weight`. A parameter that is used in two places appears once, under its first name.
   * The names become the parameters' labels, which the instruments show.
   */
  namedParameters(): [string, Parameter][] {
    const found = this.#named(isParameter);
    for (const [name, parameter] of found) parameter.qualify(name);
    return found;
  }

  /**
   * All parameters, in the order of `namedParameters`: what an optimizer takes; or those with a name,
   * for a learning rate of their own: `{ params: model.parameters("head"), lr: 1e-3 }`.
   * @throws RangeError if no parameter has a name like the pattern.
   */
  parameters(names?: NamePattern): Parameter[] {
    const all = this.namedParameters();
    const meant = all.filter(([name]) => names === undefined || matchesName(name, names));
    if (names !== undefined && meant.length === 0) {
      const known = all.map(([name]) => name).join(", ");
      throw new RangeError(
        `${this.constructor.name}: no parameter has a name like ${String(names)}; there are ${known}`,
      );
    }
    return meant.map(([, parameter]) => parameter);
  }

  /** All buffers of this module and those below it, each once, with qualified names. */
  namedBuffers(): [string, Buffer][] {
    return this.#named(isBuffer);
  }

  /** Number of elements of all parameters. */
  numParameters(): number {
    return this.parameters().reduce((sum, { numel }) => sum + numel, 0);
  }

  /** What debuggers show: by themselves they name the class as it is called in the minified package. No side effects. */
  [Symbol.for("debug.description")](): string {
    return this.constructor.name;
  }

  /** Puts this module and all below it into training mode, or with `false` into evaluation mode. */
  train(mode = true): this {
    return this.apply(module => {
      module.training = mode;
    });
  }

  /** Puts this module and all below it into evaluation mode. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` with every module below this one, and last with this: to initialise a model. */
  apply(fn: (module: AnyModule) => void): this {
    for (const [, module] of this.namedModules().reverse()) fn(module);
    return this;
  }

  /**
   * Has all parameters learned, or with `false` frozen; or those with a name:
   * `model.requiresGrad_(false, ["embedding", /^blocks\.[0-3]/])`.
   * @throws RangeError if no parameter has a name like the pattern.
   */
  requiresGrad_(value = true, names?: NamePattern): this {
    for (const parameter of this.parameters(names)) parameter.requiresGrad_(value);
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /**
   * Copies of all parameters and persistent buffers by name, as they are now. What is used in two
   * places appears under both names, as in PyTorch.
   */
  stateDict(): StateDict {
    return snapshot(this.#state());
  }

  /**
   * Copies a state into the parameters and buffers, before or after an optimizer took them.
   * @param options `strict: false` accepts names that only one side has.
   * @returns the names that only one side has.
   * @throws Error that lists every name and shape that differs; nothing was copied then.
   */
  loadStateDict(
    state: Readonly<StateDict>,
    options: { readonly strict?: boolean } = {},
  ): KeyDifferences {
    return restore(this.constructor.name, this.#state(), state, options.strict ?? true);
  }

  /**
   * Calls `hook` after every `forward` of this module. What it returns, if anything, replaces the
   * output.
   */
  registerForwardHook<I extends unknown[], O>(
    this: Module<I, O>,
    hook: ForwardHook<I, O>,
  ): HookHandle {
    return hookAfter(this, hook);
  }

  /**
   * Calls `hook` before every `forward` of this module. The array that it returns, if any, replaces
   * the inputs.
   */
  registerForwardPreHook<I extends unknown[], O>(
    this: Module<I, O>,
    hook: ForwardPreHook<I>,
  ): HookHandle {
    return hookBefore(this, hook);
  }

  /**
   * What this module is made of, by PyTorch's names; the elements of an array count as `name.0`,
   * `name.1`, … @internal
   */
  members(): [string, unknown][] {
    return Object.entries(this).flatMap(([name, value]) => elements(torchName(name), value));
  }

  #named<T>(is: (value: unknown) => value is T): [string, T][] {
    const found = new Map<T, string>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of module.members().filter(isNamed(is))) {
        if (!found.has(value)) found.set(value, join(prefix, name));
      }
    }
    return [...found].map(([value, name]) => [name, value]);
  }

  #state(): Map<string, Parameter | Buffer> {
    const state = new Map<string, Parameter | Buffer>();
    collectState(this, "", [], state);
    return state;
  }
}

/** A module whatever it takes and returns. */
export type AnyModule = Module<never, unknown>;

function isModule(value: unknown): value is AnyModule {
  return value instanceof Module;
}

function isParameter(value: unknown): value is Parameter {
  return value instanceof Parameter;
}

function isBuffer(value: unknown): value is Buffer {
  return value instanceof Buffer;
}

function isNamed<T>(is: (value: unknown) => value is T) {
  return (entry: [string, unknown]): entry is [string, T] => is(entry[1]);
}

/** `inProjWeight` is PyTorch's `in_proj_weight`. */
function torchName(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, capital => `_${capital.toLowerCase()}`);
}

function elements(name: string, value: unknown): [string, unknown][] {
  if (!Array.isArray(value)) return [[name, value]];
  return value.flatMap((element, i) => elements(join(name, String(i)), element));
}

function collectModules(module: AnyModule, name: string, found: Map<AnyModule, string>): void {
  if (found.has(module)) return;
  found.set(module, name);
  for (const [child, value] of module.namedChildren()) {
    collectModules(value, join(name, child), found);
  }
}

/** Goes into a module as often as it is used; `above` are the modules that it is inside of. */
function collectState(
  module: AnyModule,
  prefix: string,
  above: readonly AnyModule[],
  state: Map<string, Parameter | Buffer>,
): void {
  if (above.includes(module)) return;
  const members = module.members().map(([name, value]) => [join(prefix, name), value] as const);
  for (const [name, value] of members) {
    if (isParameter(value) || (isBuffer(value) && value.persistent)) state.set(name, value);
  }
  for (const [name, value] of members) {
    if (isModule(value)) collectState(value, name, [...above, module], state);
  }
}

function join(prefix: string, name: string): string {
  return prefix ? `${prefix}.${name}` : name;
}
