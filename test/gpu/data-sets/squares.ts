/** A data set for workers: [i, i²] with a random number, in a thread that says its number. */
import { isMainThread, threadId } from "node:worker_threads";
import { type data, tensor } from "../../../runtime/index.ts";

export default function squares(
  length: number,
  { bad = -1, exit = -1, lazy = false, computed = false } = {},
): data.Dataset<Awaited<ReturnType<typeof batch>>> {
  return {
    length,
    batch: async (indices, random = Math.random) => {
      if (indices.includes(bad)) throw new RangeError(`sample ${bad} is damaged`);
      if (indices.includes(exit)) process.exit(7);
      const made = batch(indices, random);
      if (computed) await made.inputs.sum().item();
      return lazy ? { ...made, inputs: made.inputs.mul(2) } : made;
    },
  };
}

function batch(indices: Int32Array, random: () => number) {
  const rows = Array.from(indices, i => [i, i * i]);
  return {
    inputs: tensor(rows),
    targets: tensor(indices.slice(), { dtype: "int32" }),
    drawn: Array.from(indices, random),
    isWorker: !isMainThread,
    thread: threadId,
  };
}
