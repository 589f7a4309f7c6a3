import type { Tensor } from "../tensor/tensor.ts";
import { Parameter } from "./parameter.ts";

/**
 * Base of all layers, losses and models, as PyTorch's `nn.Module`. A subclass stores layers and
 * parameters as ordinary properties, or in arrays of them, and computes in `forward`. A private
 * `#field` is invisible to this class: use TypeScript's `private` instead.
 *
 * A model whose `forward` takes or returns something else than tensors says so:
 * `class Cell extends nn.Module<[Tensor, State], State>`.
 */
export abstract class Module<Inputs extends unknown[] = Tensor[], Output = Tensor> {
  /** True while the module trains, false after `eval()`. Layers such as dropout look at it. */
  training = true;

  /** Computes the output. PyTorch's `model(x)` is `model.forward(x)` here. */
  abstract forward(...inputs: Inputs): Output;

  /** Direct sub-modules with the names of their properties; in an array, `layers.0`. */
  namedChildren(): [string, AnyModule][] {
    return members(this).filter(isNamed(isModule));
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
    const found = new Map<Parameter, string>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, parameter] of members(module).filter(isNamed(isParameter))) {
        if (!found.has(parameter)) found.set(parameter, join(prefix, name));
      }
    }
    for (const [parameter, name] of found) parameter.qualify(name);
    return [...found].map(([parameter, name]) => [name, parameter]);
  }

  /** All parameters, in the order of `namedParameters`: what an optimizer takes. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Puts this module and all below it into training mode, or with `false` into evaluation mode. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Puts this module and all below it into evaluation mode. */
  eval(): this {
    return this.train(false);
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
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

function isNamed<T>(is: (value: unknown) => value is T) {
  return (entry: [string, unknown]): entry is [string, T] => is(entry[1]);
}

/** Own properties of a module; the elements of an array count as `name.0`, `name.1`, … */
function members(module: AnyModule): [string, unknown][] {
  return Object.entries(module).flatMap(([name, value]) => elements(name, value));
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

function join(prefix: string, name: string): string {
  return prefix ? `${prefix}.${name}` : name;
}
