/** The tensors on which `backward()` was called since the last step: what the instruments call loss. */
import type { Tensor } from "./tensor.ts";

/** Loops that never call `step()` would fill it. */
const LIMIT = 1024;

class BackwardTargets {
  #targets: Tensor[] = [];

  add(loss: Tensor): void {
    if (this.#targets.length >= LIMIT) this.#targets.shift();
    this.#targets.push(loss);
  }

  get isEmpty(): boolean {
    return this.#targets.length === 0;
  }

  /** The targets until now. */
  get current(): readonly Tensor[] {
    return this.#targets;
  }

  /** Hands over the targets and forgets them. */
  take(): Tensor[] {
    const targets = this.#targets;
    this.#targets = [];
    return targets;
  }
}

export const backwardTargets = new BackwardTargets();

const scales = new WeakMap<Tensor, Tensor>();

/** A loss was multiplied by `scale` to keep gradients from vanishing: that is no part of it. */
export function noteScale(loss: Tensor, scale: Tensor): void {
  scales.set(loss, scale);
}

/** What a loss was multiplied by for that; undefined if it was not. */
export function scaleOf(loss: Tensor): Tensor | undefined {
  return scales.get(loss);
}
