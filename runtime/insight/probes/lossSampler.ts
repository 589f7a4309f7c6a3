/** The loss of a step at many places, without a trace in what the script computes. */
import { createBuffer, destroyBuffer, gpu } from "../../gpu/device.ts";
import { readRange } from "../../gpu/readback.ts";
import { type BufferRange, STORAGE_USAGE } from "../../gpu/storage.ts";
import { OwnArena } from "../../graph/arena.ts";
import { flush, realize } from "../../graph/graph.ts";
import { withGrad } from "../../tensor/autograd.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { dot } from "./lineScan.ts";
import type { StepLoss } from "./stepLoss.ts";

/** Values in the shapes of the parameters. */
export type Vector = readonly Tensor[];

/** Places between which the loop is looked at: whether it goes on, and who wants to hear of it. */
const CHUNK = 16;

export class LossSampler {
  readonly #loss: StepLoss;
  readonly #count: number;
  readonly #signal: AbortSignal;
  readonly #arena = new OwnArena();

  /**
   * @param count losses of which `loss` is the sum: their mean is what is shown.
   * @param signal ends everything with its reason.
   */
  constructor(loss: StepLoss, count: number, signal: AbortSignal) {
    this.#loss = loss;
    this.#count = count;
    this.#signal = signal;
  }

  /**
   * Computes tensors that are kept. What the script has recorded and not computed yet is untouched.
   */
  run<T extends Tensor | readonly Tensor[]>(make: () => T): T {
    flush();
    return this.#arena.run(() =>
      withGrad(false, () => {
        const made = make();
        for (const tensor of [made].flat() as Tensor[]) tensor.keep();
        flush();
        return made;
      }),
    );
  }

  /**
   * The mean loss at from + x · a + y · b for each place [x, y].
   * @param onProgress hears of places that are done.
   */
  async at(
    from: Vector,
    directions: readonly [Vector, Vector],
    places: readonly (readonly [number, number])[],
    onProgress: (losses: Float64Array, done: number) => void = () => {},
  ): Promise<Float64Array> {
    const losses = new Float64Array(places.length).fill(Number.NaN);
    for (let done = 0; done < losses.length; done += CHUNK) {
      this.#signal.throwIfAborted();
      const chunk = places.slice(done, done + CHUNK);
      const values = await this.#read(chunk.map(each => () => this.#value(from, directions, each)));
      losses.set(
        values.map(value => value / this.#count),
        done,
      );
      this.#signal.throwIfAborted();
      onProgress(losses, Math.min(losses.length, done + CHUNK));
    }
    return losses;
  }

  /** The derivative of the mean loss at a place along a direction. */
  async slope(at: Vector, direction: Vector): Promise<number> {
    const [slope = Number.NaN] = await this.#read([() => dot(this.#loss.gradient(at), direction)]);
    return slope / this.#count;
  }

  /** Inner products of pairs of vectors. */
  dots(pairs: readonly (readonly [Vector, Vector])[]): Promise<Float64Array> {
    return this.#read(
      pairs.map(
        ([a, b]) =>
          () =>
            dot(a, b),
      ),
    );
  }

  free(): void {
    this.#arena.free();
  }

  #value(from: Vector, [a, b]: readonly [Vector, Vector], [x, y]: readonly [number, number]) {
    return this.#loss.value(
      from.map((start, i) => start.add((a[i] as Tensor).mul(x)).add((b[i] as Tensor).mul(y))),
    );
  }

  /** Numbers that are computed one after the other, by the plan of the first. */
  async #read(makes: readonly (() => Tensor)[]): Promise<Float64Array> {
    // What the script has recorded runs in its own arena.
    flush();
    const size = 4 * makes.length;
    const results = createBuffer(Math.max(4, size), STORAGE_USAGE, "losses of a picture");
    try {
      const ranges = this.#arena.run(() =>
        withGrad(false, () => makes.map(make => realize(make().node).range)),
      );
      copyInto(results, ranges);
      return Float64Array.from(
        new Float32Array(await readRange({ buffer: results, offset: 0, size })),
      );
    } finally {
      destroyBuffer(results);
    }
  }
}

function copyInto(results: GPUBuffer, ranges: readonly BufferRange[]): void {
  const encoder = gpu.device.createCommandEncoder({ label: "losses of a picture" });
  ranges.forEach(({ buffer, offset }, i) => {
    encoder.copyBufferToBuffer(buffer, offset, results, 4 * i, 4);
  });
  gpu.device.queue.submit([encoder.finish()]);
}
