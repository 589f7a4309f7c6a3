import { uniform } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linear } from "./functional.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * y = x Wᵀ + b for x of shape [..., inFeatures]; W is [outFeatures, inFeatures], b [outFeatures].
 * Both start uniform in ±1/√inFeatures: PyTorch's `kaiming_uniform_(weight, a=√5)`.
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super();
    checkFeatures("inFeatures", inFeatures);
    checkFeatures("outFeatures", outFeatures);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = new Parameter(uniform([outFeatures, inFeatures], -bound, bound));
    this.bias =
      options.bias === false ? undefined : new Parameter(uniform([outFeatures], -bound, bound));
  }

  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }
}

function checkFeatures(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Linear: ${name} should be a positive integer, got ${value}`);
}
