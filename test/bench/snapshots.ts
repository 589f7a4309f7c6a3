/**
 * What the states cost that a loop can go back to: a copy of parameters and optimizer state on the GPU,
 * until the GPU is done with it.
 *
 *     node test/bench/snapshots.ts [snapshots]
 *
 * A loop that nobody touches takes at most one a second: so many milliseconds are so many tenths of a
 * percent of its time.
 */
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { gpu } from "../../runtime/gpu/device.ts";
import { milliseconds, SIZES, trainer } from "./perceptron.ts";
import { quantile } from "./table.ts";

/** As `--rewind-memory` has it unless it is given. */
const BUDGET = 256 * 2 ** 20;
const count = Number(process.argv[2] ?? 50);

console.log(`${gpu.adapter.description}, AdamW, two-layer perceptron, ${count} snapshots`);
for (const size of SIZES) {
  const train = trainer(size);
  const ring = new SnapshotRing(BUDGET);
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    await train();
    await gpu.device.queue.onSubmittedWorkDone();
    const start = milliseconds();
    ring.take(i);
    await gpu.device.queue.onSubmittedWorkDone();
    took.push(milliseconds() - start);
  }
  const [low, median, high] = [0.25, 0.5, 0.75].map(share => quantile(took, share).toFixed(2));
  console.log(`${size.name}: a snapshot takes ${median} ms (quartiles ${low}, ${high})`);
  ring.clear();
}
process.exit(0);
