/** The loss of one step as a function of the parameters: the same batch, the same random numbers. */
import { offTape } from "../../graph/graph.ts";
import { Node } from "../../graph/node.ts";
import { rebuild } from "../../graph/rebuild.ts";
import { internOp } from "../../kernels/op.ts";
import { grad } from "../../tensor/autograd.ts";
import { Tensor } from "../../tensor/tensor.ts";

/**
 * Made between `backward()` and the update. Nothing of the step itself is computed in another way
 * than without it: the function is a copy of the operations that were recorded.
 */
export class StepLoss {
  readonly #parameters: readonly Node[];
  readonly #directions: readonly Node[];
  readonly #value: Node;
  readonly #gradient: readonly Node[];
  #product: (() => readonly Node[]) | undefined;

  /**
   * @param losses what `backward()` was called on: their sum is the function. Their graphs have to be
   *   there still, see `retainGraphs`.
   * @param parameters the variables.
   * @param twice whether second derivatives will be asked for.
   */
  constructor(losses: readonly Tensor[], parameters: readonly Tensor[], twice: boolean) {
    const [first, ...others] = losses;
    if (!first) throw new Error("backward() was not called before optimizer.step().");
    this.#parameters = parameters.map(({ node }) => node);
    this.#directions = parameters.map(
      ({ shape }) => new Node(internOp({ kind: "leaf", bound: true }, shape, "float32")),
    );
    const build = () => {
      const sum = others.reduce((total, loss) => total.add(loss.sum()), first.sum());
      const gradient = grad(sum, parameters, { createGraph: twice, allowUnused: true });
      const product = twice ? productOf(gradient, parameters, this.#directions) : undefined;
      return { sum, gradient, product };
    };
    const { sum, gradient, product } = offTape(build);
    this.#value = sum.node;
    this.#gradient = gradient.map(({ node }) => node);
    this.#product = product && (() => product.map(({ node }) => node));
  }

  /** The loss at a place, a tensor of one element. */
  value(at: readonly Tensor[]): Tensor {
    return this.#compute([this.#value], at)[0] as Tensor;
  }

  /** Its gradient, in the shapes of the parameters. */
  gradient(at: readonly Tensor[]): Tensor[] {
    return this.#compute(this.#gradient, at);
  }

  /** Its Hessian times a vector in the shapes of the parameters: exact (Pearlmutter 1994). */
  hessianProduct(at: readonly Tensor[], vector: readonly Tensor[]): Tensor[] {
    if (!this.#product) throw new Error("Invariant violation: made without second derivatives");
    return this.#compute(this.#product(), at, vector);
  }

  #compute(
    roots: readonly Node[],
    at: readonly Tensor[],
    vector: readonly Tensor[] = [],
  ): Tensor[] {
    const substitutes = new Map<object, Node>();
    this.#parameters.forEach((node, i) => {
      const value = at[i];
      if (value) substitutes.set(node.storage ?? node, value.node);
    });
    this.#directions.forEach((node, i) => {
      const value = vector[i];
      if (value) substitutes.set(node, value.node);
    });
    return rebuild(roots, substitutes).map(node => new Tensor(node));
  }
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
