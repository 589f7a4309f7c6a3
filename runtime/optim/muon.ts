import type { UpdateRule } from "../kernels/optimizer.ts";
import { inOrder, MUON_RULE, MUON_WORDS } from "../kernels/optimizerRules.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { autocast } from "../tensor/autocast.ts";
import { noGrad } from "../tensor/autograd.ts";
import { formatShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Arena } from "./arena.ts";
import { MultiTensorOptimizer, type Update } from "./multiTensor.ts";
import {
  checkNames,
  checkNotNegative,
  type ParamGroup,
  type ParamGroupOptions,
  type Params,
} from "./optimizer.ts";

export interface MuonOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** How slowly the running mean of gradients forgets. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** a, b, c of the iteration X ← aX + (bA + cA²)X with A = XXᵀ. */
  readonly nsCoefficients: readonly [number, number, number];
  /** Smallest norm by which a matrix is divided. */
  readonly eps: number;
  /** Iterations. */
  readonly nsSteps: number;
  /**
   * How η is adjusted to an A × B matrix: "original", or null, by √max(1, A/B), "match_rms_adamw"
   * by 0.2 √max(A, B), which makes rates and decays of AdamW fit.
   */
  readonly adjustLrFn: "original" | "match_rms_adamw" | null;
}

const DEFAULTS: MuonOptions = {
  lr: 1e-3,
  weightDecay: 0.1,
  momentum: 0.95,
  nesterov: true,
  nsCoefficients: [3.4445, -4.775, 2.0315],
  eps: 1e-7,
  nsSteps: 5,
  adjustLrFn: "original",
};

/**
 * Momentum whose matrices are orthogonalized (Jordan et al. 2024): `torch.optim.Muon` of PyTorch
 * 2.9, with the iteration in float32. The effective learning rate is η, adjusted to the shape: about
 * the spectral norm of the step. The step size of an element is that times the size of the
 * orthogonalized direction; weight decay is not in it.
 */
export class Muon extends MultiTensorOptimizer<MuonOptions> {
  protected override get kind(): OptimizerName {
    return "Muon";
  }

  /**
   * @throws RangeError if an option is out of its range, or if a parameter is no matrix: give
   * biases, gains, embeddings and the last layer to AdamW.
   */
  constructor(params: Params<MuonOptions>, options: Partial<MuonOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  override addParamGroup(group: ParamGroupOptions<MuonOptions>): void {
    super.addParamGroup(group);
    const params = this.paramGroups.at(-1)?.params ?? [];
    const stranger = params.find(({ ndim }) => ndim !== 2);
    if (!stranger) return;
    throw new RangeError(
      "Muon only supports 2D parameters whereas we found a parameter with size: " +
        `${formatShape(stranger.shape)}. Give it to an optimizer of its own, such as AdamW`,
    );
  }

  protected override checkOptions(options: MuonOptions): void {
    checkNames("Muon", options, DEFAULTS);
    checkNotNegative("learning rate", "lr", options.lr);
    checkNotNegative("momentum value", "momentum", options.momentum);
    checkNotNegative("weight_decay value", "weightDecay", options.weightDecay);
    checkNotNegative("epsilon value", "eps", options.eps);
    const { nsCoefficients, nsSteps, adjustLrFn } = options;
    if (!Array.isArray(nsCoefficients) || nsCoefficients.length !== 3) {
      throw new TypeError(
        `Invalid nsCoefficients: ${String(nsCoefficients)} (should be [a, b, c])`,
      );
    }
    if (!Number.isInteger(nsSteps) || nsSteps < 1 || nsSteps >= 100) {
      throw new RangeError(`Invalid nsSteps: ${String(nsSteps)} (should be from 1 to 99)`);
    }
    if (!["original", "match_rms_adamw", null].includes(adjustLrFn)) {
      throw new RangeError(`Adjust learning rate function ${String(adjustLrFn)} is not supported`);
    }
  }

  protected override rule(): UpdateRule {
    return MUON_RULE;
  }

  protected override stateOf(): readonly string[] {
    return ["momenta", "directions"];
  }

  protected override hyper(
    group: ParamGroup<MuonOptions>,
    { parameter }: Update,
  ): readonly number[] {
    const [rows = 1, columns = 1] = parameter.shape;
    const rateUnit =
      group.adjustLrFn === "match_rms_adamw"
        ? 0.2 * Math.sqrt(Math.max(rows, columns))
        : Math.sqrt(Math.max(1, rows / columns));
    return inOrder(MUON_WORDS, {
      decay: group.lr * group.weightDecay,
      stepScale: group.lr * rateUnit,
      rateUnit,
      blend: 1 - group.momentum,
    });
  }

  /** Computes the direction; the kernel makes the same new momentum of the old one. */
  protected override prepareTensor(
    arena: Arena,
    tensor: number,
    group: ParamGroup<MuonOptions>,
  ): void {
    const grad = arena.parameters[tensor]?.grad;
    if (!grad) return;
    noGrad(() => {
      const { momentum, nesterov } = group;
      const gradient = grad.detach();
      const blended = (towards: Tensor) => gradient.add(towards.sub(gradient).mul(momentum));
      const mean = blended(new Tensor(arena.readState("momenta", tensor)));
      const direction = autocast(() => orthogonalize(nesterov ? blended(mean) : mean, group), {
        enabled: false,
      });
      arena.writeState("directions", tensor, direction.node);
    });
  }
}

/**
 * Brings the singular values of a matrix near 1: a Newton–Schulz iteration of the fifth order, whose
 * coefficients are chosen for speed, not for convergence.
 */
function orthogonalize(
  matrix: Tensor,
  {
    nsCoefficients: [a, b, c],
    nsSteps,
    eps,
  }: Pick<MuonOptions, "nsCoefficients" | "nsSteps" | "eps">,
): Tensor {
  const [rows = 1, columns = 1] = matrix.shape;
  const flat = rows > columns ? matrix.transpose(0, 1) : matrix;
  let x = flat.div(flat.square().sum().sqrt().clamp(eps));
  for (let i = 0; i < nsSteps; i++) {
    const gram = x.matmul(x.transpose(0, 1));
    const polynomial = gram.mul(b).add(gram.matmul(gram).mul(c));
    x = x.mul(a).add(polynomial.matmul(x));
  }
  return rows > columns ? x.transpose(0, 1) : x;
}
