/** Optimizers and their statistics in float64 on the host: what the kernels are held against. */
import type { TensorColumn } from "../../runtime/protocol/steps.ts";

/** A tensor and its optimizer state; `origin` is where it began. */
export interface ReferenceTensor {
  theta: Float64Array;
  readonly origin: Float64Array;
  mean: Float64Array;
  square: Float64Array;
  step: number;
}

export function referenceTensor(values: ArrayLike<number>): ReferenceTensor {
  const theta = Float64Array.from(values);
  const zeros = () => new Float64Array(theta.length);
  return { theta, origin: theta.slice(), mean: zeros(), square: zeros(), step: 0 };
}

export interface AdamReference {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Weight decay of AdamW. */
  readonly weightDecay: number;
}

/** The columns of a tensor, and the squares that totals are made of. */
export interface ReferenceStatistics {
  readonly columns: Partial<Record<TensorColumn, number>>;
  /** |Δθ| of each element without decoupled decay. */
  readonly sizes: Float64Array;
  readonly travelSquares: number;
  readonly gainSquares: number;
}

/** One step of AdamW (algorithm 2 of Loshchilov and Hutter 2017), and what is measured of it. */
export function adamStep(
  tensor: ReferenceTensor,
  gradient: ArrayLike<number>,
  { lr, betas: [beta1, beta2], eps, weightDecay }: AdamReference,
): ReferenceStatistics {
  tensor.step++;
  const g = Float64Array.from(gradient);
  const before = tensor.theta;
  const oldMean = tensor.mean;
  tensor.mean = g.map((x, i) => beta1 * at(oldMean, i) + (1 - beta1) * x);
  tensor.square = g.map((x, i) => beta2 * at(tensor.square, i) + (1 - beta2) * x * x);
  const root = tensor.square.map(v => Math.sqrt(v / (1 - beta2 ** tensor.step)));
  const rate = root.map(r => lr / (r + eps));
  const signed = tensor.mean.map((m, i) => (m / (1 - beta1 ** tensor.step)) * at(rate, i));
  tensor.theta = before.map((x, i) => x - lr * weightDecay * x - at(signed, i));
  const statistics = measure(tensor, before, g, signed.map(Math.abs), rate);
  const flips = g.filter((x, i) => Math.sign(x) !== Math.sign(at(oldMean, i))).length;
  return {
    ...statistics,
    columns: {
      ...statistics.columns,
      signFlips: tensor.step === 1 ? Number.NaN : flips / g.length,
      epsDominated: root.filter(r => r < eps).length / g.length,
    },
    gainSquares: sumOfSquares(signed.map(x => x / lr)),
  };
}

export interface SgdReference {
  readonly lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  readonly maximize: boolean;
}

/** One step of PyTorch's SGD, and what is measured of it. */
export function sgdStep(
  tensor: ReferenceTensor,
  gradient: ArrayLike<number>,
  { lr, momentum, dampening, weightDecay, nesterov, maximize }: SgdReference,
): ReferenceStatistics {
  tensor.step++;
  const g = Float64Array.from(gradient);
  const before = tensor.theta;
  const force = g.map((x, i) => (maximize ? -x : x) + weightDecay * at(before, i));
  const oldMean = tensor.mean;
  const blend = tensor.step === 1 ? 1 : 1 - dampening;
  tensor.mean = force.map((x, i) => momentum * at(oldMean, i) + blend * x);
  const direction = force.map((x, i) => {
    if (momentum === 0) return x;
    return nesterov ? x + momentum * at(tensor.mean, i) : at(tensor.mean, i);
  });
  tensor.theta = before.map((x, i) => x - lr * at(direction, i));
  const rate = new Float64Array(g.length).fill(lr);
  const sizes = direction.map(x => lr * Math.abs(x));
  const statistics = measure(tensor, before, g, sizes, rate);
  const flips = g.filter(
    (x, i) => Math.sign(x) !== Math.sign((maximize ? -1 : 1) * at(oldMean, i)),
  ).length;
  return {
    ...statistics,
    columns: {
      ...statistics.columns,
      signFlips: tensor.step === 1 || momentum === 0 ? Number.NaN : flips / g.length,
      epsDominated: Number.NaN,
    },
    gainSquares: 0,
  };
}

/** `torch.quantile`: linear between order statistics. */
export function quantile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  const rank = share * (sorted.length - 1);
  const low = at(sorted, Math.floor(rank));
  return low + (at(sorted, Math.ceil(rank)) - low) * (rank - Math.floor(rank));
}

export function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x * x, 0);
}

function measure(
  tensor: ReferenceTensor,
  before: Float64Array,
  g: Float64Array,
  sizes: Float64Array,
  rate: Float64Array,
) {
  const update = tensor.theta.map((x, i) => x - at(before, i));
  const travelSquares = sumOfSquares(tensor.theta.map((x, i) => x - at(tensor.origin, i)));
  const finite = g.filter(x => Number.isFinite(x)).length;
  const columns: Partial<Record<TensorColumn, number>> = {
    gradNorm: Math.sqrt(sumOfSquares(g)),
    weightNorm: Math.sqrt(sumOfSquares(before)),
    updateNorm: Math.sqrt(sumOfSquares(update)),
    stepToWeight: Math.sqrt(sumOfSquares(update) / sumOfSquares(before)),
    nonFinite: g.length - finite,
    effectiveLrMin: least(rate),
    effectiveLrP5: quantile(rate, 0.05),
    effectiveLrP50: quantile(rate, 0.5),
    effectiveLrP95: quantile(rate, 0.95),
    effectiveLrMax: greatest(rate),
    effectiveLrRms: Math.sqrt(sumOfSquares(rate) / rate.length),
    stepSizeMin: least(sizes),
    stepSizeP5: quantile(sizes, 0.05),
    stepSizeP50: quantile(sizes, 0.5),
    stepSizeP95: quantile(sizes, 0.95),
    stepSizeMax: greatest(sizes),
    stepSizeRms: Math.sqrt(sumOfSquares(sizes) / sizes.length),
  };
  return { columns, sizes, travelSquares };
}

function least(values: Float64Array): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function greatest(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b));
}

function at(values: Float64Array, i: number): number {
  return values[i] ?? Number.NaN;
}
