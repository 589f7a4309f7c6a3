import { Tensor } from "../tensor/tensor.ts";

/** A tensor that a module learns: it requires a gradient, and `parameters()` finds it. */
export class Parameter extends Tensor {
  /** PyTorch's qualified name, such as `0.weight`; empty until a module was asked for it. */
  label = "";

  /** @param data starting value, float32 if it shall learn. */
  constructor(data: Tensor, requiresGrad = true) {
    super(data.node);
    this.requiresGrad_(requiresGrad);
    if (data.node.host) data.node.lasts = true;
    // What it was computed from may change; it does not.
    else this.keep();
  }

  /**
   * Takes a longer name: that of the whole model wins over that of a part of it, whichever of the
   * two was asked for its parameters first. @internal
   */
  qualify(name: string): void {
    if (name.length > this.label.length) this.label = name;
  }
}
