/** The loss of one step as a function of the parameters: the same batch, the same random numbers. */
import { offTape } from "../../graph/graph.ts";
import { Node, type Origins } from "../../graph/node.ts";
import { rebuild } from "../../graph/rebuild.ts";
import { internOp } from "../../kernels/op.ts";
import { grad } from "../../tensor/autograd.ts";
import { contributionsTo } from "../../tensor/gradients.ts";
import { scaleOf } from "../../tensor/losses.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** The operations that a step consists of, as they were recorded. */
interface Recorded {
  readonly value: Node;
  /** One a parameter. */
  readonly gradient: readonly Node[];
  readonly product?: readonly Node[];
}

/** What `rebuild` needs to compute any value of a step once more. */
export interface StepOperations {
  readonly value: Node;
  readonly gradient: readonly Node[];
  /** The variables. */
  readonly parameters: readonly Node[];
  readonly origins: Origins;
  readonly substitutes: Map<object, Node>;
}

/**
 * Made between `backward()` and the update. Nothing of the step itself is computed in another way
 * than without it: the function is a copy of the operations that were recorded.
 */
export class StepLoss {
  readonly #origins: Origins;
  readonly #parameters: readonly Node[];
  readonly #directions: readonly Node[];
  readonly #recorded: Recorded;

  /**
   * Use `lossOf` or `lossOfKeptGraphs`.
   * @param parameters the variables.
   * @param origins where the values of the step are remembered.
   */
  constructor(
    parameters: readonly Tensor[],
    origins: Origins,
    record: (directions: readonly Node[]) => Recorded,
  ) {
    this.#origins = origins;
    this.#parameters = parameters.map(({ node }) => node);
    this.#directions = parameters.map(
      ({ shape }) => new Node(internOp({ kind: "leaf", bound: true }, shape, "float32")),
    );
    this.#recorded = offTape(() => record(this.#directions));
  }

  /** The loss at a place, a tensor of one element. */
  value(at: readonly Tensor[]): Tensor {
    return this.#compute([this.#recorded.value], at)[0] as Tensor;
  }

  /** Its gradient, in the shapes of the parameters. */
  gradient(at: readonly Tensor[]): Tensor[] {
    return this.#compute(this.#recorded.gradient, at);
  }

  /** Its Hessian times a vector in the shapes of the parameters: exact (Pearlmutter 1994). */
  hessianProduct(at: readonly Tensor[], vector: readonly Tensor[]): Tensor[] {
    const { product } = this.#recorded;
    if (!product) throw new Error("Invariant violation: made without second derivatives");
    return this.#compute(product, at, vector);
  }

  /** The operations behind the loss and its gradient, to be computed one by one. */
  operations(at: readonly Tensor[]): StepOperations {
    const { value, gradient } = this.#recorded;
    return {
      value,
      gradient,
      parameters: this.#parameters,
      origins: this.#origins,
      substitutes: this.#substitutes(at, []),
    };
  }

  #compute(
    roots: readonly Node[],
    at: readonly Tensor[],
    vector: readonly Tensor[] = [],
  ): Tensor[] {
    const substitutes = this.#substitutes(at, vector);
    return rebuild(roots, this.#origins, substitutes).map(node => new Tensor(node));
  }

  #substitutes(at: readonly Tensor[], vector: readonly Tensor[]): Map<object, Node> {
    const substitutes = new Map<object, Node>();
    this.#parameters.forEach((node, i) => {
      const value = at[i];
      if (value) substitutes.set(node.storage ?? node, value.node);
    });
    this.#directions.forEach((node, i) => {
      const value = vector[i];
      if (value) substitutes.set(node, value.node);
    });
    return substitutes;
  }
}

/**
 * The sum of the losses of a step, with the gradients that `backward()` recorded: before clipping, and
 * without the factor of a GradScaler.
 * @param losses what `backward()` was called on.
 * @param origins where values have been remembered since before the first operation of the step.
 * @throws Error if there are no losses.
 */
export function lossOf(
  losses: readonly Tensor[],
  parameters: readonly Tensor[],
  origins: Origins,
): StepLoss {
  // Those of one step have one scaler.
  const scale = losses[0] && scaleOf(losses[0]);
  const unscaled = (value: Tensor) => (scale ? value.div(scale) : value).node;
  return new StepLoss(parameters, origins, () => ({
    value: unscaled(sumOf(losses)),
    gradient: parameters.map(parameter => {
      const [first, ...others] = contributionsTo(parameter).map(node => new Tensor(node));
      return unscaled(
        others.reduce((sum, part) => sum.add(part), first ?? parameter.detach().mul(0)),
      );
    }),
  }));
}

/**
 * The same with derivatives of the losses' own graphs, which have to be there still: `retainGraphs`.
 * @param twice whether second derivatives will be asked for.
 * @throws Error if there are no losses.
 */
export function lossOfKeptGraphs(
  losses: readonly Tensor[],
  parameters: readonly Tensor[],
  origins: Origins,
  twice: boolean,
): StepLoss {
  return new StepLoss(parameters, origins, directions => {
    const sum = sumOf(losses);
    const gradient = grad(sum, parameters, { createGraph: twice, allowUnused: true });
    const product = twice ? productOf(gradient, parameters, directions) : undefined;
    return {
      value: sum.node,
      gradient: gradient.map(({ node }) => node),
      ...(product && { product: product.map(({ node }) => node) }),
    };
  });
}

function sumOf([first, ...others]: readonly Tensor[]): Tensor {
  if (!first) throw new Error("backward() was not called before optimizer.step().");
  return others.reduce((total, loss) => total.add(loss.sum()), first.sum());
}

/** The derivative of gradient · direction. */
function productOf(
  gradient: readonly Tensor[],
  parameters: readonly Tensor[],
  directions: readonly Node[],
): Tensor[] {
  const slopes = gradient.flatMap((part, i) => {
    const direction = directions[i];
    return direction && part.requiresGrad ? [part.mul(new Tensor(direction)).sum()] : [];
  });
  const [first, ...others] = slopes;
  // A function that is linear in all parameters has no curvature.
  if (!first) return gradient.map(part => part.detach().mul(0));
  const slope = others.reduce((sum, term) => sum.add(term), first);
  return grad(slope, parameters, { allowUnused: true });
}
