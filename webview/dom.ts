interface Properties {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A new element with its class, text, attributes and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (properties.class !== undefined) made.className = properties.class;
  if (properties.text !== undefined) made.textContent = properties.text;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** An icon of VS Code; it has no name for a screen reader. */
export function icon(name: string): HTMLElement {
  return element("span", {
    class: `codicon codicon-${name}`,
    attributes: { "aria-hidden": "true" },
  });
}

/**
 * Sets the text of an element where it differs: what does not change is not laid out again. A text that
 * is there stays the same node, so that no rule on an element's children is looked at.
 */
export function setText(target: HTMLElement, text: string): void {
  const { firstChild } = target;
  if (firstChild instanceof Text && firstChild === target.lastChild && text !== "") {
    if (firstChild.data !== text) firstChild.data = text;
  } else if (target.textContent !== text) target.textContent = text;
}

/** Hides or shows an element where it is not so: to hide it again would style it anew. */
export function setHidden(target: HTMLElement, hidden: boolean): void {
  if (target.hidden !== hidden) target.hidden = hidden;
}
