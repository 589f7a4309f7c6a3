/** Processes that train one model together, each with micro-batches of its own. */
import type { Optimizer } from "../optim/optimizer.ts";
import { noGrad } from "../tensor/autograd.ts";
import { tensor } from "../tensor/creation.ts";
import { cat } from "../tensor/joining.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Exchange, joinHub, openHub } from "./exchange.ts";

export interface GroupOptions {
  /** Which worker this is, from 0. STEPSCOPE_RANK by default. */
  readonly rank: number;
  /** How many there are. STEPSCOPE_SIZE by default. */
  readonly size: number;
  /** A socket file that none has made yet, or a named pipe on Windows. STEPSCOPE_GROUP by default. */
  readonly path: string;
}

/**
 * Joins the workers of a group; resolves when all are there. Without options, and without the environment
 * variables, it is a group of one: the script runs alone as it does among others.
 *
 *     const workers = await parallel.join();
 *     for (let i = workers.rank; i < microBatches.length; i += workers.size) {
 *       lossOf(microBatches[i]).div(microBatches.length).backward();
 *     }
 *     await workers.sumGradients(optimizer);
 *     await optimizer.step();
 *
 * Workers that begin with the same parameters keep the same ones: they take the same steps.
 * @throws RangeError if rank, size or path make no sense; Error if not all workers come within a minute.
 */
export async function join(options: Partial<GroupOptions> = {}): Promise<WorkerGroup> {
  const { STEPSCOPE_RANK, STEPSCOPE_SIZE, STEPSCOPE_GROUP } = process.env;
  const {
    rank = Number(STEPSCOPE_RANK ?? 0),
    size = Number(STEPSCOPE_SIZE ?? 1),
    path = STEPSCOPE_GROUP,
  } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`parallel: size should be a whole number of at least 1, got ${size}`);
  }
  if (!Number.isInteger(rank) || rank < 0 || rank >= size) {
    throw new RangeError(
      `parallel: rank should be a whole number from 0 to ${size - 1}, got ${rank}`,
    );
  }
  if (size === 1) return new WorkerGroup(rank, size);
  if (!path) throw new RangeError("parallel: several workers need a path to meet at");
  const exchange = rank === 0 ? await openHub(path, size) : await joinHub(path, rank);
  return new WorkerGroup(rank, size, exchange);
}

/** The workers of a group, as one of them sees it. Made by `join`. */
export class WorkerGroup {
  readonly rank: number;
  readonly size: number;
  readonly #exchange: Exchange | undefined;

  /** @internal */
  constructor(rank: number, size: number, exchange?: Exchange) {
    this.rank = rank;
    this.size = size;
    this.#exchange = exchange;
  }

  /**
   * Gives every parameter of an optimizer the sum of the workers' gradients, added up in the order of
   * their ranks. Of k workers with one micro-batch each it is, bit by bit, the gradient that one worker
   * accumulates over the k of them. To be called between `backward()` and `step()`, by all of them.
   * @throws Error if a worker has gone, or trains other parameters.
   */
  async sumGradients(optimizer: Optimizer): Promise<void> {
    if (!this.#exchange) return;
    const parameters = optimizer.paramGroups.flatMap(({ params }) => params).filter(hasGrad);
    const sum = await this.#exchange.sum(await valuesOf(parameters.map(({ grad }) => grad)));
    let offset = 0;
    for (const parameter of parameters) {
      const { shape, numel } = parameter;
      parameter.grad = tensor(sum.slice(offset, offset + numel), { shape });
      offset += numel;
    }
  }

  /** Leaves the group. */
  close(): void {
    this.#exchange?.close();
  }
}

function hasGrad(parameter: Tensor): parameter is Tensor & { grad: Tensor } {
  return parameter.grad !== null;
}

/** All of them behind one another, in one readback. */
async function valuesOf(gradients: readonly Tensor[]): Promise<Float32Array> {
  if (gradients.length === 0) return new Float32Array();
  const all = noGrad(() => cat(gradients.map(gradient => gradient.flatten())));
  // Only float32 can learn.
  return (await all.data()) as Float32Array;
}
