/** Steps of a running loop as functions: where they began, where they led, and what the loss is elsewhere. */
import { withOwnArena } from "../../graph/arena.ts";
import { flush } from "../../graph/graph.ts";
import { Origins, rememberOrigins } from "../../graph/node.ts";
import { Optimizer } from "../../optim/optimizer.ts";
import { noGrad, retainGraphs } from "../../tensor/autograd.ts";
import { backwardTargets } from "../../tensor/losses.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Gate, SteppingOptimizer } from "../gate.ts";
import { lossOfKeptGraphs, type StepLoss } from "./stepLoss.ts";

export interface WatchedStep {
  readonly optimizer: Optimizer;
  /** η of the first parameter group. */
  readonly lr: number;
  /** Values of the parameters before the step, and behind it. */
  readonly before: readonly Tensor[];
  readonly after: readonly Tensor[];
  readonly loss: StepLoss;
}

export interface WatchOptions {
  /** Steps to watch, one behind the other. */
  readonly steps: number;
  /** Whether second derivatives will be asked for. */
  readonly twice?: boolean;
}

/**
 * A gate that lets an optimizer take steps, and then holds the loop while `use` looks at them. The loop
 * goes on as if nothing had been.
 */
export class StepWatch<Result> implements Gate {
  /** What `use` found. Rejects as it does, or if `backward()` was not called. */
  readonly result: Promise<Result>;
  readonly #options: WatchOptions;
  readonly #use: (steps: readonly WatchedStep[]) => Promise<Result>;
  readonly #settle = Promise.withResolvers<Result>();
  readonly #steps: WatchedStep[] = [];
  #optimizer: Optimizer | undefined;
  #before: readonly Tensor[] | undefined;
  #loss: StepLoss | undefined;
  #lr = Number.NaN;
  readonly #origins = new Origins();
  #isOver = false;

  constructor(options: WatchOptions, use: (steps: readonly WatchedStep[]) => Promise<Result>) {
    this.#options = options;
    this.#use = use;
    this.result = this.#settle.promise;
    // Whoever asks for the result hears of an error; it is none of the loop.
    this.result.catch(() => {});
  }

  before(optimizer: SteppingOptimizer): undefined {
    const watched: object | undefined = this.#optimizer;
    if (this.#isOver || !this.#optimizer || optimizer !== watched) return;
    const { twice = false } = this.#options;
    this.#lr = optimizer.paramGroups[0]?.lr ?? Number.NaN;
    try {
      const { current } = backwardTargets;
      const parameters = parametersOf(this.#optimizer);
      this.#loss = lossOfKeptGraphs(current, parameters, this.#origins, twice);
    } catch (error) {
      this.#end();
      this.#settle.reject(error);
    }
  }

  after(optimizer: object): Promise<void> | undefined {
    if (this.#isOver || !(optimizer instanceof Optimizer)) return undefined;
    this.#optimizer ??= optimizer;
    return this.#optimizer === optimizer ? withOwnArena(() => this.#look(optimizer)) : undefined;
  }

  async #look(optimizer: Optimizer): Promise<void> {
    const here = copies(parametersOf(optimizer));
    if (this.#before && this.#loss) {
      this.#steps.push({
        optimizer,
        lr: this.#lr,
        before: this.#before,
        after: here,
        loss: this.#loss,
      });
    }
    this.#before = here;
    const isLast = this.#steps.length === this.#options.steps;
    rememberOrigins(isLast ? undefined : this.#origins);
    retainGraphs(!isLast);
    if (!isLast) return;
    this.#end();
    try {
      this.#settle.resolve(await this.#use(this.#steps));
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  #end(): void {
    this.#isOver = true;
    rememberOrigins(undefined);
    retainGraphs(false);
  }
}

function parametersOf({ paramGroups }: Optimizer): readonly Tensor[] {
  return paramGroups.flatMap(({ params }) => params);
}

function copies(tensors: readonly Tensor[]): readonly Tensor[] {
  const copied = noGrad(() => tensors.map(tensor => tensor.detach().clone().keep()));
  flush();
  return copied;
}
