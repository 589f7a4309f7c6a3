/**
 * Where the tensors of an arena stand, and how its kernels share the work. The same offsets hold
 * for parameters, gradients and optimizer state.
 */
/** Floats to which the start of every tensor is aligned: 256 bytes, WebGPU's rule for bindings. */
const ALIGNMENT = 64;

export interface Segment {
  /** First float of the tensor in the arena. */
  readonly start: number;
  readonly elements: number;
}

export interface ArenaLayout {
  readonly segments: readonly Segment[];
  /** Floats of an array of the arena. */
  readonly floats: number;
  /** Workgroups of an update. */
  readonly chunks: number;
  /**
   * What the kernels read, as vec4<u32>: a segment a tensor (first partial, partials, first float,
   * elements), then the chunks (first vec4, elements, tensor, 0).
   */
  readonly words: Uint32Array<ArrayBuffer>;
}

/**
 * Lays out tensors of these sizes one behind the other, each padded with zeros.
 * @param chunkFloats elements that a workgroup updates.
 * @param chunkThreads its threads, each of which leaves a partial.
 */
export function layOut(
  sizes: readonly number[],
  chunkFloats: number,
  chunkThreads: number,
): ArenaLayout {
  const segments: Segment[] = [];
  const places: number[] = [];
  const chunks: number[] = [];
  let start = 0;
  sizes.forEach((elements, tensor) => {
    const first = chunks.length / 4;
    for (let done = 0; done < elements; done += chunkFloats) {
      chunks.push((start + done) / 4, Math.min(chunkFloats, elements - done), tensor, 0);
    }
    const partials = (chunks.length / 4 - first) * chunkThreads;
    places.push(first * chunkThreads, partials, start, elements);
    segments.push({ start, elements });
    start += paddedFloats(elements);
  });
  return {
    segments,
    floats: start,
    chunks: chunks.length / 4,
    words: Uint32Array.from([...places, ...chunks]),
  };
}

/**
 * Splits tensors into arenas that fit the adapter's limits, in order. A tensor that is too large by
 * itself gets an arena of its own: creating that will say so.
 */
export function splitIntoArenas(
  sizes: readonly number[],
  maxFloats: number,
  maxTensors: number,
): number[][] {
  const arenas: number[][] = [];
  let floats = Number.POSITIVE_INFINITY;
  sizes.forEach((elements, tensor) => {
    const arena = arenas.at(-1);
    floats += paddedFloats(elements);
    if (arena && floats <= maxFloats && arena.length < maxTensors) {
      arena.push(tensor);
    } else {
      arenas.push([tensor]);
      floats = paddedFloats(elements);
    }
  });
  return arenas;
}

function paddedFloats(elements: number): number {
  return Math.max(1, Math.ceil(elements / ALIGNMENT)) * ALIGNMENT;
}
