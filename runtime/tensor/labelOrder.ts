/** Whether the samples come in the order of their labels: seen in the labels of the first batches. */
import { observer } from "../insight/observer.ts";
import { isFloat } from "../kernels/op.ts";
import { hostValues } from "./hostValues.ts";
import { isSettled, tellFault } from "./loopFaults.ts";
import type { Tensor } from "./tensor.ts";

/** Batches that are looked at, and from how many on it is told. */
const LOOKS = 64;
const FEWEST = 8;

/** Labels in a batch: of fewer nothing can be said, of more the first few are enough. */
const SMALLEST_BATCH = 8;
const LARGEST_BATCH = 4096;

/** Part of a shuffled batch's entropy below which it is no accident. */
const SORTED = 0.5;

const total = new Map<number, number>();
let batches = 0;
let entropies = 0;
let classes = 0;

/** To be called by a loss with the class numbers that it is trained on. */
export function checkLabelOrder(targets: Tensor): void {
  if (!observer() || batches >= LOOKS || isSettled("sortedLabels")) return;
  if (isFloat(targets.dtype) || targets.numel < SMALLEST_BATCH) return;
  const labels = hostValues(targets)?.slice(0, LARGEST_BATCH);
  if (!labels) return;
  const batch = new Map<number, number>();
  for (const label of labels) {
    batch.set(label, (batch.get(label) ?? 0) + 1);
    total.set(label, (total.get(label) ?? 0) + 1);
  }
  batches++;
  entropies += entropyOf(batch);
  classes += batch.size;
  if (batches < FEWEST || total.size < 2) return;
  // A batch cannot have more classes than labels.
  const shuffled = Math.min(entropyOf(total), Math.log2(labels.length));
  const entropy = entropies / batches / shuffled;
  if (entropy >= SORTED) return;
  const inBatch = classes / batches;
  tellFault({ type: "sortedLabels", batches, classes: total.size, inBatch, entropy });
}

/** Of the shares of counts, in bits. */
function entropyOf(counts: ReadonlyMap<number, number>): number {
  const all = [...counts.values()];
  const sum = all.reduce((a, b) => a + b, 0);
  return all.reduce((bits, count) => bits - (count / sum) * Math.log2(count / sum), 0);
}
