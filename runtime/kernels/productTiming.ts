/**
 * Finds out which division of a matrix product is the quickest on an adapter that was not measured when the
 * engine was written: beside the loop, once for each class of sizes, and kept on disk.
 */
import { createBuffer, destroyBuffer, gpu } from "../gpu/device.ts";
import { isCacheKept } from "../gpu/diskCache.ts";
import { bindGroupLayout, prepareKernel } from "../gpu/pipelines.ts";
import { readRange } from "../gpu/readback.ts";
import { STORAGE_USAGE } from "../gpu/storage.ts";
import { KernelBuilder, type KernelEntry } from "./builder.ts";
import {
  BY_QUADS,
  BY_THREADS,
  type Division,
  divisionsFor,
  isTimed,
  keepQuickest,
  type Product,
  productClass,
} from "./divisions.ts";
import { matmulKernel } from "./matmul.ts";
import { internOp, type OpKind } from "./op.ts";

/** Adapters on which the divisions were measured: the first of each list is the quickest, or nearly so. */
const KNOWN: ReadonlySet<string> = new Set(["swiftshader"]);

/** Multiplications from which on it matters how they are divided. */
const WORTHWHILE = 2 ** 20;

/** Multiplications of a dispatch, and of a run of dispatches, that are timed. */
const [MOST_WORK, RUN_WORK] = gpu.adapter.software ? [2 ** 24, 2 ** 24] : [2 ** 30, 2 ** 32];

/** Bytes of a matrix; products of larger ones are not timed. */
const MOST_BYTES = 2 ** 26;

/** Runs of each division, in turns: the shortest counts, as others may have shared the adapter. */
const ROUNDS = 5;

const MOST_ENTRANTS = Math.max(BY_THREADS.length, BY_QUADS.length);

/** What replaces the first division has to be quicker by so much: a tenth is chance. */
const GAIN = 0.9;

/** The loop's first steps are not disturbed. */
const DELAY_MS = 2000;

const waiting = new Map<string, Product>();

/** Has a product timed in a while, if that is still to be done on this adapter and what is found can be kept. */
export function timeProductLater(product: Product): void {
  const { batches, m, k, n } = product;
  const isKnown = KNOWN.has(gpu.adapter.architecture);
  if (isKnown || batches * m * k * n < WORTHWHILE || !canTime() || isTimed(product)) return;
  if (waiting.size === 0) setTimeout(() => void timeWaiting(), DELAY_MS).unref();
  waiting.set(productClass(product), product);
}

function canTime(): boolean {
  return gpu.device.features.has("timestamp-query") && isCacheKept();
}

async function timeWaiting(): Promise<void> {
  for (const [name, product] of waiting) {
    // Whatever goes wrong, such as a device that was lost, is told where the loop meets it.
    await timeProduct(product).catch(() => {});
    waiting.delete(name);
  }
}

/**
 * Times the divisions of a product, unless that was done in this process or an earlier one, and keeps the
 * quickest of those whose result has the bits of the first one's.
 * @returns how many were timed.
 */
export async function timeProduct(product: Product): Promise<number> {
  if (isTimed(product)) return 0;
  const { batches, m, n } = product;
  const k = Math.max(1, Math.min(product.k, Math.floor(MOST_WORK / (batches * m * n))));
  if (4 * batches * Math.max(m * k, k * n, m * n) > MOST_BYTES) return 0;
  const bench = new ProductBench({ ...product, k });
  try {
    const entrants = await bench.enter(divisionsFor(product));
    for (let round = 0; round < ROUNDS; round++) {
      const times = await bench.run(entrants);
      entrants.forEach((entrant, i) => {
        entrant.time = Math.min(entrant.time, times[i] ?? Number.POSITIVE_INFINITY);
      });
    }
    const [first, ...others] = entrants;
    if (!first) return 0;
    let quickest = first;
    for (const other of others) {
      if (other.time < Math.min(quickest.time, GAIN * first.time)) quickest = other;
    }
    keepQuickest(product, quickest.division);
    return entrants.length;
  } finally {
    bench.free();
  }
}

interface Entrant {
  readonly division: Division;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  /** Shortest run, in nanoseconds. */
  time: number;
}

/** Two matrices of random numbers, a place for their product, and a clock. */
export class ProductBench {
  readonly #product: Product;
  readonly #matrices: readonly GPUBuffer[];
  readonly #scalars = createBuffer(16, GPUBufferUsage.UNIFORM, "scalars");
  readonly #times = createBuffer(
    16 * MOST_ENTRANTS,
    GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    "times",
  );
  readonly #clock = gpu.device.createQuerySet({ type: "timestamp", count: 2 * MOST_ENTRANTS });

  constructor(product: Product) {
    this.#product = product;
    const { batches, m, k, n } = product;
    this.#matrices = [m * k, k * n, m * n].map(size =>
      createBuffer(4 * batches * size, STORAGE_USAGE, "a timed product"),
    );
    for (const matrix of this.#matrices.slice(0, 2)) {
      gpu.device.queue.writeBuffer(matrix, 0, randomNumbers(matrix.size / 4));
    }
  }

  /** Those that compile, and compute the bits that the first of them computes. */
  async enter(divisions: readonly Division[]): Promise<Entrant[]> {
    const entrants: Entrant[] = [];
    let expected: Buffer | undefined;
    for (const division of divisions) {
      const entrant = await this.prepare(division);
      if (!entrant) continue;
      const bits = await this.bits(entrant);
      expected ??= bits;
      if (bits.equals(expected)) entrants.push(entrant);
    }
    return entrants;
  }

  /** What a division computes. */
  async bits(entrant: Entrant): Promise<Buffer> {
    const [, , buffer] = this.#matrices;
    if (!buffer) throw new Error("Invariant violation: a product without a place");
    const encoder = gpu.device.createCommandEncoder({ label: "forget the last product" });
    encoder.clearBuffer(buffer);
    gpu.device.queue.submit([encoder.finish()]);
    await this.run([entrant]);
    return Buffer.from(await readRange({ buffer, offset: 0, size: buffer.size }));
  }

  /** Nanoseconds that each of them takes, all in one submission: the loop's steps stand before every one. */
  async run(entrants: readonly Entrant[]): Promise<number[]> {
    const { batches, m, k, n } = this.#product;
    const repeats = Math.min(256, Math.ceil(RUN_WORK / (batches * m * k * n)));
    const encoder = gpu.device.createCommandEncoder({ label: "time a product" });
    entrants.forEach(({ pipeline, group, workgroups }, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet: this.#clock,
          beginningOfPassWriteIndex: 2 * i,
          endOfPassWriteIndex: 2 * i + 1,
        },
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let turn = 0; turn < repeats; turn++) pass.dispatchWorkgroups(...workgroups);
      pass.end();
    });
    encoder.resolveQuerySet(this.#clock, 0, 2 * entrants.length, this.#times, 0);
    gpu.device.queue.submit([encoder.finish()]);
    const { size } = this.#times;
    const times = new BigUint64Array(await readRange({ buffer: this.#times, offset: 0, size }));
    return entrants.map((_, i) => Number((times[2 * i + 1] ?? 0n) - (times[2 * i] ?? 0n)));
  }

  free(): void {
    for (const buffer of [...this.#matrices, this.#scalars, this.#times]) destroyBuffer(buffer);
    this.#clock.destroy();
  }

  /** Undefined if it does not compile. */
  async prepare(division: Division): Promise<Entrant | undefined> {
    const { entries, root } = tapeOf(this.#product);
    const builder = new KernelBuilder(
      entries,
      entries.map((_, i) => i === root),
    );
    builder.compute(root);
    const { wgsl, bindings, workgroups } = matmulKernel(builder, root, root, division);
    const storages = bindings.length;
    const pipeline = await prepareKernel({ code: wgsl, storages, label: "matmul" });
    if (!pipeline) return undefined;
    const matrices = bindings.map(index => this.#matrices[index === root ? 2 : index]);
    const buffers = [this.#scalars, ...matrices].filter(buffer => buffer !== undefined);
    const group = gpu.device.createBindGroup({
      layout: bindGroupLayout(storages),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return { division, pipeline, group, workgroups, time: Number.POSITIVE_INFINITY };
  }
}

/** A tape with nothing but two matrices in memory, 0 and 1, and their product. */
function tapeOf({ batches, m, k, n, transposed }: Product): {
  entries: KernelEntry[];
  root: number;
} {
  const entries: KernelEntry[] = [];
  const add = (kind: OpKind, shape: readonly number[], inputs: readonly number[]): number => {
    const op = internOp(kind, shape, "float32");
    const storage = kind.kind === "leaf" ? {} : undefined;
    return entries.push({ op, inputs, node: { scalars: [], storage } }) - 1;
  };
  const shapes = [
    [batches, m, k],
    [batches, k, n],
  ];
  const stored = shapes.map((shape, i) => {
    const [count = 1, rows = 1, columns = 1] = shape;
    return add({ kind: "leaf", bound: true }, transposed[i] ? [count, columns, rows] : shape, []);
  });
  const factors = shapes.map((shape, i) => {
    const matrix = stored[i] ?? -1;
    if (!transposed[i]) return matrix;
    return add({ kind: "view", view: { kind: "permute", dims: [0, 2, 1] } }, shape, [matrix]);
  });
  return { root: add({ kind: "matmul" }, [batches, m, n], factors), entries };
}

/** Random numbers; many are the same ones again and again, which no time depends on. */
function randomNumbers(count: number): Float32Array<ArrayBuffer> {
  const few = Float32Array.from({ length: Math.min(count, 65_521) }, () => Math.random() - 0.5);
  const numbers = new Float32Array(count);
  for (let at = 0; at < count; at += few.length) {
    numbers.set(few.subarray(0, count - at), at);
  }
  return numbers;
}
