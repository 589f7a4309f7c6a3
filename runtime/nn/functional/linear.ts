import { lowered } from "../../tensor/autocast.ts";
import { checkLayerInput } from "../../tensor/lossUse.ts";
import { formatShape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/**
 * x Wᵀ + b.
 * @param input [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @throws RangeError if the last dimension of the input is not `in`.
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  checkLayerInput("linear", input);
  return applied(lowered(input), lowered(weight), lowered(bias));
}

function applied(input: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const [, inputs] = weight.shape;
  if (weight.ndim !== 2 || input.ndim === 0 || input.shape.at(-1) !== inputs) {
    throw new RangeError(
      `linear: input ${formatShape(input.shape)} does not fit the weight ` +
        `${formatShape(weight.shape)}: the input's last dimension should be ${inputs}, the ` +
        "weight is [outFeatures, inFeatures]",
    );
  }
  checkBias("linear", bias, weight);
  const product = input.matmul(weight.t());
  return bias ? product.add(bias) : product;
}

/**
 * y_o = x1ᵀ W_o x2 + b_o.
 * @param input1 [..., in1]
 * @param input2 [..., in2], otherwise of the shape of input1
 * @param weight [out, in1, in2]
 * @param bias [out]
 * @returns [..., out]
 * @throws RangeError if the shapes do not fit together.
 */
export function bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [outputs = 0, in1 = 0, in2 = 0] = weight.shape;
  const batch = input1.shape.slice(0, -1);
  const fits = weight.ndim === 3 && input1.ndim > 0 && input2.ndim > 0;
  if (
    !fits ||
    !sameShape(input1.shape, [...batch, in1]) ||
    !sameShape(input2.shape, [...batch, in2])
  ) {
    throw new RangeError(
      `bilinear: inputs ${formatShape(input1.shape)} and ${formatShape(input2.shape)} do not fit ` +
        `the weight ${formatShape(weight.shape)}: they should be [..., in1] and [..., in2], the ` +
        "weight is [out, in1, in2]",
    );
  }
  checkBias("bilinear", bias, weight);
  const [left, right] = [input1.reshape(-1, in1), input2.reshape(-1, 1, in2)];
  // [N, out, in2]: every output's row of the first input, then its product with the second.
  const rows = left.matmul(weight.permute(1, 0, 2).reshape(in1, outputs * in2));
  const product = rows
    .reshape(-1, outputs, in2)
    .mul(right)
    .sum(-1)
    .reshape([...batch, outputs]);
  return bias ? product.add(bias) : product;
}

function checkBias(name: string, bias: Tensor | undefined, weight: Tensor): void {
  const [outputs = 0] = weight.shape;
  if (!bias || sameShape(bias.shape, [outputs])) return;
  throw new RangeError(
    `${name}: the bias is ${formatShape(bias.shape)}, but the weight ` +
      `${formatShape(weight.shape)} has ${outputs} outputs`,
  );
}
