/** A module with what is in it, or a tensor. */
export interface TensorNode {
  /** The whole name, with those of the modules around it. */
  readonly name: string;
  /** The part that the modules around it do not say. */
  readonly label: string;
  /** Undefined for a tensor. */
  readonly children: readonly TensorNode[] | undefined;
  /** Names of the tensors in it, or its own. */
  readonly tensors: readonly string[];
}

/**
 * Tensors as their modules hold them, by the dots in their names, in the order in which they came. A
 * module that holds one module alone stands in one line with it.
 */
export function treeOf(names: readonly string[], prefix = ""): readonly TensorNode[] {
  const groups = Map.groupBy(names, name => name.slice(prefix.length).split(".", 1)[0] ?? "");
  return [...groups].flatMap(([label, tensors]) => {
    const name = prefix + label;
    const own = tensors.filter(tensor => tensor === name);
    const inner = tensors.filter(tensor => tensor !== name);
    return [
      ...own.map(() => ({ name, label, children: undefined, tensors: own })),
      ...(inner.length > 0 ? [moduleOf(name, label, inner)] : []),
    ];
  });
}

function moduleOf(name: string, label: string, tensors: readonly string[]): TensorNode {
  const children = treeOf(tensors, `${name}.`);
  const [only] = children;
  return children.length === 1 && only?.children
    ? { ...only, label: `${label}.${only.label}` }
    : { name, label, children, tensors };
}

/**
 * Whether a name is meant by a filter: a part of it, upper and lower case alike; with `*` or `?` the
 * whole of it, where these stand for any characters and for one.
 */
export function matcherOf(filter: string): (name: string) => boolean {
  const wanted = filter.trim().toLowerCase();
  if (!/[*?]/.test(wanted)) return name => name.toLowerCase().includes(wanted);
  const pattern = wanted
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const whole = new RegExp(`^${pattern}$`);
  return name => whole.test(name.toLowerCase());
}

/** A line of a tree. */
export interface TreeRow {
  readonly node: TensorNode;
  /** Modules around it. */
  readonly depth: number;
}

/** The lines that can be seen of a tree whose modules of these names are collapsed. */
export function rowsOf(
  nodes: readonly TensorNode[],
  collapsed: readonly string[],
  depth = 0,
): readonly TreeRow[] {
  return nodes.flatMap(node => [
    { node, depth },
    ...(node.children && !collapsed.includes(node.name)
      ? rowsOf(node.children, collapsed, depth + 1)
      : []),
  ]);
}
