/** Threads that read the batches of a loader. */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { ADAPTER_VARIABLE } from "../gpu/adapter.ts";
import { Subset } from "./combine.ts";
import type { AnyDataset } from "./dataset.ts";
import { type Origin, originOf } from "./modules.ts";
import type { BatchReader, BatchRequest, ReadBatch } from "./reader.ts";
import { unpack } from "./transfer.ts";

/** What a worker is started with. */
export interface WorkerTask {
  /** Where requests come, in lists, and replies go. */
  readonly port: MessagePort;
  readonly origin: Origin;
  readonly batchSize: number;
  /** Whether it makes batches of samples, by `collate`. */
  readonly collates: boolean;
  /** The training script, for packages that are looked for in its project. */
  readonly script: string | undefined;
}

export interface WorkerRequest {
  readonly id: number;
  readonly request: BatchRequest;
}

export type WorkerReply =
  | {
      readonly type: "batch";
      readonly id: number;
      readonly read: ReadBatch;
      /** Of its arrays. */
      readonly bytes: number;
    }
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

/** Batches ahead of the loop, for each thread. */
const LEAST_AHEAD = 2;

/** Batches ahead of the loop, where they are small, and how much they hold. */
const MOST_AHEAD = 64;
const AHEAD_BYTES = 1 << 20;

/** Batches are dealt out in turn. */
export class WorkerPool implements BatchReader {
  readonly #select: Source["select"];
  readonly #threads: readonly ReaderThread[];

  constructor(
    { origin, select }: Source,
    count: number,
    options: Pick<WorkerTask, "batchSize" | "collates">,
  ) {
    const task = { ...options, origin, script: process.argv[1] };
    this.#select = select;
    this.#threads = Array.from({ length: count }, () => new ReaderThread(task));
  }

  /** Small batches are made and taken in a row, between two turns of the thread that runs. */
  get depth(): number {
    const bytes = Math.max(...this.#threads.map(thread => thread.batchBytes));
    const fitting = bytes > 0 ? Math.floor(AHEAD_BYTES / bytes) : 0;
    return Math.min(Math.max(fitting, LEAST_AHEAD * this.#threads.length), MOST_AHEAD);
  }

  async read(request: BatchRequest): Promise<ReadBatch> {
    const { [request.batch % this.#threads.length]: thread } = this.#threads;
    if (!thread) throw new RangeError("a pool without threads");
    return thread.read({ ...request, indices: this.#select(request.indices) });
  }

  receive(): void {
    for (const thread of this.#threads) thread.receive();
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.close()));
  }
}

class ReaderThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<ReadBatch>>();
  /** Of the arrays of the largest batch so far. */
  batchBytes = 0;
  #requests = 0;
  /** What has been asked for since the last turn of the loop. */
  #unsent: WorkerRequest[] = [];
  #failure: Error | undefined;

  constructor(task: Omit<WorkerTask, "port">) {
    const env = { ...process.env, [ADAPTER_VARIABLE]: "none" };
    // Of a port of its own messages can be taken at any time, of a worker's only in a turn of the event loop.
    const { port1, port2: port } = new MessageChannel();
    const workerData = { ...task, port } satisfies WorkerTask;
    this.#worker = new Worker(ENTRY, { workerData, env, transferList: [port] });
    this.#port = port1;
    this.#port.on("message", (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on("error", error => this.#fail(error));
    this.#worker.on("exit", code =>
      this.#fail(new Error(`A worker of the DataLoader ended with the exit code ${code}.`)),
    );
    this.#worker.unref();
    this.#port.unref();
  }

  read(request: BatchRequest): Promise<ReadBatch> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#requests++;
    const reply = Promise.withResolvers<ReadBatch>();
    this.#waiting.set(id, reply);
    // Whoever waits for a batch keeps the process alive; an idle worker does not.
    this.#worker.ref();
    if (this.#unsent.length === 0) queueMicrotask(() => this.#send());
    this.#unsent.push({ id, request });
    return reply.promise;
  }

  receive(): void {
    for (let next = receiveMessageOnPort(this.#port); next; ) {
      this.#settle(next.message as WorkerReply);
      next = receiveMessageOnPort(this.#port);
    }
  }

  async close(): Promise<void> {
    // First: a reply that comes while the thread ends would let a process end that has nothing else to do.
    this.#port.close();
    await this.#worker.terminate();
  }

  #send(): void {
    this.#port.postMessage(this.#unsent);
    this.#unsent = [];
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.type === "failed") {
      waiting?.reject(reply.error);
      return;
    }
    this.batchBytes = Math.max(this.batchBytes, reply.bytes);
    waiting?.resolve({ ...reply.read, value: unpack(reply.read.value) });
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}
