import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/**
 * Layers one after the other: `new Sequential(new Linear(64, 128), new ReLU())`. Its layers are
 * `model[0]`, `model[1]`, …, and give their parameters the names `0.weight`, `0.bias`, …
 */
export class Sequential extends Module {
  readonly [index: number]: Module;
  readonly length: number;

  constructor(...layers: Module[]) {
    super();
    const stranger = layers.findIndex(layer => !(layer instanceof Module));
    if (stranger >= 0) {
      throw new TypeError(
        `Sequential: argument ${stranger + 1} is not a module. Pass layers such as ` +
          "new nn.Linear(64, 10); a function has to be wrapped into a class that extends nn.Module.",
      );
    }
    this.length = layers.length;
    Object.assign(this, layers);
  }

  forward(input: Tensor): Tensor {
    let output = input;
    for (let i = 0; i < this.length; i++) output = this[i]?.forward(output) ?? output;
    return output;
  }
}
