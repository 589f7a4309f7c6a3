/** The last step of a loop that is held, as a function: where it began, where it led, its loss elsewhere. */
import { gpu } from "../../gpu/device.ts";
import { allocateBound } from "../../gpu/storage.ts";
import { upload } from "../../graph/arena.ts";
import { pendingWrites } from "../../graph/graph.ts";
import { leafNode, Origins, rememberOrigins } from "../../graph/node.ts";
import { Optimizer } from "../../optim/optimizer.ts";
import { backwardTargets } from "../../tensor/losses.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { lossOf, type StepLoss } from "./stepLoss.ts";

/** Values of a step that are remembered; a loop that computes more between two steps is not looked at. */
const MOST_VALUES = 4096;

const NO_VALUES = "The loss cannot be drawn behind the first step. Take one more.";

const SHARED =
  "Several optimizers share a backward(): the loss is drawn behind the step of the first. Take one more.";

const NO_STEP = new Error("The loop is not held behind a step.");

export interface HeldStep {
  readonly parameters: readonly Tensor[];
  /** Values of the parameters before the step. */
  readonly before: readonly Tensor[];
  /** Sum of the losses of the step, and how many there were. */
  readonly loss: StepLoss;
  readonly count: number;
  /** η of the first parameter group. */
  readonly lr: number;
}

/** Remembers of each step what is needed to compute its loss again, should the loop be held behind it. */
export class StepMemory {
  #origins = new Origins(MOST_VALUES);
  readonly #seen = new WeakSet<object>();
  #step: HeldStep | Error = NO_STEP;
  /** `backward()` was called for the batch: the first optimizer of several that share it takes the losses. */
  #isBackward = false;

  constructor() {
    rememberOrigins(this.#origins);
  }

  /** The gradients of a step are recorded, and nothing of it has run. */
  begins(): void {
    if (!backwardTargets.isEmpty) this.#isBackward = true;
  }

  /** The loop will be held behind the step that has begun. */
  keep(optimizer: object): void {
    try {
      this.#step = this.#stepOf(optimizer);
    } catch (error) {
      this.#step = error instanceof Error ? error : new Error(String(error));
    }
  }

  /**
   * A step is over, and the loop goes on: what was remembered of the step is not held any longer.
   * @param isLast no other optimizer shares the batch.
   */
  passed(optimizer: object, isLast: boolean): void {
    this.#seen.add(optimizer);
    this.#step = NO_STEP;
    if (isLast) {
      this.#isBackward = false;
      this.#origins = new Origins(MOST_VALUES);
      rememberOrigins(this.#origins);
    }
  }

  /** The last step is none to look at any more. */
  forget(why: string): void {
    this.#step = new Error(why);
  }

  /** @throws Error that says why there is none. */
  get step(): HeldStep {
    if (this.#step instanceof Error) throw this.#step;
    return this.#step;
  }

  #stepOf(optimizer: object): HeldStep {
    if (!(optimizer instanceof Optimizer)) {
      throw new Error("The loss can be drawn for Stepscope's own optimizers only.");
    }
    if (!this.#origins.isWhole) {
      throw new Error(
        `The script computes more than ${MOST_VALUES} values between two steps: this one cannot be ` +
          "computed again.",
      );
    }
    const parameters = optimizer.paramGroups.flatMap(({ params }) => params);
    // Parameters that are computed for the first time together with the step have no values yet.
    if (!this.#seen.has(optimizer) && pendingWrites() > 0) {
      throw new Error(NO_VALUES);
    }
    const losses = backwardTargets.current;
    if (losses.length === 0 && this.#isBackward) throw new Error(SHARED);
    const loss = lossOf(losses, parameters, this.#origins);
    const before = copies(parameters);
    const lr = (optimizer.paramGroups[0] as { readonly lr?: number } | undefined)?.lr ?? Number.NaN;
    return { parameters, before, loss, count: losses.length, lr };
  }
}

/** Copies the values as they are on the GPU: nothing that is recorded runs for that. */
function copies(parameters: readonly Tensor[]): readonly Tensor[] {
  const encoder = gpu.device.createCommandEncoder({ label: "parameters before a step" });
  const copied = parameters.map(({ node, shape }) => {
    if (node.host) return new Tensor(leafNode(upload(node, node.host), shape, "float32"));
    const range = node.storage?.range;
    if (!range) throw new Error(NO_VALUES);
    const storage = allocateBound(range.size, "a parameter before a step");
    encoder.copyBufferToBuffer(
      range.buffer,
      range.offset,
      storage.range.buffer,
      storage.range.offset,
      range.size,
    );
    return new Tensor(leafNode(storage, shape, "float32"));
  });
  gpu.device.queue.submit([encoder.finish()]);
  return copied;
}
