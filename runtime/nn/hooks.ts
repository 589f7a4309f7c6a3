/**
 * Forward hooks. A layer is called by its `forward`, so that is what the first hook of a module
 * replaces, on that one object: modules without hooks pay nothing, and `super.forward(…)` inside a
 * class is not hooked, as in PyTorch.
 */
import type { AnyModule } from "./module.ts";

/** What registering a hook returns. */
export interface HookHandle {
  /** Takes the hook away. */
  remove(): void;
}

/** Returns other inputs, or nothing. */
export type ForwardPreHook<Inputs extends unknown[]> = (
  module: AnyModule,
  inputs: Inputs,
) => [...Inputs] | undefined;
/** Returns another output, or nothing. */
export type ForwardHook<Inputs, Output> = (
  module: AnyModule,
  inputs: Inputs,
  output: Output,
) => Output | undefined;

interface Hooks {
  readonly before: Map<object, (module: AnyModule, inputs: never) => unknown[] | undefined>;
  readonly after: Map<object, (module: AnyModule, inputs: never, output: never) => unknown>;
}

const hooked = new WeakMap<AnyModule, Hooks>();

/** Calls `hook` before each `forward` of the module, later ones last. */
export function hookBefore<Inputs extends unknown[]>(
  module: AnyModule,
  hook: ForwardPreHook<Inputs>,
): HookHandle {
  return add((hooked.get(module) ?? install(module)).before, hook);
}

/** Calls `hook` after each `forward` of the module, later ones last. */
export function hookAfter<Inputs extends unknown[], Output>(
  module: AnyModule,
  hook: ForwardHook<Inputs, Output>,
): HookHandle {
  return add((hooked.get(module) ?? install(module)).after, hook);
}

function add<T>(hooks: Map<object, T>, hook: T): HookHandle {
  const handle = { remove: () => void hooks.delete(handle) };
  hooks.set(handle, hook);
  return handle;
}

function install(module: AnyModule): Hooks {
  const hooks: Hooks = { before: new Map(), after: new Map() };
  const { forward } = module;
  const value = (...given: unknown[]): unknown => {
    let inputs = given;
    for (const hook of hooks.before.values()) inputs = hook(module, inputs as never) ?? inputs;
    let output = forward.apply(module, inputs as never);
    for (const hook of hooks.after.values()) {
      output = hook(module, inputs as never, output as never) ?? output;
    }
    return output;
  };
  // Not enumerable: it is no member of the model.
  Object.defineProperty(module, "forward", { value, configurable: true, writable: true });
  hooked.set(module, hooks);
  return hooks;
}
