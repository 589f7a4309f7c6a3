/** A finished run, recorded by the store as a sidecar does: so many steps in a batch, so many batches at once. */
import { createRunFolder } from "../../../runtime/store/paths.ts";
import { afterBatch, RunWriter } from "../../../runtime/store/writer.ts";
import { MadeUpRun } from "./series.ts";

const BATCH = 50;
const BATCHES_AT_ONCE = 20;

/** Stores the run of a script; returns its folder. */
export function storeRun(script: string, steps: number, tensors: number): string {
  const { id, folder } = createRunFolder(script);
  const made = new MadeUpRun(tensors);
  let record = made.record(id, script);
  const writer = new RunWriter(folder, record, "");
  for (let step = 1; step <= steps; ) {
    const batches = [];
    for (let i = 0; i < BATCHES_AT_ONCE && step <= steps; i++) {
      const batch = made.batch(step, Math.min(BATCH, steps - step + 1));
      batches.push(batch);
      record = afterBatch(record, batch);
      step += batch.count;
    }
    writer.add({ record, batches, logs: [], metrics: [] });
  }
  record = { ...record, status: "completed", endedAt: record.startedAt + steps };
  writer.add({ record, batches: [], logs: [], metrics: [] });
  writer.close();
  return folder;
}
