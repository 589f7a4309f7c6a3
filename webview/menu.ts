import { element } from "./dom.ts";

/** What can be done: an item of a menu, and a key. */
export interface Action {
  readonly label: string;
  /** As `KeyboardEvent.key` has it, after `Ctrl+`, `Alt+` or `Shift+`; `Ctrl` is also ⌘. */
  readonly keys?: string;
  /** What it switches is on or off. */
  readonly checked?: boolean;
  /** A line stands above it. */
  readonly begins?: true;
  readonly act: () => void;
}

/** A button that opens a menu of actions. Arrow keys, Home and End move in it, Escape closes it. */
export class Menu {
  readonly root = element("div", {
    class: "menu",
    attributes: { role: "menu", popover: "manual" },
  });
  private readonly actions: () => readonly Action[];
  /** Had the focus before. */
  private opener: Element | null = null;

  /** `label`: its name for screen readers. */
  constructor(button: HTMLButtonElement, label: string, actions: () => readonly Action[]) {
    this.actions = actions;
    this.root.setAttribute("aria-label", label);
    button.setAttribute("aria-haspopup", "menu");
    button.addEventListener("click", () => {
      const { right, bottom } = button.getBoundingClientRect();
      this.open(right, bottom, true);
    });
    this.root.addEventListener("keydown", event => this.pressed(event));
    this.root.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.root.contains(relatedTarget))) {
        this.root.hidePopover();
      }
    });
  }

  /** Opens at a place of the window; `leftwards` from there. It gives the focus back when it closes. */
  open(x: number, y: number, leftwards = false): void {
    this.opener = document.activeElement;
    this.root.replaceChildren(...this.actions().map(action => this.item(action)));
    this.root.showPopover();
    const { offsetWidth, offsetHeight, style } = this.root;
    const left = leftwards ? x - offsetWidth : x;
    style.left = `${Math.max(4, Math.min(left, innerWidth - offsetWidth - 4))}px`;
    style.top = `${Math.max(4, Math.min(y, innerHeight - offsetHeight - 4))}px`;
    this.focus(0);
  }

  private item(action: Action): HTMLElement {
    const { label, keys, checked, begins } = action;
    const made = element(
      "button",
      { class: begins ? "menu-item begins" : "menu-item" },
      element("span", { text: label }),
      element("span", { class: "menu-keys", text: keys ? keyNames(keys) : "" }),
    );
    made.type = "button";
    made.tabIndex = -1;
    made.setAttribute("role", checked === undefined ? "menuitem" : "menuitemcheckbox");
    if (checked !== undefined) made.setAttribute("aria-checked", String(checked));
    made.addEventListener("click", () => {
      this.close();
      action.act();
    });
    return made;
  }

  private pressed(event: KeyboardEvent): void {
    const items = [...this.root.children];
    const at = items.indexOf(document.activeElement ?? this.root);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: -1,
    };
    const target = targets[event.key];
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (target !== undefined) this.focus(target);
    else return;
    event.preventDefault();
  }

  /** Gives the focus back, and closes with that. */
  private close(): void {
    if (this.opener instanceof HTMLElement) this.opener.focus();
    this.root.hidePopover();
  }

  /** Moves the focus to an item, counted from the first; the ends meet. */
  private focus(index: number): void {
    const { children } = this.root;
    const item = children[(index + children.length) % children.length];
    if (item instanceof HTMLElement) item.focus();
  }
}

/** Does what a key means; false for a key that means nothing here. */
export function actOnKey(event: KeyboardEvent, actions: readonly Action[]): boolean {
  const pressed = [
    ...(event.ctrlKey || event.metaKey ? ["Ctrl"] : []),
    ...(event.altKey ? ["Alt"] : []),
    ...(event.shiftKey ? ["Shift"] : []),
    event.key.length === 1 ? event.key.toUpperCase() : event.key,
  ].join("+");
  const action = actions.find(({ keys }) => keys === pressed);
  if (!action) return false;
  event.preventDefault();
  // The editor around the page does not hear of it.
  event.stopPropagation();
  action.act();
  return true;
}

/** The actions' keys, for `aria-keyshortcuts`. */
export function keyShortcuts(actions: readonly Action[]): string {
  return actions.flatMap(({ keys }) => (keys ? [keys.replace("Ctrl", "Control")] : [])).join(" ");
}

const KEY_NAMES: Readonly<Record<string, string>> = { ArrowUp: "↑", ArrowDown: "↓" };

function keyNames(keys: string): string {
  const parts = keys.split("+").map(key => KEY_NAMES[key] ?? key);
  const mac = navigator.userAgent.includes("Mac");
  return parts.map(key => (mac && key === "Ctrl" ? "⌘" : key)).join(mac ? " " : "+");
}
