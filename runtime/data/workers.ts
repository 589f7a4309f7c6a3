/** Threads that read the batches of a loader. */
import { Worker } from "node:worker_threads";
import { ADAPTER_VARIABLE } from "../gpu/adapter.ts";
import { Subset } from "./combine.ts";
import type { AnyDataset } from "./dataset.ts";
import { type Origin, originOf } from "./modules.ts";
import type { BatchReader, BatchRequest } from "./reader.ts";
import { unpack } from "./transfer.ts";

/** What a worker is started with. */
export interface WorkerTask {
  readonly origin: Origin;
  readonly batchSize: number;
  /** The training script, for packages that are looked for in its project. */
  readonly script: string | undefined;
}

export interface WorkerRequest {
  readonly id: number;
  readonly request: BatchRequest;
}

export type WorkerReply =
  | { readonly type: "batch"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: unknown };

/** The module beside this one in the sources, at the top of dist/ in a build. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts")
    ? new URL("./worker.ts", import.meta.url)
    : import.meta.url.replace(/(chunks\/)?[^/]*$/, "worker.js"),
);

/** A data set as workers see it: what they make, and which of its samples are meant. */
interface Source {
  readonly origin: Origin;
  readonly select: (indices: Int32Array) => Int32Array;
}

/**
 * What workers can make of a data set: one of `fromModule`, or a subset of that.
 * @throws TypeError if it is another one.
 */
export function workerSource(dataset: AnyDataset): Source {
  if (dataset instanceof Subset) {
    const { origin, select } = workerSource(dataset.dataset);
    return { origin, select: indices => select(dataset.select(indices)) };
  }
  const origin = originOf(dataset);
  if (origin) return { origin, select: indices => indices };
  throw new TypeError(
    "DataLoader: workers are threads of their own, which cannot see a data set of this one. Have a " +
      "module make it, export default () => dataset, and load it by " +
      'data.fromModule(new URL("./dataset.ts", import.meta.url)); or leave out numWorkers',
  );
}

/** Batches are dealt out in turn. */
export class WorkerPool implements BatchReader {
  readonly #select: Source["select"];
  readonly #threads: readonly ReaderThread[];

  constructor({ origin, select }: Source, count: number, batchSize: number) {
    const task = { origin, batchSize, script: process.argv[1] };
    this.#select = select;
    this.#threads = Array.from({ length: count }, () => new ReaderThread(task));
  }

  async read(request: BatchRequest): Promise<unknown> {
    const thread = this.#threads[request.batch % this.#threads.length];
    return thread?.read({ ...request, indices: this.#select(request.indices) });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.close()));
  }
}

class ReaderThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #requests = 0;
  #failure: Error | undefined;

  constructor(task: WorkerTask) {
    const env = { ...process.env, [ADAPTER_VARIABLE]: "none" };
    this.#worker = new Worker(ENTRY, { workerData: task, env });
    this.#worker.on("message", (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on("error", error => this.#fail(error));
    this.#worker.on("exit", code =>
      this.#fail(new Error(`A worker of the DataLoader ended with the exit code ${code}.`)),
    );
    this.#worker.unref();
  }

  read(request: BatchRequest): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#requests++;
    const reply = Promise.withResolvers<unknown>();
    this.#waiting.set(id, reply);
    // Whoever waits for a batch keeps the process alive; an idle worker does not.
    this.#worker.ref();
    this.#worker.postMessage({ id, request } satisfies WorkerRequest);
    return reply.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.type === "batch") waiting?.resolve(unpack(reply.value));
    else waiting?.reject(reply.error);
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}
