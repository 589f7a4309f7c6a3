import { zeros } from "../tensor/creation.ts";
import { cat, stack } from "../tensor/joining.ts";
import { checkLayerInput } from "../tensor/lossUse.ts";
import { uniform } from "../tensor/random.ts";
import { formatShape, type Shape, sameShape } from "../tensor/shape.ts";
import { stackSteps, unstackSteps } from "../tensor/steps.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkProbability, checkSize } from "./checks.ts";
import { dropout } from "./functional/dropout.ts";
import { linear } from "./functional/linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

export interface RecurrentOptions {
  /** Layers on top of each other. 1 by default. */
  numLayers?: number;
  bias?: boolean;
  /** [N, T, features] and not [T, N, features]. False by default. */
  batchFirst?: boolean;
  /** Probability of dropout behind each layer but the last. 0 by default. */
  dropout?: number;
  /** Whether a second half of each layer reads the sequence backwards. False by default. */
  bidirectional?: boolean;
}

/** The parameters of one layer in one direction; rows of the gates below each other. */
interface Weights {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | undefined;
  readonly biasHh: Parameter | undefined;
}

/**
 * Layers that go through a sequence with a state. The properties of their parameters are numbered
 * as PyTorch's are: `weightIhL0` is `weight_ih_l0` in a state dict, `weightIhL0Reverse` that of the
 * backward direction. All start uniform in ±1/√hiddenSize.
 * @typeParam State what `forward` takes besides the sequence, and returns behind the output.
 */
export abstract class Recurrent<State> extends Module<
  [input: Tensor, state?: State],
  [output: Tensor, state: State]
> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly [parameter: `${"weight" | "bias"}${"Ih" | "Hh"}L${string}`]: Parameter | undefined;

  /**
   * @param gates how many rows of the weights there are for each hidden unit.
   * @throws RangeError for sizes that are no positive integers.
   */
  constructor(gates: number, inputSize: number, hiddenSize: number, options: RecurrentOptions) {
    super();
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false } = options;
    const name = this.constructor.name;
    this.inputSize = checkSize(name, "inputSize", inputSize);
    this.hiddenSize = checkSize(name, "hiddenSize", hiddenSize);
    this.numLayers = checkSize(name, "numLayers", numLayers);
    this.batchFirst = batchFirst;
    this.dropout = checkProbability(name, options.dropout ?? 0);
    this.bidirectional = bidirectional;
    const bound = 1 / Math.sqrt(hiddenSize);
    const rows = gates * hiddenSize;
    const draw = (...shape: number[]) => new Parameter(uniform(shape, -bound, bound));
    for (let layer = 0; layer < numLayers; layer++) {
      const size = layer === 0 ? inputSize : hiddenSize * this.#directions;
      for (const suffix of this.#suffixes(layer)) {
        Object.assign(this, {
          [`weightIhL${suffix}`]: draw(rows, size),
          [`weightHhL${suffix}`]: draw(rows, hiddenSize),
          ...(bias && { [`biasIhL${suffix}`]: draw(rows), [`biasHhL${suffix}`]: draw(rows) }),
        });
      }
    }
  }

  /**
   * One step.
   * @param gates [N, gates · hidden]: what the input says to the gates, bias included.
   * @param recurrent what the hidden state says to the gates, bias included.
   * @param state the tensors of the state, each [N, hidden], the hidden state first.
   * @returns those of the next state.
   */
  protected abstract cell(gates: Tensor, recurrent: Tensor, state: readonly Tensor[]): Tensor[];

  /** Part `i` of the gates. */
  protected gate(gates: Tensor, i: number): Tensor {
    return gates.narrow(1, i * this.hiddenSize, this.hiddenSize);
  }

  /**
   * Goes through the sequence.
   * @param kinds how many tensors a state has.
   * @param given those of the first state, [layers · directions, N, hidden]; zeros if undefined.
   */
  protected run(
    input: Tensor,
    kinds: number,
    given: readonly Tensor[] | undefined,
  ): { output: Tensor; state: Tensor[] } {
    // Its steps are turned to the front before they come to a product.
    checkLayerInput(this.constructor.name, input);
    const batched = input.ndim === 3;
    let x = this.#stepsFirst(input);
    const batch = x.shape[1] ?? 0;
    const initial = given?.map(tensor => this.#checkState(tensor, batched, batch));
    const finals: Tensor[][] = [];
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs = this.#suffixes(layer).map((suffix, direction) => {
        const place = finals.length;
        const start = Array.from(
          { length: kinds },
          (_, i) => initial?.[i]?.narrow(0, place, 1).squeeze(0) ?? zeros(batch, this.hiddenSize),
        );
        const { steps, state } = this.#scan(x, this.#weights(suffix), start, direction === 1);
        finals.push(state);
        return stackSteps(steps);
      });
      x = cat(outputs, 2);
      if (layer < this.numLayers - 1) x = dropout(x, { p: this.dropout, training: this.training });
    }
    const state = Array.from({ length: kinds }, (_, i) =>
      stack(finals.flatMap(tensors => tensors[i] ?? [])),
    );
    if (!batched) return { output: x.squeeze(1), state: state.map(tensor => tensor.squeeze(1)) };
    return { output: this.batchFirst ? x.transpose(0, 1) : x, state };
  }

  /** One layer in one direction: the hidden states by time, and the last state. */
  #scan(
    x: Tensor,
    { weightIh, weightHh, biasIh, biasHh }: Weights,
    start: readonly Tensor[],
    backward: boolean,
  ): { steps: Tensor[]; state: Tensor[] } {
    // One product for all times; only what depends on the state goes step by step.
    const gates = unstackSteps(linear(x, weightIh, biasIh));
    if (backward) gates.reverse();
    const steps: Tensor[] = [];
    let state = [...start];
    for (const gate of gates) {
      const [hidden = x] = state;
      state = this.cell(gate, linear(hidden, weightHh, biasHh), state);
      steps.push(state[0] ?? hidden);
    }
    if (backward) steps.reverse();
    return { steps, state };
  }

  get #directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** What the names of a layer's parameters end with, forward first. */
  #suffixes(layer: number): string[] {
    return this.bidirectional ? [`${layer}`, `${layer}Reverse`] : [`${layer}`];
  }

  #weights(suffix: string): Weights {
    const weightIh = this[`weightIhL${suffix}`];
    const weightHh = this[`weightHhL${suffix}`];
    if (!weightIh || !weightHh) throw new Error(`Invariant violation: no weights ${suffix}`);
    return {
      weightIh,
      weightHh,
      biasIh: this[`biasIhL${suffix}`],
      biasHh: this[`biasHhL${suffix}`],
    };
  }

  /** [T, N, features] */
  #stepsFirst(input: Tensor): Tensor {
    const { shape } = input;
    if ((shape.length !== 2 && shape.length !== 3) || shape.at(-1) !== this.inputSize) {
      const form = this.batchFirst ? "[N, T, inputSize]" : "[T, N, inputSize]";
      throw new RangeError(
        `${this.constructor.name}: expects an input ${form} or [T, inputSize] with inputSize = ` +
          `${this.inputSize}, got ${formatShape(shape)}`,
      );
    }
    const steps = shape.length === 3 && this.batchFirst ? input.transpose(0, 1) : input;
    if (steps.shape[0] === 0) {
      throw new RangeError(`${this.constructor.name}: expects a sequence of at least one step`);
    }
    return shape.length === 2 ? input.unsqueeze(1) : steps;
  }

  #checkState(tensor: Tensor, batched: boolean, batch: number): Tensor {
    const layers = this.numLayers * this.#directions;
    const expected: Shape = batched ? [layers, batch, this.hiddenSize] : [layers, this.hiddenSize];
    if (!sameShape(tensor.shape, expected)) {
      throw new RangeError(
        `${this.constructor.name}: expected a state of shape ${formatShape(expected)}, got ` +
          formatShape(tensor.shape),
      );
    }
    return batched ? tensor : tensor.unsqueeze(1);
  }
}
