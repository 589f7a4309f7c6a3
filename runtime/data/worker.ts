/** Entry of a loader's worker: makes the data set once more and reads the batches that it is asked for. */
import { parentPort, workerData } from "node:worker_threads";
import type { AnyDataset } from "./dataset.ts";
import { make, provideModules } from "./modules.ts";
import { openReader } from "./reader.ts";
import { pack } from "./transfer.ts";
import type { WorkerReply, WorkerRequest, WorkerTask } from "./workers.ts";

const { origin, batchSize, script } = workerData as WorkerTask;
if (script !== undefined) process.argv[1] = script;
provideModules(origin.compiled);
const reader = openReader((await make(origin)) as AnyDataset, batchSize);

parentPort?.on("message", async ({ id, request }: WorkerRequest) => {
  try {
    const { value, transfer } = pack(await reader.read(request));
    parentPort?.postMessage({ type: "batch", id, value } satisfies WorkerReply, transfer);
  } catch (error) {
    sendFailure(id, error);
  }
});

function sendFailure(id: number, error: unknown): void {
  try {
    parentPort?.postMessage({ type: "failed", id, error } satisfies WorkerReply);
  } catch {
    // An error with something on it that cannot be copied.
    parentPort?.postMessage({ type: "failed", id, error: new Error(String(error)) });
  }
}
