import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import { element, icon } from "./dom.ts";

/** A button of VS Code with an icon. */
export function button(label: string, iconName: string, pressed: () => void) {
  const glyph = icon(iconName);
  glyph.slot = "content-before";
  const made = element("vscode-button", {}, glyph, document.createTextNode(label));
  made.addEventListener("click", pressed);
  return made;
}

/** A button that is an icon; its name is for screen readers, and shown when it is pointed at. */
export function iconButton(label: string, iconName: string, pressed: () => void) {
  const made = element(
    "button",
    { class: "icon-button", attributes: { type: "button", title: label, "aria-label": label } },
    icon(iconName),
  );
  made.addEventListener("click", pressed);
  return made;
}

/**
 * A button that is on or off. `label` is its name for screen readers, where its content says it only
 * together with what stands around it.
 */
export function toggle(content: string | Node, title: string, pressed: () => void, label?: string) {
  const made = element("button", { class: "toggle", attributes: { type: "button", title } });
  made.append(content);
  if (label !== undefined) made.setAttribute("aria-label", label);
  press(made, false);
  made.addEventListener("click", pressed);
  return made;
}

/** Shows whether a toggle is on. */
export function press(target: HTMLElement, pressed: boolean): void {
  target.setAttribute("aria-pressed", String(pressed));
}

/** One name of a list. */
export class NameSelect {
  readonly root = element("vscode-single-select", { class: "select" });
  readonly label: string;
  private names: readonly string[] = [];

  constructor(label: string, chosen: (name: string) => void) {
    this.label = label;
    this.root.label = label;
    this.root.addEventListener("change", () => chosen(this.root.value));
  }

  /** Offers these names; `selected` is one of them. */
  offer(names: readonly string[], selected: string): void {
    if (!sameNames(names, this.names)) {
      this.names = names;
      this.root.replaceChildren(...names.map(name => option(name, name === selected)));
    }
    if (this.root.value !== selected) this.root.value = selected;
  }
}

function option(name: string, selected: boolean): HTMLElement {
  const made = element("vscode-option", { text: name, attributes: { value: name } });
  if (selected) made.setAttribute("selected", "");
  return made;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** The weight of the moving average, 0 … 0.99. */
export class SmoothingSlider {
  readonly root: HTMLElement;
  private readonly input = element("input", {
    attributes: { type: "range", id: "smoothing", min: "0", max: "0.99", step: "0.01" },
  });
  private readonly output = element("output", { attributes: { for: "smoothing" } });

  constructor(chosen: (weight: number) => void) {
    const label = element("label", { text: "Smoothing", attributes: { for: "smoothing" } });
    this.root = element("div", { class: "smoothing" }, label, this.input, this.output);
    this.root.title = "Weight of the moving average of loss and gradient norm; 0 shows raw values";
    this.input.addEventListener("input", () => {
      this.set(this.input.valueAsNumber);
      chosen(this.input.valueAsNumber);
    });
  }

  set(weight: number): void {
    this.input.valueAsNumber = weight;
    this.output.textContent = weight.toFixed(2);
  }
}
