/** `nn.functional`: what the layers compute, without their parameters. */
import { where } from "../tensor/elementwise.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { GELUApproximation } from "./activation.ts";
import { checkReduction, type LossOptions, reduced } from "./reduction.ts";

/** max(x, 0), element by element. */
export function relu(input: Tensor): Tensor {
  return input.relu();
}

/** The hyperbolic tangent, element by element. */
export function tanh(input: Tensor): Tensor {
  return input.tanh();
}

/** The logistic function 1 / (1 + exp(−x)), element by element. */
export function sigmoid(input: Tensor): Tensor {
  return input.sigmoid();
}

/** x Φ(x), with Φ the normal distribution; "tanh" takes the faster approximation of it. */
export function gelu(input: Tensor, options: { approximate?: GELUApproximation } = {}): Tensor {
  return input.gelu(options.approximate);
}

/** exp(x) / Σ exp(x) along a dimension. */
export function softmax(input: Tensor, dim: number): Tensor {
  return input.softmax(dim);
}

/** log(softmax(x)) along a dimension, exact for large x. */
export function logSoftmax(input: Tensor, dim: number): Tensor {
  return input.logSoftmax(dim);
}

/**
 * x Wᵀ + b.
 * @param input [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @throws RangeError if the last dimension of the input is not `in`.
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [outputs, inputs] = weight.shape;
  if (weight.ndim !== 2 || input.ndim === 0 || input.shape.at(-1) !== inputs) {
    throw new RangeError(
      `linear: input ${formatShape(input.shape)} does not fit the weight ` +
        `${formatShape(weight.shape)}: the input's last dimension should be ${inputs}, the ` +
        "weight is [outFeatures, inFeatures]",
    );
  }
  if (bias && !sameShape(bias.shape, [outputs ?? 0])) {
    throw new RangeError(
      `linear: the bias is ${formatShape(bias.shape)}, but the weight ` +
        `${formatShape(weight.shape)} has ${outputs} outputs`,
    );
  }
  const product = input.matmul(weight.t());
  return bias ? product.add(bias) : product;
}

/**
 * −log softmax(logits)[target], row by row.
 * @param logits [N, classes], or [classes] for one sample
 * @param targets class numbers 0 … classes − 1, int32 of shape [N], or [] for one sample. A number
 * beyond is an error, or makes NaN where it comes from a computation on the GPU.
 * @returns the mean, the sum, or with "none" all of shape [N]
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  const reduction = checkReduction("crossEntropy", options.reduction);
  checkClassTargets(logits, targets);
  const classes = logits.ndim - 1;
  // log Σ exp − logit needs no second reduction when it is differentiated, as logSoftmax would.
  // Subtracting the largest logit changes nothing but the digits that are left of large ones.
  const shifted = logits.sub(logits.detach().amax(classes, true));
  const picked = shifted.gather(classes, targets.unsqueeze(-1)).squeeze(-1);
  const losses = shifted.logsumexp(classes).sub(picked);
  return reduced(nanBeyondClasses(losses, targets, logits.shape.at(-1) ?? 0), reduction);
}

/**
 * (input − target)², element by element.
 * @returns the mean, the sum, or with "none" all in the shape of the input
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const reduction = checkReduction("mseLoss", options.reduction);
  if (!sameShape(input.shape, target.shape)) {
    throw new RangeError(
      `mseLoss: input ${formatShape(input.shape)} and target ${formatShape(target.shape)} differ ` +
        "in shape; broadcasting would compare every row with every other. Use " +
        "unsqueeze, squeeze or reshape to make them equal.",
    );
  }
  return reduced(input.sub(target).square(), reduction);
}

/** Targets that were computed on the GPU cannot be checked by the call: a wrong one makes NaN. */
function nanBeyondClasses(losses: Tensor, targets: Tensor, classes: number): Tensor {
  if (targets.node.host) return losses;
  return where(targets.ge(0).mul(targets.lt(classes)), losses, Number.NaN);
}

function checkClassTargets(logits: Tensor, targets: Tensor): void {
  if (logits.ndim !== 1 && logits.ndim !== 2) {
    throw new RangeError(
      `crossEntropy: logits should be [N, classes], got ${formatShape(logits.shape)}`,
    );
  }
  if (targets.dtype !== "int32" && targets.dtype !== "uint32") {
    throw new TypeError(
      `crossEntropy: targets should be class numbers of dtype int32, got ${targets.dtype}. ` +
        'Make them with tensor(labels, { dtype: "int32" }).',
    );
  }
  const expected = logits.shape.slice(0, -1);
  if (!sameShape(targets.shape, expected)) {
    throw new RangeError(
      `crossEntropy: logits ${formatShape(logits.shape)} need targets of shape ` +
        `${formatShape(expected)}, got ${formatShape(targets.shape)}`,
    );
  }
  const classes = logits.shape.at(-1) ?? 0;
  const stray = targets.node.host?.find(target => target < 0 || target >= classes);
  if (stray !== undefined) {
    throw new RangeError(
      `crossEntropy: target ${stray} is out of bounds: logits ${formatShape(logits.shape)} have ` +
        `${classes} classes, 0 … ${classes - 1}`,
    );
  }
}
