import { element, icon, setText } from "../dom.ts";
import { matcherOf, rowsOf, type TensorNode, type TreeRow, treeOf } from "./tensorTree.ts";

export interface PickerOptions {
  /** Several tensors can be chosen, so many at most; one without it. */
  readonly most?: number;
  readonly chosen: (names: readonly string[]) => void;
  /** The filter, or what is collapsed, has changed. */
  readonly arranged: (filter: string, collapsed: readonly string[]) => void;
}

/** What a picker offers, and how it was left. */
export interface Offer {
  readonly names: readonly string[];
  readonly selected: readonly string[];
  readonly filter: string;
  readonly collapsed: readonly string[];
}

/**
 * The tensors of a run as a tree of their modules, with a filter. In the tree arrow keys move, collapse
 * and expand, Enter and Space choose; Enter in the filter chooses what it finds.
 */
export class TensorPicker {
  readonly root = element("div", { class: "tensor-picker", attributes: { popover: "auto" } });
  private readonly filter = element("input", {
    attributes: {
      type: "search",
      placeholder: "Part of a name, or * and ?",
      "aria-label": "Filter tensors",
    },
  });
  private readonly tree = element("div", { class: "tree", attributes: { role: "tree" } });
  private readonly said = element("p", { attributes: { role: "status" } });
  private readonly options: PickerOptions;
  private offered: Offer = { names: [], selected: [], filter: "", collapsed: [] };
  private rows: readonly TreeRow[] = [];
  /** Says that not all could be chosen. */
  private cut = "";

  constructor(label: string, options: PickerOptions) {
    this.options = options;
    this.root.setAttribute("role", "dialog");
    this.root.setAttribute("aria-label", label);
    this.tree.setAttribute("aria-label", label);
    this.tree.setAttribute("aria-multiselectable", String(options.most !== undefined));
    this.root.append(this.filter, this.tree, this.said);
    this.filter.addEventListener("input", () => {
      this.cut = "";
      options.arranged(this.filter.value, this.offered.collapsed);
    });
    // The keys of the page mean nothing in here.
    this.root.addEventListener("keydown", event => {
      event.stopPropagation();
      if (this.pressed(event)) event.preventDefault();
    });
  }

  /** Opens below an element. */
  open(below: HTMLElement): void {
    this.cut = "";
    this.root.showPopover();
    this.fill(this.offered);
    const { left, bottom } = below.getBoundingClientRect();
    const { style, offsetWidth, offsetHeight } = this.root;
    style.left = `${Math.max(4, Math.min(left, innerWidth - offsetWidth - 4))}px`;
    style.top = `${Math.max(4, Math.min(bottom + 2, innerHeight - offsetHeight - 4))}px`;
    this.filter.focus();
    this.filter.select();
  }

  /** Offers these tensors. */
  offer(offer: Offer): void {
    this.offered = offer;
    if (this.root.matches(":popover-open")) this.fill(offer);
  }

  private fill(offer: Offer): void {
    if (this.filter.value !== offer.filter) this.filter.value = offer.filter;
    const found = this.found();
    const tree = treeOf(found);
    // What is looked for is not collapsed.
    this.rows = rowsOf(tree, offer.filter === "" ? offer.collapsed : []);
    const focused = this.focusedName();
    this.tree.replaceChildren(...this.rows.map(row => this.line(row)));
    if (focused !== undefined) {
      this.focus(
        Math.max(
          0,
          this.rows.findIndex(({ node }) => node.name === focused),
        ),
      );
    }
    const many = found.length === 1 ? "1 tensor" : `${found.length} tensors`;
    const { most } = this.options;
    const limit = most === undefined ? "" : `, ${offer.selected.length} of ${most} chosen`;
    const none = "No tensor has such a name";
    setText(this.said, this.cut || (found.length > 0 ? many + limit : none));
  }

  private found(): readonly string[] {
    return this.offered.names.filter(matcherOf(this.offered.filter));
  }

  private line({ node, depth }: TreeRow): HTMLElement {
    const { selected, collapsed, filter } = this.offered;
    const isCollapsed = filter === "" && collapsed.includes(node.name);
    const count = node.tensors.filter(name => selected.includes(name)).length;
    const isSelected = count === node.tensors.length;
    const twist = icon(isCollapsed ? "chevron-right" : "chevron-down");
    const mark = icon(isSelected ? "check" : count > 0 ? "dash" : "blank");
    const line = element(
      "div",
      {
        class: "tree-line",
        attributes: {
          role: "treeitem",
          tabindex: "-1",
          "aria-level": String(depth + 1),
          "aria-selected": String(isSelected),
          title: node.name,
        },
      },
      node.children ? twist : icon("blank"),
      mark,
      element("span", { text: node.label }),
    );
    line.style.paddingLeft = `${4 + 14 * depth}px`;
    if (node.children) {
      line.setAttribute("aria-expanded", String(!isCollapsed));
      line.append(element("span", { class: "tree-count", text: `${node.tensors.length} tensors` }));
    }
    line.addEventListener("click", ({ target }) => {
      if (target === twist) this.fold(node, !isCollapsed);
      else this.choose(node);
    });
    return line;
  }

  /** A tensor, or all of a module; once more takes it out. Of one choice a module is folded. */
  private choose(node: TensorNode): void {
    const { most, chosen } = this.options;
    const { selected, collapsed } = this.offered;
    if (most === undefined) {
      if (node.children) {
        this.fold(node, !collapsed.includes(node.name));
        return;
      }
      this.root.hidePopover();
      chosen([node.name]);
      return;
    }
    const others = selected.filter(name => !node.tensors.includes(name));
    const isSelected = node.tensors.every(name => selected.includes(name));
    this.take(isSelected ? others : [...others, ...node.tensors], most);
  }

  /** The last ones that were chosen, as many as can be: a module that has more is cut. */
  private take(names: readonly string[], most: number): void {
    this.cut =
      names.length > most ? `${most} of ${names.length} tensors: a chart has no more lines` : "";
    this.options.chosen(names.slice(-most));
    setText(this.said, this.cut);
  }

  private fold(node: TensorNode, collapse: boolean): void {
    if (!node.children) return;
    const others = this.offered.collapsed.filter(name => name !== node.name);
    this.options.arranged(this.offered.filter, collapse ? [...others, node.name] : others);
  }

  /** Does what a key means; false for a key that means nothing here. */
  private pressed(event: KeyboardEvent): boolean {
    if (event.key === "Escape") {
      // A browser would only empty the filter.
      this.root.hidePopover();
      return true;
    }
    const at = this.focused();
    if (at < 0) return this.pressedInFilter(event.key);
    const node = this.rows[at]?.node;
    if (!node) return false;
    const depth = this.rows[at]?.depth ?? 0;
    switch (event.key) {
      case "ArrowDown":
        this.focus(at + 1);
        return true;
      case "ArrowUp":
        if (at === 0) this.filter.focus();
        else this.focus(at - 1);
        return true;
      case "Home":
        this.focus(0);
        return true;
      case "End":
        this.focus(this.rows.length - 1);
        return true;
      case "ArrowRight":
        if (this.offered.collapsed.includes(node.name)) this.fold(node, false);
        else if (node.children) this.focus(at + 1);
        return true;
      case "ArrowLeft":
        if (node.children && !this.offered.collapsed.includes(node.name)) this.fold(node, true);
        else this.focus(this.rows.findLastIndex((row, i) => i < at && row.depth < depth));
        return true;
      case "Enter":
      case " ":
        this.choose(node);
        return true;
      default:
        return false;
    }
  }

  private pressedInFilter(key: string): boolean {
    const found = this.found();
    const [first] = found;
    if (key === "ArrowDown") this.focus(0);
    else if (key === "Enter" && first !== undefined) {
      const { most } = this.options;
      if (most !== undefined) this.take(found, most);
      else {
        this.root.hidePopover();
        this.options.chosen([first]);
      }
    } else return false;
    return true;
  }

  private focused(): number {
    const { activeElement } = document;
    return activeElement ? [...this.tree.children].indexOf(activeElement) : -1;
  }

  private focusedName(): string | undefined {
    const { activeElement } = document;
    return activeElement instanceof HTMLElement && this.tree.contains(activeElement)
      ? activeElement.title
      : undefined;
  }

  private focus(index: number): void {
    const line = this.tree.children[index];
    if (line instanceof HTMLElement) line.focus();
  }
}
