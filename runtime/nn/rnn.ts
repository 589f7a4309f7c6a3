import type { Tensor } from "../tensor/tensor.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/**
 * h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990): `forward(input, h?)` with input
 * [T, N, inputSize] and h [layers · directions, N, hiddenSize] returns `[output, h]`, the output
 * [T, N, directions · hiddenSize] being the hidden states of the last layer.
 */
export class RNN extends Recurrent<Tensor> {
  readonly nonlinearity: "tanh" | "relu";

  /** @param options `nonlinearity` is "tanh" by default. */
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { nonlinearity?: "tanh" | "relu" } = {},
  ) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = options.nonlinearity ?? "tanh";
    if (this.nonlinearity !== "tanh" && this.nonlinearity !== "relu") {
      throw new RangeError(
        `RNN: nonlinearity should be "tanh" or "relu", got "${this.nonlinearity}"`,
      );
    }
  }

  forward(input: Tensor, h?: Tensor): [output: Tensor, h: Tensor] {
    const { output, state } = this.run(input, 1, h && [h]);
    return [output, state[0] ?? output];
  }

  protected override cell(gates: Tensor, recurrent: Tensor): Tensor[] {
    const sum = gates.add(recurrent);
    return [this.nonlinearity === "tanh" ? sum.tanh() : sum.relu()];
  }
}

/**
 * Gated recurrent units (Cho et al. 2014): reset r = σ(…), update z = σ(…), new n = tanh(W_in x +
 * b_in + r (W_hn h + b_hn)), h' = (1 − z) n + z h. Called as `RNN`.
 */
export class GRU extends Recurrent<Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, h?: Tensor): [output: Tensor, h: Tensor] {
    const { output, state } = this.run(input, 1, h && [h]);
    return [output, state[0] ?? output];
  }

  protected override cell(gates: Tensor, recurrent: Tensor, state: readonly Tensor[]): Tensor[] {
    const [h = gates] = state;
    const both = (i: number) => this.gate(gates, i).add(this.gate(recurrent, i));
    const [reset, update] = [both(0).sigmoid(), both(1).sigmoid()];
    const candidate = this.gate(gates, 2)
      .add(reset.mul(this.gate(recurrent, 2)))
      .tanh();
    return [candidate.add(update.mul(h.sub(candidate)))];
  }
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997): input i, forget f, cell g and output o
 * gates; c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'). `forward(input, [h, c]?)` returns
 * `[output, [h, c]]`, otherwise called as `RNN`.
 */
export class LSTM extends Recurrent<[h: Tensor, c: Tensor]> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  forward(
    input: Tensor,
    state?: [h: Tensor, c: Tensor],
  ): [output: Tensor, state: [h: Tensor, c: Tensor]] {
    const { output, state: last } = this.run(input, 2, state);
    const [h = output, c = output] = last;
    return [output, [h, c]];
  }

  protected override cell(gates: Tensor, recurrent: Tensor, state: readonly Tensor[]): Tensor[] {
    const [, c = gates] = state;
    const sum = gates.add(recurrent);
    const remembered = this.gate(sum, 1).sigmoid().mul(c);
    const next = this.gate(sum, 0).sigmoid().mul(this.gate(sum, 2).tanh()).add(remembered);
    return [this.gate(sum, 3).sigmoid().mul(next.tanh()), next];
  }
}
