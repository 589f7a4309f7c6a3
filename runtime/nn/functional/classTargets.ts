/** Class numbers as targets: which are valid, which count, and how much. */
import { checkTensor } from "../../tensor/checkTensor.ts";
import { hostValues } from "../../tensor/hostValues.ts";
import { noteLoss } from "../../tensor/lossUse.ts";
import { formatShape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type LossOptions, type Reduction, reduced } from "../reduction.ts";

export interface ClassLossOptions extends LossOptions {
  /** [classes]: what the losses of each class are multiplied with. */
  weight?: Tensor | undefined;
  /** Targets of this number count for nothing. −100 by default. */
  ignoreIndex?: number | undefined;
}

/** The dimension of the classes: of [classes], [N, classes] and [N, classes, d1, …]. */
export function classDimension(name: string, scores: Tensor, weight: Tensor | undefined): number {
  checkTensor(name, scores);
  if (scores.ndim === 0) {
    throw new RangeError(`${name}: scores should be [N, classes], got []`);
  }
  const dim = scores.ndim === 1 ? 0 : 1;
  const classes = scores.shape[dim] ?? 0;
  if (weight && !sameShape(weight.shape, [classes])) {
    throw new RangeError(
      `${name}: the weight is ${formatShape(weight.shape)}, but ${formatShape(scores.shape)} has ` +
        `${classes} classes`,
    );
  }
  return dim;
}

/** Checked class numbers. */
export class ClassTargets {
  readonly #name: string;
  readonly #dim: number;
  readonly #classes: number;
  /** The class numbers; 0 where they are ignored. */
  readonly #index: Tensor;
  /** Whether a target counts; undefined if all do. */
  readonly #counts: Tensor | undefined;
  /** The weight of each target; undefined if all are 1. */
  readonly #weight: Tensor | undefined;
  /** Whether the numbers were checked by the constructor. */
  readonly #checked: boolean;

  /**
   * @param dim the classes' dimension of the scores.
   * @throws TypeError or RangeError if the targets are no class numbers of the right shape.
   */
  constructor(
    name: string,
    scores: Tensor,
    dim: number,
    targets: Tensor,
    { weight, ignoreIndex }: ClassLossOptions,
  ) {
    this.#name = name;
    this.#dim = dim;
    this.#classes = scores.shape[dim] ?? 0;
    const ignored = ignoreIndex ?? -100;
    checkForm(name, scores, dim, targets);
    const known = hostValues(targets);
    this.#checked = known !== undefined;
    const stray = known?.find(
      target => target !== ignored && (target < 0 || target >= this.#classes),
    );
    if (stray !== undefined) {
      throw new RangeError(
        `${name}: target ${stray} is out of bounds: logits ${formatShape(scores.shape)} have ` +
          `${this.#classes} classes, 0 … ${this.#classes - 1}`,
      );
    }
    const numbers = targets.to("int32");
    // Who names a number to ignore gets the same kernels for batches with and without it.
    const mayIgnore = ignoreIndex !== undefined || !known || known.includes(ignored);
    this.#counts = mayIgnore ? numbers.ne(ignored) : undefined;
    this.#index = this.#counts ? numbers.where(this.#counts, 0) : numbers;
    this.#weight = weight?.indexSelect(0, this.#index.reshape(-1)).reshape(targets.shape);
  }

  /** The scores of the targets, times their weights, without the dimension of the classes. */
  pick(scores: Tensor): Tensor {
    return scores.gather(this.#dim, this.#index.unsqueeze(this.#dim)).squeeze(this.#dim);
  }

  /** Losses times the weights of their targets. */
  weigh(losses: Tensor): Tensor {
    return this.#weight ? losses.mul(this.#weight) : losses;
  }

  /** Reduces losses; the mean is over the weights of the targets that count. */
  reduce(losses: Tensor, reduction: Reduction): Tensor {
    const valid = this.#nanBeyond(losses);
    const kept = this.#counts ? valid.where(this.#counts, 0) : valid;
    if (reduction !== "mean" || !(this.#counts || this.#weight)) {
      return reduced(this.#name, kept, reduction);
    }
    const shares = this.#counts
      ? (this.#weight?.where(this.#counts, 0) ?? this.#counts)
      : this.#weight;
    return noteLoss(this.#name, kept.sum().div(shares?.sum() ?? 1));
  }

  /** Targets that were computed on the GPU cannot be checked by the call: a wrong one makes NaN. */
  #nanBeyond(losses: Tensor): Tensor {
    if (this.#checked) return losses;
    const inside = this.#index.ge(0).mul(this.#index.lt(this.#classes));
    return losses.where(inside, Number.NaN);
  }
}

function checkForm(name: string, scores: Tensor, dim: number, targets: Tensor): void {
  checkTensor(name, targets);
  if (targets.dtype !== "int32" && targets.dtype !== "uint32") {
    throw new TypeError(
      `${name}: targets should be class numbers of dtype int32, got ${targets.dtype}. ` +
        'Make them with tensor(labels, { dtype: "int32" }).',
    );
  }
  const expected = scores.shape.toSpliced(dim, 1);
  if (!sameShape(targets.shape, expected)) {
    throw new RangeError(
      `${name}: logits ${formatShape(scores.shape)} need targets of shape ` +
        `${formatShape(expected)}, got ${formatShape(targets.shape)}`,
    );
  }
}
