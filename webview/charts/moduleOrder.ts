/**
 * The places of tensors in the order of the module tree: those of a module follow each other, modules
 * as they first appear. An optimizer whose groups part weights from biases has another order.
 * @param names qualified names, such as `encoder.0.weight`.
 * @returns indices into `names`.
 */
export function moduleOrder(names: readonly string[]): number[] {
  const paths = names.map(name => name.split("."));
  return ordered(
    names.map((_, i) => i),
    0,
  );

  function ordered(indices: readonly number[], depth: number): number[] {
    const modules = Map.groupBy(indices, index => paths[index]?.[depth]);
    return [...modules].flatMap(([part, members]) =>
      part === undefined || members.length < 2 ? members : ordered(members, depth + 1),
    );
  }
}
