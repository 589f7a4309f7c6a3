import { tensor } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "./dataset.ts";

/**
 * Windows of a long sequence of tokens, for language models: sample i is `length` tokens from
 * i · `stride` on, and, as targets, the tokens one further. A batch is int32 [B, length], twice. With
 * the default stride, `length`, a pass reads every token once: windows without replacement.
 */
export class TokenWindows implements Dataset<[inputs: Tensor, targets: Tensor]> {
  readonly windowLength: number;
  readonly stride: number;
  readonly #tokens: ArrayLike<number>;

  /** @throws RangeError if there are too few tokens for one window. */
  constructor(tokens: ArrayLike<number>, length: number, { stride = length } = {}) {
    for (const [name, value] of Object.entries({ length, stride })) {
      if (Number.isInteger(value) && value >= 1) continue;
      throw new RangeError(`TokenWindows: ${name} should be a positive integer, got ${value}`);
    }
    if (tokens.length <= length) {
      throw new RangeError(
        `TokenWindows: a window of ${length} and its targets need ${length + 1} tokens, got ${tokens.length}`,
      );
    }
    this.#tokens = tokens;
    this.windowLength = length;
    this.stride = stride;
  }

  get length(): number {
    return Math.floor((this.#tokens.length - 1 - this.windowLength) / this.stride) + 1;
  }

  batch(indices: Int32Array): [inputs: Tensor, targets: Tensor] {
    return [this.#rows(indices, 0), this.#rows(indices, 1)];
  }

  #rows(indices: Int32Array, shift: number): Tensor {
    const shape = [indices.length, this.windowLength];
    const rows = new Int32Array(indices.length * this.windowLength);
    for (const [row, index] of indices.entries()) {
      const from = index * this.stride + shift;
      for (let i = 0; i < this.windowLength; i++) {
        rows[row * this.windowLength + i] = this.#tokens[from + i] ?? 0;
      }
    }
    return tensor(rows, { dtype: "int32", shape });
  }
}
