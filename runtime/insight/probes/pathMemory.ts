/** The way of one or two parameters, step by step. */
import { createBuffer, gpu } from "../../gpu/device.ts";
import { readRange } from "../../gpu/readback.ts";
import { STORAGE_USAGE } from "../../gpu/storage.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Most elements of a model whose way is kept. */
export const MOST_ELEMENTS = 2;

/** Steps that are kept: the newest. */
const LENGTH = 2048;

const ENTRY_BYTES = 4 * MOST_ELEMENTS;

export class PathMemory {
  #buffer: GPUBuffer | undefined;
  /** Steps behind which the parameters were noted, by place. */
  readonly #steps: number[] = [];
  #next = 0;

  /** Notes the values behind step `step`, as they are on the GPU. */
  note(step: number, parameters: readonly Tensor[]): void {
    this.#buffer ??= createBuffer(LENGTH * ENTRY_BYTES, STORAGE_USAGE, "the way of the parameters");
    const encoder = gpu.device.createCommandEncoder({ label: "the way of the parameters" });
    let offset = this.#next * ENTRY_BYTES;
    for (const { node, numel } of parameters) {
      const { host } = node;
      const range = node.storage?.range;
      if (range) {
        encoder.copyBufferToBuffer(range.buffer, range.offset, this.#buffer, offset, 4 * numel);
      } else if (host) {
        gpu.device.queue.writeBuffer(this.#buffer, offset, Float32Array.from(host));
      } else return;
      offset += 4 * numel;
    }
    gpu.device.queue.submit([encoder.finish()]);
    this.#steps[this.#next] = step;
    this.#next = (this.#next + 1) % LENGTH;
  }

  /** What was noted, oldest first. */
  async read(): Promise<readonly { readonly step: number; readonly values: readonly number[] }[]> {
    if (!this.#buffer || this.#steps.length === 0) return [];
    const size = this.#steps.length * ENTRY_BYTES;
    const floats = new Float32Array(await readRange({ buffer: this.#buffer, offset: 0, size }));
    const entries = this.#steps.map((step, i) => ({
      step,
      values: [...floats.subarray(i * MOST_ELEMENTS, (i + 1) * MOST_ELEMENTS)],
    }));
    return entries.sort((a, b) => a.step - b.step);
  }
}
