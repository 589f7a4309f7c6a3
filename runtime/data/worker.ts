/** Entry of a loader's worker: makes the data set once more and reads the batches that it is asked for. */
import { workerData } from "node:worker_threads";
import { collate } from "./collate.ts";
import type { AnyDataset } from "./dataset.ts";
import { make, provideModules } from "./modules.ts";
import { openReader, type ReadBatch } from "./reader.ts";
import { isSendable, pack } from "./transfer.ts";
import type { WorkerReply, WorkerRequest, WorkerTask } from "./workers.ts";

const { port, origin, batchSize, collates, script } = workerData as WorkerTask;
if (script !== undefined) process.argv[1] = script;
provideModules(origin.compiled);
const reader = openReader((await make(origin)) as AnyDataset, batchSize);

const requests: WorkerRequest[] = [];
let isAnswering = false;

port.on("message", (list: readonly WorkerRequest[]) => {
  requests.push(...list);
  if (!isAnswering) void answerAll();
});

/** Begins with one after the other; what has been read is sent before the next is begun. */
async function answerAll(): Promise<void> {
  isAnswering = true;
  for (let next = requests.shift(); next; next = requests.shift()) {
    void answer(next);
    await new Promise<void>(resolve => setImmediate(resolve));
  }
  isAnswering = false;
}

async function answer({ id, request }: WorkerRequest): Promise<void> {
  try {
    const read = joined(await reader.read(request));
    const { value, transfer } = pack(read.value);
    const bytes = transfer.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const reply: WorkerReply = { type: "batch", id, read: { ...read, value }, bytes };
    port.postMessage(reply, transfer);
  } catch (error) {
    sendFailure(id, error);
  }
}

/** A batch of samples, where it is for the worker to make it. */
function joined(read: ReadBatch): ReadBatch {
  if (!collates || !read.isList || read.samples === 0) return read;
  const value = collate(read.value as unknown[]);
  // Samples that are joined on the GPU are joined in the loop.
  return isSendable(value) ? { ...read, value, isList: false } : read;
}

function sendFailure(id: number, error: unknown): void {
  try {
    port.postMessage({ type: "failed", id, error } satisfies WorkerReply);
  } catch {
    // An error with something on it that cannot be copied.
    port.postMessage({ type: "failed", id, error: new Error(String(error)) });
  }
}
