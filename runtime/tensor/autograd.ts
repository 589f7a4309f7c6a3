/**
 * Reverse-mode differentiation. Each operation remembers its inputs and how a gradient goes through
 * it; `backward()` records that as ordinary operations, so a gradient has a gradient too.
 */
import { flush, pendingWrites, pin } from "../graph/graph.ts";
import { withPhase } from "../graph/tape.ts";
import { ones } from "./creation.ts";
import { add } from "./elementwise.ts";
import { backwardTargets } from "./losses.ts";
import { formatShape, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Gradients of the inputs for the gradient of the output; null for inputs without one. */
export type Derivative = (grad: Tensor) => readonly (Tensor | null)[];

export interface BackwardOptions {
  /** Keep the graph for a second `backward()`. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Make the gradients differentiable. */
  readonly createGraph?: boolean;
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
  if (enabled && pendingWrites() > 0) flush();
  return result;
}

/** One operation of the graph that `backward()` walks. */
export class GradFn {
  readonly name: string;
  /** Creation order: an operation comes after those that made its inputs. */
  readonly id = created++;
  inputs: readonly Tensor[];
  derivative: Derivative | null;
  readonly #saved: readonly { readonly tensor: Tensor; readonly version: number }[];

  constructor(
    name: string,
    inputs: readonly Tensor[],
    saved: readonly Tensor[],
    derivative: Derivative,
  ) {
    this.name = name;
    this.inputs = inputs;
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
  requireScalar(loss, "backward()");
  if (!loss.requiresGrad) {
    throw new Error(
      "backward(): this tensor does not require gradients and was not made from one that does. " +
        "Compute it from the parameters of the model, outside noGrad()",
    );
  }
  pin(loss.node);
  backwardTargets.add(loss);
  differentiate([loss], undefined, options, (leaf, grad) => {
    leaf.grad = leaf.grad ? add(leaf.grad, grad) : grad;
  });
}

/**
 * PyTorch's `torch.autograd.grad`: derivatives of (the sum of) `outputs` by each of `inputs`.
 * @throws Error if an input was not used to compute the outputs.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: BackwardOptions = {},
): Tensor[] {
  const results = [outputs].flat() as Tensor[];
  const wanted = [inputs].flat() as Tensor[];
  for (const result of results) requireScalar(result, "grad()");
  const found = new Map<Tensor, Tensor>();
  differentiate(results, new Set(wanted), options, (tensor, gradient) => {
    found.set(tensor, gradient);
  });
  return wanted.map((tensor, i) => {
    const gradient = found.get(tensor);
    if (!gradient) {
      throw new Error(
        `grad(): input ${i} of shape ${formatShape(tensor.shape)} was not used to compute the outputs`,
      );
    }
    return gradient;
  });
}

/** Walks the graph backwards from `roots`, calling `found` for leaves, or for `wanted` tensors. */
function differentiate(
  roots: readonly Tensor[],
  wanted: ReadonlySet<Tensor> | undefined,
  { createGraph = false, retainGraph = createGraph }: BackwardOptions,
  found: (tensor: Tensor, grad: Tensor) => void,
): void {
  withPhase("backward", () =>
    withGrad(createGraph, () => {
      const gradients = new Map<Tensor | GradFn, Tensor>();
      const wantedFns = new Map<GradFn, Tensor>();
      for (const tensor of wanted ?? []) if (tensor.gradFn) wantedFns.set(tensor.gradFn, tensor);
      const accumulate = (tensor: Tensor, grad: Tensor) => {
        const key = tensor.gradFn ?? tensor;
        const before = gradients.get(key);
        gradients.set(key, before ? add(before, grad) : grad);
      };
      for (const root of roots) accumulate(root, ones(root.shape));

      const order = reachable(roots);
      for (const fn of order) {
        const grad = gradients.get(fn);
        if (!grad) continue;
        const target = wantedFns.get(fn);
        if (target) found(target, grad);
        fn.apply(grad).forEach((inputGrad, i) => {
          const input = fn.inputs[i];
          if (input?.requiresGrad && inputGrad)
            accumulate(input, requireShape(inputGrad, input, fn));
        });
      }
      if (!retainGraph) for (const fn of order) fn.release();
      for (const [tensor, grad] of gradients) {
        if (tensor instanceof Tensor && (!wanted || wanted.has(tensor))) found(tensor, grad);
      }
    }),
  );
}

/** The operations behind `roots`, latest first. */
function reachable(roots: readonly Tensor[]): GradFn[] {
  const seen = new Set<GradFn>();
  const open = roots.flatMap(({ gradFn }) => (gradFn ? [gradFn] : []));
  for (let fn = open.pop(); fn; fn = open.pop()) {
    if (seen.has(fn)) continue;
    seen.add(fn);
    for (const { gradFn } of fn.inputs) if (gradFn) open.push(gradFn);
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

function requireShape(grad: Tensor, input: Tensor, fn: GradFn): Tensor {
  if (sameShape(grad.shape, input.shape)) return grad;
  throw new Error(
    `Invariant violation: the gradient of ${fn.name} has shape ${formatShape(grad.shape)}, its ` +
      `input ${formatShape(input.shape)}`,
  );
}

function requireScalar(tensor: Tensor, what: string): void {
  if (tensor.numel !== 1) {
    throw new Error(
      `${what}: grad can be implicitly created only for scalar outputs, this one has shape ` +
        `${formatShape(tensor.shape)}. Reduce it with mean() or sum() first`,
    );
  }
}

function withGrad<T>(value: boolean, fn: () => T): T {
  const before = enabled;
  enabled = value;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    enabled = before;
    throw error;
  }
  if (result instanceof Promise) {
    return result.finally(() => {
      enabled = before;
    }) as T;
  }
  enabled = before;
  return result;
}
