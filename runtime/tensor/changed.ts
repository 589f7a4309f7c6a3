/** The tensors that a script changes in place from step to step: buffers, moving averages. */
import type { Memory } from "../checkpoint/parts.ts";
import { leafNode } from "../graph/node.ts";
import type { Tensor } from "./tensor.ts";

let changed = new Set<WeakRef<Tensor>>();
/** Size at which the references to collected tensors are thrown out. */
let limit = 1024;

/** Enters a tensor. @internal */
export function enterChanged(tensor: Tensor): void {
  if (changed.size >= limit) {
    changed = new Set([...changed].filter(reference => reference.deref()));
    limit = Math.max(1024, 2 * changed.size);
  }
  changed.add(new WeakRef(tensor));
}

/**
 * Remembers the values of all tensors that were entered. Most need no copy: a change in place gives
 * the tensor another node, and the old one keeps its value. Those that live in memory of their own are
 * written where they lie: their ranges are to be copied.
 * @param covered memory that is copied anyway.
 * @internal
 */
export function captureTensors(covered: readonly Memory[]): {
  readonly memory: readonly Memory[];
  /** To be called when the memory has been written back. */
  readonly put: () => void;
} {
  const memory: Memory[] = [];
  const puts: (() => void)[] = [];
  for (const reference of changed) {
    const tensor = reference.deref();
    if (!tensor) continue;
    const { node } = tensor;
    const { storage } = node;
    if (node.op.kind !== "leaf" || !storage?.bound) {
      tensor.keep();
      puts.push(() => {
        tensor.node = node;
        tensor.version++;
      });
      continue;
    }
    if (covered.some(({ range }) => contains(range, storage.range))) continue;
    memory.push(storage);
    puts.push(() => {
      storage.version++;
      tensor.node = leafNode(storage, tensor.shape, tensor.dtype);
      tensor.version++;
    });
  }
  return {
    memory,
    put: () => {
      for (const put of puts) put();
    },
  };
}

function contains(outer: Memory["range"], { buffer, offset, size }: Memory["range"]): boolean {
  return (
    outer.buffer === buffer && outer.offset <= offset && offset + size <= outer.offset + outer.size
  );
}
