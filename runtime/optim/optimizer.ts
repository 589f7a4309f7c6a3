/** What all optimizers share: parameter groups with their options, and forgetting gradients. */
import { takePart } from "../checkpoint/parts.ts";
import { gate } from "../insight/gate.ts";
import { mustSettle, settle } from "../insight/recorder.ts";
import { noteOptimized } from "../tensor/gradientUse.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Parameters with options of their own; what is left out is the optimizer's. */
export type ParamGroupOptions<Options> = { readonly params: Iterable<Tensor> } & Partial<Options>;

/** A parameter group of an optimizer. Options may be changed at any time, such as `lr`. */
export type ParamGroup<Options> = {
  readonly params: readonly Tensor[];
  /** η before any schedule changed it; missing without a schedule. */
  initialLr?: number;
} & {
  -readonly [Name in keyof Options]: Options[Name];
};

/** What an optimizer optimizes: parameters, or groups of them. */
export type Params<Options> = Iterable<Tensor> | Iterable<ParamGroupOptions<Options>>;

/** Computes the loss and its gradients. */
export type Closure = () => Tensor | Promise<Tensor>;

/**
 * State of an optimizer in PyTorch's layout, with PyTorch's names: parameters are numbered through
 * all groups.
 */
export interface OptimizerState {
  readonly state: Readonly<Record<string, Readonly<Record<string, Tensor | number>>>>;
  readonly param_groups: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Base of all optimizers, as PyTorch's `torch.optim.Optimizer`. One of your own changes its
 * parameters in place in `step()`, under `noGrad`, and returns `this.settled()`: the instruments see
 * loss, gradient and update, and take |Δθ| for the step size.
 */
export abstract class Optimizer<Options extends object = object> {
  /** Every group has all options. */
  readonly paramGroups: ParamGroup<Options>[] = [];
  readonly #defaults: Options;
  #firstLr: number | undefined;

  /**
   * @param params parameters, or groups `{ params, lr: … }` with options of their own.
   * @param defaults options of groups that do not say otherwise.
   * @throws TypeError or RangeError if there are none, if one is not a leaf tensor that requires a
   * gradient, or if one is named twice.
   */
  constructor(params: Params<Options>, defaults: Options) {
    this.#defaults = defaults;
    const name = this.constructor.name;
    if (!isIterable(params)) {
      throw new TypeError(
        `${name}: params should be an iterable of tensors or of groups { params, … }, got ` +
          `${describe(params)}. Pass model.parameters()`,
      );
    }
    const list: (Tensor | ParamGroupOptions<Options>)[] = [...params];
    if (list.length === 0) {
      throw new RangeError(
        `${name}: optimizer got an empty parameter list. Does the model store its layers as ` +
          "properties (this.layer = …)?",
      );
    }
    const groups = list.filter(entry => !(entry instanceof Tensor) && isGroup(entry));
    if (groups.length === list.length) {
      for (const group of groups) this.addParamGroup(group as ParamGroupOptions<Options>);
    } else {
      this.addParamGroup({ params: list } as unknown as ParamGroupOptions<Options>);
    }
    takePart(this);
  }

  /**
   * Adds a group, for instance of layers that were frozen so far.
   * @throws as the constructor.
   */
  addParamGroup(group: ParamGroupOptions<Options>): void {
    const { params: iterable, ...options } = group;
    const params: Tensor[] = iterable instanceof Tensor ? [iterable] : [...iterable];
    const known = new Set(this.paramGroups.flatMap(other => other.params));
    params.forEach((parameter, i) => {
      this.#checkParameter(parameter, i);
      if (known.has(parameter)) {
        throw new RangeError(
          `${this.constructor.name}: some parameters appear more than once (parameter ${i} of this ` +
            "group): every tensor belongs to one group",
        );
      }
      known.add(parameter);
      noteOptimized(this, parameter);
    });
    const complete = { ...this.#defaults, ...options };
    this.checkOptions(complete);
    if (this.paramGroups.length === 0) this.#firstLr = lrOf(complete);
    this.paramGroups.push({ ...complete, params } as unknown as ParamGroup<Options>);
  }

  /** η that the first group was made with, whatever a schedule or a checkpoint made of it. @internal */
  get firstLr(): number | undefined {
    return this.#firstLr;
  }

  /** What debuggers show: by themselves they name the class as it is called in the minified package. No side effects. */
  [Symbol.for("debug.description")](): string {
    return `${this.constructor.name}, lr ${this.paramGroups.map(lrOf).join(", ")}`;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const { params } of this.paramGroups)
      for (const parameter of params) parameter.grad = null;
  }

  /** Remembers the options of the groups, for a snapshot. @internal */
  capture(): () => void {
    const groups = this.paramGroups.map(group => ({ ...group }));
    return () => {
      groups.forEach((group, i) => {
        Object.assign(this.paramGroups[i] ?? {}, group);
      });
    };
  }

  /**
   * Updates the parameters that have a gradient. The update is queued by the call; the promise
   * resolves when the next step may begin: `await` it, for the loop to be stopped and watched.
   */
  abstract step(closure?: Closure): Promise<unknown>;

  /** The state as it is now: later steps do not reach it. */
  stateDict(): OptimizerState {
    let index = 0;
    const groups = this.paramGroups.map(({ params, ...options }) => ({
      ...Object.fromEntries(
        Object.entries(options).map(([name, value]) => [snakeCase(name), value]),
      ),
      params: params.map(() => index++),
    }));
    return { state: {}, param_groups: structuredClone(groups) };
  }

  /**
   * Goes on from a state, ours or PyTorch's. Options of PyTorch that there are not here are ignored.
   * @throws RangeError if groups or shapes differ from the optimizer's.
   */
  loadStateDict(dict: OptimizerState): void {
    const { param_groups: saved } = dict;
    if (saved.length !== this.paramGroups.length) {
      throw new RangeError(
        `loaded state dict has a different number of parameter groups: ${saved.length}, not ` +
          String(this.paramGroups.length),
      );
    }
    this.paramGroups.forEach((group, i) => {
      const { params, ...options } = saved[i] ?? {};
      if ((params as readonly unknown[] | undefined)?.length !== group.params.length) {
        throw new RangeError(
          "loaded state dict contains a parameter group that doesn't match the size of optimizer's " +
            `group ${i}`,
        );
      }
      for (const [name, value] of Object.entries(structuredClone(options))) {
        const ours = camelCase(name);
        if (ours in group || ours === "initialLr") Object.assign(group, { [ours]: value });
      }
    });
  }

  /**
   * Resolves when the next step may begin: what `step()` of an optimizer of your own returns. Without
   * it a loop would neither be shown nor held nor stopped while it runs.
   */
  protected settled(): Promise<void> {
    const held = gate()?.after?.(this);
    const settled = mustSettle() ? settle() : Promise.resolve();
    return held ? settled.then(() => held) : settled;
  }

  /** Throws if an option has a value that makes no sense. Called for each group. */
  protected abstract checkOptions(options: Options): void;

  #checkParameter(parameter: unknown, i: number): void {
    const name = this.constructor.name;
    if (!(parameter instanceof Tensor)) {
      throw new TypeError(
        `${name}: optimizer can only optimize Tensors, but parameter ${i} is ${describe(parameter)}`,
      );
    }
    if (!parameter.isLeaf) {
      throw new TypeError(
        `${name}: can't optimize a non-leaf Tensor: parameter ${i} is the result of an operation. ` +
          "Pass the tensor that it was computed from, or a new nn.Parameter of it",
      );
    }
    if (parameter.dtype !== "float32") {
      throw new TypeError(
        `${name}: parameter ${i} is ${parameter.dtype}, and only float32 can learn` +
          (parameter.dtype === "float16" ? ". Keep it float32, and use autocast()" : ""),
      );
    }
  }
}

/**
 * Throws if options have a name that the optimizer does not know: scripts run without a type check.
 */
export function checkNames(optimizer: string, options: object, known: object): void {
  const names = Object.keys(known);
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const plain = name.replaceAll("_", "").toLowerCase();
    const meant = names.find(candidate => candidate.toLowerCase() === plain);
    const hint = meant ? ` Did you mean ${meant}?` : ` It takes ${names.join(", ")}.`;
    throw new TypeError(`${optimizer} has no option "${name}".${hint}`);
  }
}

/** Throws unless betas are two numbers from 0 to below 1; the messages are PyTorch's. */
export function checkBetas(betas: readonly [number, number]): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new TypeError(`Invalid betas: ${String(betas)} (betas should be [beta1, beta2])`);
  }
  betas.forEach((beta, i) => {
    if (beta >= 0 && beta < 1) return;
    throw new RangeError(
      `Invalid beta parameter at index ${i}: ${beta} (betas should be at least 0 and below 1)`,
    );
  });
}

/** Throws unless `value` is a number of at least 0; the message is PyTorch's. */
export function checkNotNegative(what: string, name: string, value: number): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(`Invalid ${what}: ${String(value)} (${name} should be 0 or more)`);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function lrOf(options: object): number | undefined {
  return "lr" in options && typeof options.lr === "number" ? options.lr : undefined;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function isGroup(value: unknown): boolean {
  return typeof value === "object" && value !== null && "params" in value;
}

function describe(value: unknown): string {
  if (typeof value === "function") return "a function (call it: model.parameters())";
  return typeof value === "object" ? Object.prototype.toString.call(value) : String(value);
}
