/** How parameters and layers are chosen by their qualified names, such as `blocks.0.attention.weight`. */

/**
 * A name, whole or a part of one between dots (`blocks.0`, `attention`, `bias`), a regular expression
 * that finds something in it, or several of these.
 */
export type NamePattern = string | RegExp | readonly (string | RegExp)[];

/** Whether a qualified name is meant by a pattern. */
export function matchesName(name: string, pattern: NamePattern): boolean {
  const patterns = typeof pattern === "string" || pattern instanceof RegExp ? [pattern] : pattern;
  return patterns.some(each =>
    typeof each === "string" ? `.${name}.`.includes(`.${each}.`) : name.search(each) >= 0,
  );
}
