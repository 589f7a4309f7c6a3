/**
 * Reverse-mode differentiation. Each operation remembers its inputs and how a gradient goes through
 * it; `backward()` records that as ordinary operations, so a gradient has a gradient too.
 */
import { flush, pendingWrites, pin } from "../graph/graph.ts";
import { withPhase } from "../graph/tape.ts";
import { backwardBegins, backwardEnds } from "../insight/phaseClock.ts";
import { suspendAutocast } from "./autocast.ts";
import { ones, zeros } from "./creation.ts";
import { add, cast } from "./elementwise.ts";
import { noteAccumulation } from "./gradients.ts";
import { noteBackward, noteGradient } from "./gradientUse.ts";
import { endHandStep, endOfHandUpdates, expectHandUpdate } from "./handUpdates.ts";
import { leaving } from "./leaving.ts";
import { backwardTargets } from "./losses.ts";
import { formatShape, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Gradients of the inputs for the gradient of the output; null for inputs without one. */
export type Derivative = (grad: Tensor) => readonly (Tensor | null)[];

/** Sees a gradient on its way, and may replace it. */
export type GradHook = (grad: Tensor) => Tensor | undefined;

interface GraphOptions {
  /** Keep the graph for a second `backward()`. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Make the gradients differentiable. */
  readonly createGraph?: boolean;
}

export interface BackwardOptions extends GraphOptions {
  /** Gradient of the tensor itself, in its shape: needed where it has more than one element. */
  readonly gradient?: Tensor;
}

export interface GradOptions extends GraphOptions {
  /** Gradients of the outputs, in their shapes: needed where they have more than one element. */
  readonly gradOutputs?: Tensor | readonly Tensor[];
  /** Zeros, instead of an error, for an input that the outputs do not depend on. */
  readonly allowUnused?: boolean;
}

let enabled = true;
let created = 0;

/** Whether operations are remembered for `backward()`. */
export function gradEnabled(): boolean {
  return enabled;
}

/**
 * Runs `fn` without remembering operations for `backward()`. An asynchronous `fn` is waited for.
 * Parameters that it changed in place are written when it ends: a loop that updates them by hand
 * has its step here.
 * @returns what `fn` returns.
 */
export function noGrad<T>(fn: () => T): T {
  const result = withGrad(false, fn);
  if (result instanceof Promise) return result.finally(endOfNoGrad) as T;
  endOfNoGrad();
  return result;
}

function endOfNoGrad(): void {
  if (!enabled) return;
  endOfHandUpdates();
  if (pendingWrites() > 0) flush();
}

let retainsGraphs = false;

/** Has every `backward()` from now on keep its graph, or not. @internal */
export function retainGraphs(value: boolean): void {
  retainsGraphs = value;
}

/** One operation of the graph that `backward()` walks. */
export class GradFn {
  readonly name: string;
  /** Creation order: an operation comes after those that made its inputs. */
  readonly id = created++;
  inputs: readonly Tensor[];
  /**
   * Where the gradients of the inputs go: to the operation that made an input, or to a leaf. As they
   * were then: a later change in place gives the input another history.
   */
  sources: readonly (GradFn | Tensor | null)[];
  derivative: Derivative | null;
  /** See the gradient of the output, in the order in which they were registered. */
  hooks: Set<GradHook> | undefined;
  readonly #saved: readonly { readonly tensor: Tensor; readonly version: number }[];

  constructor(
    name: string,
    inputs: readonly Tensor[],
    saved: readonly Tensor[],
    derivative: Derivative,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.sources = inputs.map(input => (input.requiresGrad ? (input.gradFn ?? input) : null));
    this.derivative = derivative;
    this.#saved = saved.map(tensor => ({ tensor, version: tensor.version }));
  }

  /** Gradients of the inputs. */
  apply(grad: Tensor): readonly (Tensor | null)[] {
    for (const { tensor, version } of this.#saved) {
      if (tensor.version !== version) {
        throw new Error(
          `one of the variables needed for gradient computation has been modified by an inplace ` +
            `operation: ${this.name} used a tensor of shape ${formatShape(tensor.shape)} at version ` +
            `${version}, it is at version ${tensor.version} now. Call backward() before the change`,
        );
      }
    }
    if (!this.derivative) {
      throw new Error(
        "Trying to backward through the graph a second time, but its saved values have already " +
          "been freed. Pass { retainGraph: true } to the first backward() if you need that",
      );
    }
    return this.derivative(grad);
  }

  /** Forgets inputs and saved values. */
  release(): void {
    this.inputs = [];
    this.sources = [];
    this.derivative = null;
  }
}

/**
 * Finishes an operation: remembers how to differentiate it if any input asks for that.
 * @param saved tensors whose values the derivative uses: they must not change in place before.
 */
export function differentiable(
  output: Tensor,
  name: string,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  derivative: Derivative,
): Tensor {
  if (enabled && inputs.some(input => input.requiresGrad)) {
    output.requiresGrad_();
    output.gradFn = new GradFn(name, inputs, saved, derivative);
  }
  return output;
}

/** PyTorch's `Tensor.backward()`. */
export function backward(loss: Tensor, options: BackwardOptions = {}): void {
  const gradient = rootGradient(loss, options.gradient, "backward()");
  if (!loss.requiresGrad) {
    throw new Error(
      "backward(): this tensor does not require gradients and was not made from one that does. " +
        "Compute it from the parameters of the model, outside noGrad()",
    );
  }
  endHandStep();
  backwardBegins();
  pin(loss.node);
  backwardTargets.add(loss);
  noteBackward(loss);
  differentiate([[loss, gradient]], undefined, options, (leaf, grad) => {
    noteAccumulation(leaf, grad);
    expectHandUpdate(leaf);
    const before = leaf.grad;
    // Several leaves may get the same gradient: each has its own tensor to change in place.
    leaf.grad = leaf.grad ? add(leaf.grad, grad) : grad.requiresGrad ? grad : grad.detach();
    noteGradient(leaf, before);
  });
  backwardEnds();
}

/**
 * PyTorch's `torch.autograd.grad`: derivatives of (the sum of) `outputs` by each of `inputs`.
 * @throws Error if an input was not used to compute the outputs.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): Tensor[] {
  const results = [outputs].flat() as Tensor[];
  const wanted = [inputs].flat() as Tensor[];
  const gradients = [options.gradOutputs ?? []].flat() as Tensor[];
  const roots = results.map((result, i): Root => {
    return [result, rootGradient(result, gradients[i], "grad()")];
  });
  const found = new Map<Tensor, Tensor>();
  differentiate(roots, new Set(wanted), options, (tensor, gradient) => {
    found.set(tensor, gradient);
  });
  return wanted.map((tensor, i) => {
    const gradient = found.get(tensor);
    if (gradient) return gradient;
    if (options.allowUnused) return zeros(tensor.shape, { dtype: tensor.dtype });
    throw new Error(
      `grad(): input ${i} of shape ${formatShape(tensor.shape)} was not used to compute the ` +
        "outputs. Pass { allowUnused: true } if its gradient shall be zero then",
    );
  });
}

/** A tensor to begin at, and its gradient. */
type Root = readonly [Tensor, Tensor];

/** Walks the graph backwards from `roots`, calling `found` for leaves, or for `wanted` tensors. */
function differentiate(
  roots: readonly Root[],
  wanted: ReadonlySet<Tensor> | undefined,
  { createGraph = false, retainGraph = createGraph }: GraphOptions,
  found: (tensor: Tensor, grad: Tensor) => void,
): void {
  const resumeAutocast = suspendAutocast();
  try {
    withPhase("backward", () =>
      withGrad(createGraph, () => {
        const gradients = new Map<Tensor | GradFn, Tensor>();
        const wantedFns = new Map<GradFn, Tensor>();
        for (const tensor of wanted ?? []) if (tensor.gradFn) wantedFns.set(tensor.gradFn, tensor);
        const accumulate = (source: Tensor | GradFn, grad: Tensor) => {
          const before = gradients.get(source);
          gradients.set(source, before ? add(before, grad) : grad);
        };
        for (const [root, gradient] of roots) accumulate(root.gradFn ?? root, gradient);

        const order = reachable(roots);
        const leading = wanted && leadingTo(wanted, order);
        for (const fn of order) {
          const arrived = gradients.get(fn);
          if (!arrived) continue;
          const grad = hooked(arrived, fn.hooks);
          const target = wantedFns.get(fn);
          if (target) found(target, grad);
          if (leading && !leading.has(fn)) continue;
          fn.apply(grad).forEach((inputGrad, i) => {
            const [input, source] = [fn.inputs[i], fn.sources[i]];
            if (input && source && inputGrad) accumulate(source, fitted(inputGrad, input, fn));
          });
          if (!retainGraph && !retainsGraphs) fn.release();
        }
        for (const [tensor, grad] of gradients) {
          if (!(tensor instanceof Tensor)) continue;
          if (!wanted || wanted.has(tensor)) found(tensor, hooked(grad, tensor.gradHooks));
        }
      }),
    );
  } finally {
    resumeAutocast();
  }
}

/** A gradient as the hooks leave it. */
function hooked(grad: Tensor, hooks: ReadonlySet<GradHook> | undefined): Tensor {
  let current = grad;
  for (const hook of hooks ?? []) {
    const replaced = hook(current) ?? current;
    if (!sameShape(replaced.shape, grad.shape)) {
      throw new RangeError(
        `registerHook: the hook returned a gradient of shape ${formatShape(replaced.shape)} for ` +
          `one of shape ${formatShape(grad.shape)}`,
      );
    }
    current = replaced;
  }
  return current;
}

/** Those of the operations (latest first) through which a wanted tensor is reached. */
function leadingTo(wanted: ReadonlySet<Tensor>, order: readonly GradFn[]): ReadonlySet<GradFn> {
  const targets = new Set<Tensor | GradFn>();
  for (const tensor of wanted) targets.add(tensor.gradFn ?? tensor);
  const leading = new Set<GradFn>();
  for (const fn of order.toReversed()) {
    const leads = fn.sources.some(
      source =>
        source && (targets.has(source) || (source instanceof GradFn && leading.has(source))),
    );
    if (leads) leading.add(fn);
  }
  return leading;
}

/** The operations behind `roots`, latest first. */
function reachable(roots: readonly Root[]): GradFn[] {
  const seen = new Set<GradFn>();
  const open = roots.flatMap(([{ gradFn }]) => (gradFn ? [gradFn] : []));
  for (let fn = open.pop(); fn; fn = open.pop()) {
    if (seen.has(fn)) continue;
    seen.add(fn);
    for (const source of fn.sources) if (source instanceof GradFn) open.push(source);
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

/** A gradient in the dtype of what it is the gradient of: derivatives of float16 are computed in float32. */
function fitted(grad: Tensor, input: Tensor, fn: GradFn): Tensor {
  if (sameShape(grad.shape, input.shape)) return cast(grad, input.dtype);
  throw new Error(
    `Invariant violation: the gradient of ${fn.name} has shape ${formatShape(grad.shape)}, its ` +
      `input ${formatShape(input.shape)}`,
  );
}

/** The gradient to begin with: given, or 1 for a single number. */
function rootGradient(root: Tensor, given: Tensor | undefined, what: string): Tensor {
  if (!given && root.numel === 1) return ones(root.shape, { dtype: root.dtype });
  if (!given) {
    throw new Error(
      `${what}: grad can be implicitly created only for scalar outputs, this one has shape ` +
        `${formatShape(root.shape)}. Reduce it with mean() or sum() first`,
    );
  }
  if (sameShape(given.shape, root.shape)) return cast(given, root.dtype);
  throw new RangeError(
    `${what}: the gradient has shape ${formatShape(given.shape)}, but the output ` +
      formatShape(root.shape),
  );
}

/** Runs `fn` with operations remembered for `backward()`, or not. @internal */
export function withGrad<T>(value: boolean, fn: () => T): T {
  const before = enabled;
  enabled = value;
  return leaving(fn, () => {
    enabled = before;
  });
}
