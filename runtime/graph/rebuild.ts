/** Computes what was computed before once more, from other values. */
import { recordNode } from "./graph.ts";
import { hostNode, leafNode, Node, type Origins } from "./node.ts";

/**
 * Records the operations behind `roots` again. Values whose origin is not known are taken as they are.
 * @param origins how those came about that have been realized meanwhile.
 * @param substitutes what stands for a value, by its storage, or by its node where it has none.
 * @returns new nodes in the place of the roots.
 */
export function rebuild(
  roots: readonly Node[],
  origins: Origins,
  substitutes: ReadonlyMap<object, Node>,
): readonly Node[] {
  const rebuilt = new Map<Node, Node>();
  const again = (node: Node): Node => {
    let found = rebuilt.get(node);
    if (!found) {
      found = substitutes.get(node.storage ?? node) ?? anew(node);
      rebuilt.set(node, found);
    }
    return found;
  };
  const anew = (node: Node): Node => {
    const { op, host, scalars, storage } = node;
    if (host) return hostNode(host, op.shape, op.dtype);
    const origin = origins.of(node);
    const inputs = origin ?? node.inputs;
    const isValue = op.kind === "leaf" || (storage !== undefined && origin === undefined);
    if (isValue)
      return storage && op.kind !== "leaf" ? leafNode(storage, op.shape, op.dtype) : node;
    return recordNode(new Node(op, inputs.map(again), scalars));
  };
  return roots.map(again);
}
