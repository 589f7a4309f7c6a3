/**
 * Puts small reductions that do not depend on each other beside each other, in one dispatch: the
 * gradients of biases and of the weights of normalisations have few elements each, and a dispatch for
 * every one of them would leave a GPU idle.
 */
import type { KernelSpec } from "../kernels/generate.ts";
import { numel } from "../tensor/shape.ts";
import { membersOf, type Scheduled } from "./fuseRows.ts";
import type { Reads } from "./reads.ts";

/** Reductions to more elements than this fill a GPU by themselves. */
const SMALL = 16_384;

/**
 * @param kernels in order.
 * @param maxBindings storages that a kernel may bind.
 */
export function parallelize(
  kernels: readonly Scheduled[],
  reads: Reads,
  maxBindings: number,
): Scheduled[] {
  const order: (Scheduled | undefined)[] = [];
  let parts: readonly KernelSpec[] = [];
  let place = -1;
  for (const kernel of kernels) {
    if ("program" in kernel) parts = [];
    else if (isSmallReduction(kernel, reads)) {
      const joined = [...parts, kernel];
      const between = order.slice(place + 1).flatMap(other => (other ? membersOf(other) : []));
      const first = parts[0] ?? kernel;
      const fits =
        bindings(joined, reads) <= maxBindings &&
        reads.entry(first.root).phase === reads.entry(kernel.root).phase &&
        parts.every(part => between.every(other => reads.areIndependent(part, other))) &&
        parts.every(part => reads.areIndependent(part, kernel));
      if (fits && parts.length > 0) order[place] = undefined;
      parts = fits ? joined : [kernel];
      place = order.length;
      order.push(parts.length === 1 ? kernel : { parts });
      continue;
    }
    order.push(kernel);
  }
  return order.filter(kernel => kernel !== undefined);
}

function isSmallReduction(kernel: Scheduled, reads: Reads): kernel is KernelSpec {
  if (!("root" in kernel) || kernel.core === undefined) return false;
  const { op } = reads.entry(kernel.core);
  return op.kind === "reduce" && numel(op.shape) <= SMALL;
}

function bindings(parts: readonly KernelSpec[], reads: Reads): number {
  const all = new Set<object | number>();
  for (const part of parts) {
    for (const read of reads.of(part)) all.add(reads.entry(read).node.storage ?? read);
    if (!reads.target(part)) all.add(part.root);
  }
  return all.size;
}
