/** How curved the loss is at its most curved, against what the learning rate bears. */
import { Adam, AdamW } from "../../optim/adam.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { SGD } from "../../optim/sgd.ts";
import { noGrad } from "../../tensor/autograd.ts";
import { tensor } from "../../tensor/creation.ts";
import { philox } from "../../tensor/philox.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { dot } from "./lineScan.ts";
import { StepWatch } from "./stepWatch.ts";

export interface Sharpness {
  /** The eigenvalue of the Hessian with the largest absolute value, with its sign. */
  readonly eigenvalue: number;
  /**
   * Where the optimizer begins to oscillate at the η in force; undefined if that depends on more than
   * the Hessian. SGD: 2 / η, with momentum β (2 + 2β) / η, with Nesterov's (2 + 2β) / ((1 + 2β) η)
   * (Cohen et al. 2021).
   */
  readonly limit: number | undefined;
  /** The same as Adam sees it; undefined for other optimizers. */
  readonly preconditioned: PreconditionedSharpness | undefined;
}

export interface PreconditionedSharpness {
  /** Of P⁻¹H with P = (1 − β₁ᵗ)(√v̂ + ε), as of the step. */
  readonly eigenvalue: number;
  /** (2 + 2β₁) / ((1 − β₁) η), which is 38 / η for β₁ = 0.9 (Cohen et al. 2022). */
  readonly limit: number;
}

/** Most products, and the relative change of the eigenvalue that is small enough to end. */
const MOST = 50;
const TOLERANCE = 1e-3;

/**
 * Measures the next step of the loop, on its batch, where it began: power iteration on exact products
 * with the Hessian. To be put up as the loop's gate. It explains; it is no reason for an alarm, since
 * runs that end well may begin far beyond the limit.
 */
export function sharpness(): StepWatch<Sharpness> {
  return new StepWatch<Sharpness>({ steps: 1, twice: true }, async ([step]) => {
    if (!step) throw new Error("Invariant violation: a step was asked for");
    const { loss, before, optimizer, lr } = step;
    const product: Operator = vector => loss.hessianProduct(before, vector);
    const eigenvalue = await largestEigenvalue(product, before);
    if (!(optimizer instanceof Adam || optimizer instanceof AdamW)) {
      return { eigenvalue, limit: limitOf(optimizer, lr), preconditioned: undefined };
    }
    const roots = adamRoots(optimizer, before);
    const scaled = (vector: readonly Tensor[]) =>
      zip(vector, roots, (part, root) => part.mul(root));
    const [beta = 0.9] = optimizer.paramGroups[0]?.betas ?? [];
    const preconditioned = {
      eigenvalue: await largestEigenvalue(vector => scaled(product(scaled(vector))), before),
      limit: (2 + 2 * beta) / ((1 - beta) * lr),
    };
    return { eigenvalue, limit: undefined, preconditioned };
  });
}

function limitOf(optimizer: Optimizer, lr: number): number | undefined {
  if (!(optimizer instanceof SGD)) return undefined;
  const { momentum = 0, nesterov = false } = optimizer.paramGroups[0] ?? {};
  return (2 + 2 * momentum) / ((nesterov ? 1 + 2 * momentum : 1) * lr);
}

/** P^(−½): with it on both sides the Hessian is symmetric, and has the eigenvalues of P⁻¹H. */
function adamRoots(optimizer: Adam | AdamW, parameters: readonly Tensor[]): readonly Tensor[] {
  const { state } = optimizer.stateDict();
  const groups = optimizer.paramGroups.flatMap(group => group.params.map(() => group));
  return noGrad(() =>
    parameters.map((parameter, i) => {
      const { step, exp_avg_sq, max_exp_avg_sq } = state[i] ?? {};
      const squares = max_exp_avg_sq ?? exp_avg_sq;
      const group = groups[i];
      // What has never had a gradient does not move.
      if (!(squares instanceof Tensor) || typeof step !== "number" || !group) {
        return parameter.mul(0).keep();
      }
      const [beta1, beta2] = group.betas;
      const unbiased = squares.div(1 - beta2 ** step).sqrt();
      return unbiased
        .add(group.eps)
        .mul(1 - beta1 ** step)
        .pow(-0.5)
        .keep();
    }),
  );
}

/** A symmetric matrix, as what it makes of a vector. */
type Operator = (vector: readonly Tensor[]) => readonly Tensor[];

/** @param like tensors in the shapes of a vector. */
async function largestEigenvalue(operator: Operator, like: readonly Tensor[]): Promise<number> {
  let vector = noGrad(() => normalized(like.map(randomLike)));
  let eigenvalue = Number.NaN;
  for (let i = 0; i < MOST; i++) {
    const { product, along } = noGrad(() => {
      const product = operator(vector).map(part => part.keep());
      return { product, along: dot(product, vector) };
    });
    const last = eigenvalue;
    eigenvalue = await along.item();
    const isSteady = Math.abs(eigenvalue - last) <= TOLERANCE * Math.abs(eigenvalue);
    if (isSteady || !Number.isFinite(eigenvalue)) break;
    vector = noGrad(() => normalized(product));
  }
  return eigenvalue;
}

function zip(
  a: readonly Tensor[],
  b: readonly Tensor[],
  combine: (a: Tensor, b: Tensor) => Tensor,
): Tensor[] {
  return a.flatMap((part, i) => {
    const other = b[i];
    return other ? [combine(part, other)] : [];
  });
}

function normalized(parts: readonly Tensor[]): readonly Tensor[] {
  const norm = dot(parts, parts).sqrt();
  return parts.map(part => part.div(norm).keep());
}

/** Numbers between −½ and ½ that are no part of the script's random numbers. */
function randomLike({ shape, numel }: Tensor, stream: number): Tensor {
  const values = Float32Array.from({ length: numel }, (_, i) => philox(i, 0, stream) - 0.5);
  return tensor(values, { shape });
}
