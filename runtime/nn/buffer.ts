import { enterChanged } from "../tensor/changed.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * A tensor that belongs to a module's state and is not learned, such as running statistics:
 * `this.mask = new nn.Buffer(tensor(…))`, where PyTorch has `register_buffer("mask", …)`.
 */
export class Buffer extends Tensor {
  /** Whether it is part of the state dict. */
  readonly persistent: boolean;

  /** @param options `persistent: false` leaves it out of the state dict. */
  constructor(data: Tensor, options: { persistent?: boolean } = {}) {
    super(data.node);
    this.persistent = options.persistent ?? true;
    // What it was computed from may change; it does not.
    if (!data.node.host) this.keep();
    enterChanged(this);
  }
}
