/** Answers what the latest step did to each element of a tensor, between two steps. */
import { MultiTensorOptimizer } from "../../optim/multiTensor.ts";
import { MOST_ELEMENTS, type TensorElements } from "../../protocol/elements.ts";

type ElementwiseOptimizer = Pick<
  MultiTensorOptimizer<{ readonly lr: number }>,
  "hasTensor" | "stepSizes"
>;

export class ElementMeter {
  readonly #told: (elements: TensorElements) => void;
  /** Optimizers whose latest step is still what was done last to their tensors. */
  readonly #optimizers = new Set<ElementwiseOptimizer>();
  #asked: number[] = [];

  /** @param told gets each answer when it has come from the GPU; the loop does not wait for it. */
  constructor(told: (elements: TensorElements) => void) {
    this.#told = told;
  }

  /** To be called behind each step. */
  passed(optimizer: object, step: number): void {
    if (optimizer instanceof MultiTensorOptimizer) this.#optimizers.add(optimizer);
    for (const tensor of this.#asked.splice(0)) void this.#answer(tensor, step);
  }

  /** Answers at once for a loop that is held, else behind its next step. */
  ask(tensor: number, step: number, isHeld: boolean): void {
    if (isHeld) void this.#answer(tensor, step);
    else this.#asked.push(tensor);
  }

  /** The run went back: what the optimizers did last is not where it stands. */
  forget(): void {
    this.#optimizers.clear();
  }

  async #answer(tensor: number, step: number): Promise<void> {
    const tell = (stepSizes: Float32Array, problem?: string) =>
      this.#told({ tensor, step, stepSizes, ...(problem === undefined ? {} : { problem }) });
    try {
      const nothing = new Float32Array();
      const owner = [...this.#optimizers].find(optimizer => optimizer.hasTensor(tensor));
      if (!owner)
        return tell(
          nothing,
          "No step of its optimizer is known since the run began, or went back.",
        );
      const found = owner.stepSizes(tensor);
      if (!found) return tell(nothing, "It had no gradient in the latest step.");
      if (found.sizes.numel > MOST_ELEMENTS) {
        return tell(nothing, `It has more than ${MOST_ELEMENTS} elements.`);
      }
      const sizes = await found.sizes.data();
      tell(Float32Array.from(sizes, size => Number(size) * found.lr));
    } catch (error) {
      tell(new Float32Array(), error instanceof Error ? error.message : String(error));
    }
  }
}
