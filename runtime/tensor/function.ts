// biome-ignore-all lint/complexity/noThisInStatic: `this` is the subclass that was called.
// biome-ignore-all lint/complexity/noStaticOnlyClass: PyTorch has it so, and scripts are ported.
import { differentiable, noGrad } from "./autograd.ts";
import { Tensor } from "./tensor.ts";

/** What `forward` leaves for `backward`. */
export interface FunctionContext {
  /** Keeps tensors that must not be changed in place before `backward`. */
  saveForBackward(...tensors: Tensor[]): void;
  /** The tensors that were kept. */
  readonly savedTensors: readonly Tensor[];
  /** Whether each tensor among the inputs needs a gradient, in their order. */
  readonly needsInputGrad: readonly boolean[];
  /** Anything else that a subclass wants to keep. */
  [name: string]: unknown;
}

/** A subclass, as `apply` needs it. */
interface FunctionClass<Inputs extends readonly unknown[]> {
  readonly name: string;
  forward(context: FunctionContext, ...inputs: Inputs): Tensor;
  backward(
    context: FunctionContext,
    grad: Tensor,
  ): Tensor | null | readonly (Tensor | null | undefined)[];
}

/**
 * An operation with a derivative of its own: PyTorch's `torch.autograd.Function`.
 *
 * A subclass has a static `forward(context, ...inputs)`, which autograd does not look into, and a
 * static `backward(context, grad)`, which returns the gradient of each tensor among the inputs, in
 * their order. It is used as `Square.apply(x)`. What `backward` computes from saved inputs with
 * ordinary operations can be differentiated again.
 */
export abstract class AutogradFunction {
  /** Computes the output and remembers how to differentiate it. */
  static apply<Inputs extends readonly unknown[]>(
    this: FunctionClass<Inputs>,
    ...inputs: Inputs
  ): Tensor {
    const tensors = inputs.filter(input => input instanceof Tensor);
    let saved: readonly Tensor[] = [];
    const context: FunctionContext = {
      saveForBackward: (...kept) => {
        saved = kept;
      },
      get savedTensors() {
        return saved;
      },
      needsInputGrad: tensors.map(({ requiresGrad }) => requiresGrad),
    };
    const computed = noGrad(() => this.forward(context, ...inputs));
    return differentiable(computed.detach(), this.name, tensors, saved, grad => {
      const grads = [this.backward(context, grad)].flat();
      if (grads.length !== tensors.length) {
        throw new Error(
          `${this.name}: backward returned ${grads.length} gradients for ${tensors.length} tensors`,
        );
      }
      return grads.map(gradient => gradient ?? null);
    });
  }
}
