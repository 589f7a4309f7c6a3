/** Loss scaling, which keeps small gradients from vanishing: PyTorch's `torch.cuda.amp.GradScaler`. */
import { takePart } from "../checkpoint/parts.ts";
import { noGrad, withGrad } from "../tensor/autograd.ts";
import { full } from "../tensor/creation.ts";
import { where } from "../tensor/elementwise.ts";
import { stack } from "../tensor/joining.ts";
import { noteScale } from "../tensor/losses.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { MultiTensorOptimizer } from "./multiTensor.ts";
import { checkNames, type Optimizer } from "./optimizer.ts";

export interface GradScalerOptions {
  /** The scale at the start. */
  readonly initScale: number;
  /** Factor of the scale after `growthInterval` steps without a gradient that is not finite. */
  readonly growthFactor: number;
  /** Factor of the scale after a step with one. */
  readonly backoffFactor: number;
  readonly growthInterval: number;
  /** False: the loss is not scaled, and no step is skipped. */
  readonly enabled: boolean;
}

const DEFAULTS: GradScalerOptions = {
  initScale: 65_536,
  growthFactor: 2,
  backoffFactor: 0.5,
  growthInterval: 2000,
  enabled: true,
};

/** State of a scaler, with PyTorch's names. */
export interface GradScalerState {
  readonly scale: Tensor | number;
  readonly _growth_tracker: Tensor | number;
}

/**
 * Scales the loss, unscales the gradients, skips steps whose gradients are not finite, and adapts the
 * scale. Everything happens on the GPU; nothing waits for a value. Scale and skipped steps stand in
 * the record of the run.
 *
 *     scaler.scale(loss).backward();
 *     await scaler.step(optimizer);
 *     scaler.update();
 */
export class GradScaler {
  readonly #options: GradScalerOptions;
  #scale: Tensor;
  /** Steps in a row without a gradient that is not finite. */
  #growthTracker: Tensor;
  /** Whether gradients are not finite (1) or are (0), of optimizers unscaled since `update()`. */
  readonly #found = new Map<Optimizer, Tensor>();
  readonly #stepped = new Set<Optimizer>();

  /** @throws RangeError if an option is out of its range. */
  constructor(options: Partial<GradScalerOptions> = {}) {
    checkNames("GradScaler", options, DEFAULTS);
    this.#options = { ...DEFAULTS, ...options };
    const { initScale, growthFactor, backoffFactor, growthInterval } = this.#options;
    requireRange("initScale", initScale, initScale > 0, "above 0");
    requireRange("growthFactor", growthFactor, growthFactor > 1, "above 1");
    const shrinks = backoffFactor > 0 && backoffFactor < 1;
    requireRange("backoffFactor", backoffFactor, shrinks, "between 0 and 1");
    const isWhole = Number.isInteger(growthInterval) && growthInterval > 0;
    requireRange("growthInterval", growthInterval, isWhole, "a whole number above 0");
    this.#scale = full([], initScale);
    this.#growthTracker = full([], 0);
    takePart(this);
  }

  /** The loss times the scale: call `backward()` on it. */
  scale(loss: Tensor): Tensor {
    if (!this.#options.enabled) return loss;
    const scaled = loss.mul(this.#scale);
    noteScale(scaled, this.#scale);
    return scaled;
  }

  /**
   * Divides the gradients of an optimizer by the scale, in place: before clipping them, for instance.
   * @throws Error if that was done already since the last `update()`.
   */
  unscale_(optimizer: Optimizer): void {
    if (!this.#options.enabled) return;
    if (this.#found.has(optimizer)) {
      throw new Error(
        "unscale_() has already been called on this optimizer since the last update().",
      );
    }
    this.#found.set(optimizer, this.#unscale(optimizer));
  }

  /**
   * Takes the optimizer's step, unless a gradient is not finite. With SGD, Adam, AdamW, RMSprop and
   * Lion the GPU decides; other optimizers have to be told, and the loop waits for the GPU.
   * @throws Error if that was done already since the last `update()`.
   */
  step(optimizer: Optimizer): Promise<unknown> {
    if (!this.#options.enabled) return optimizer.step();
    if (this.#stepped.has(optimizer)) {
      throw new Error("step() has already been called since the last update().");
    }
    const found = this.#found.get(optimizer) ?? this.#unscale(optimizer);
    this.#found.set(optimizer, found);
    this.#stepped.add(optimizer);
    const guard = { found, scale: this.#scale };
    if (optimizer instanceof MultiTensorOptimizer) return optimizer.guardedStep(guard);
    return found.item().then(isFound => (isFound ? undefined : optimizer.step()));
  }

  /**
   * Adapts the scale to what the steps since the last call met.
   * @param newScale sets it instead.
   */
  update(newScale?: Tensor | number): void {
    if (!this.#options.enabled) return;
    const founds = [...this.#found.values()];
    this.#found.clear();
    this.#stepped.clear();
    if (newScale !== undefined) {
      this.#scale = scalar(newScale);
      return;
    }
    if (founds.length === 0) throw new Error("No inf checks were recorded prior to update.");
    const { growthFactor, backoffFactor, growthInterval } = this.#options;
    withGrad(false, () => {
      const found = stack(founds).max().ne(0);
      const good = this.#growthTracker.add(1);
      const isLong = good.ge(growthInterval);
      const grown = this.#scale.mul(growthFactor);
      const steady = where(isLong.logicalAnd(grown.isfinite()), grown, this.#scale);
      this.#scale = where(found, this.#scale.mul(backoffFactor), steady);
      this.#growthTracker = where(found.logicalOr(isLong), 0, good);
    });
  }

  /** The scale, as a tensor without dimensions; 1 if the scaler is not enabled. */
  getScale(): Tensor {
    return this.#options.enabled ? this.#scale : full([], 1);
  }

  /** The state as it is now. */
  stateDict(): GradScalerState {
    return { scale: this.#scale, _growth_tracker: this.#growthTracker };
  }

  /** Goes on from a state, ours or PyTorch's. */
  loadStateDict(state: GradScalerState): void {
    this.#scale = scalar(state.scale);
    this.#growthTracker = scalar(state._growth_tracker);
  }

  /** Remembers where it stands, for a snapshot. @internal */
  capture(): () => void {
    const state = this.stateDict();
    return () => this.loadStateDict(state);
  }

  /** @returns 1 if a gradient is not finite, else 0. */
  #unscale(optimizer: Optimizer): Tensor {
    return noGrad(() => {
      const factor = this.#scale.reciprocal();
      const found = optimizer.paramGroups.flatMap(({ params }) =>
        params.flatMap(parameter => {
          const { grad } = parameter;
          if (!grad) return [];
          const isFound = grad.isfinite().logicalNot().to("float32").max();
          parameter.grad = grad.mul(factor);
          return isFound;
        }),
      );
      return found.length > 0 ? stack(found).max() : full([], 0);
    });
  }
}

function scalar(value: Tensor | number): Tensor {
  return typeof value === "number" ? full([], value) : value.detach();
}

function requireRange(name: string, value: number, holds: boolean, range: string): void {
  if (holds) return;
  throw new RangeError(`GradScaler: ${name} should be ${range}, got ${String(value)}`);
}
