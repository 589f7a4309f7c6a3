import {
  type LiveOption,
  OPTION_LABELS,
  type OptionRecord,
  optionObjection,
} from "../../runtime/protocol/control.ts";
import { iconButton } from "../controls.ts";
import { element, setHidden, setText } from "../dom.ts";
import { NumberField, plainNumber } from "./numberField.ts";

export interface OptionActions {
  /** Undefined: the script's own value. */
  readonly set: (name: LiveOption, value: number | undefined) => void;
  /** Writes the value into the script; undefined where nothing can be written. */
  readonly write: ((name: LiveOption, value: number) => void) | undefined;
  /** There is something to say of what was typed; undefined: not any more. */
  readonly objected: (objection: string | undefined) => void;
}

/** An option of a parameter group: its value, what the script has, the ways back and into the script. */
export class OptionRow {
  readonly root: HTMLElement;
  readonly name: LiveOption;
  private readonly field: NumberField;
  private readonly own = element("span", { class: "own" });
  private readonly back: HTMLElement;
  private readonly write: HTMLElement;
  private value = Number.NaN;

  constructor(name: LiveOption, { set, write, objected }: OptionActions) {
    this.name = name;
    const label = OPTION_LABELS[name];
    this.field = new NumberField(label, {
      objection: value => optionObjection(name, value),
      sent: value => set(name, value),
      objected,
    });
    this.back = iconButton(`${label} of the script`, "discard", () => {
      this.field.forget();
      set(name, undefined);
    });
    this.write = writeButton(label, () => write?.(name, this.value));
    setHidden(this.write, true);
    this.root = element(
      "div",
      { class: "hyperparameter", attributes: { "data-option": name } },
      element("span", {
        class: "label",
        text: label,
        attributes: { "aria-hidden": "true" },
      }),
      this.field.input,
      this.back,
      this.write,
      this.own,
    );
    if (name === "lrFactor") {
      this.root.title = "What the schedule makes of η is multiplied by it";
    }
  }

  /** @param state as of `NumberField.show`. */
  show({ value, own }: OptionRecord, state: string, canWrite: boolean): void {
    this.value = value;
    this.field.show(value, `${state} ${value}`);
    const isOwn = value === own;
    setHidden(this.back, isOwn);
    setHidden(this.write, isOwn || !canWrite);
    setText(this.own, isOwn ? "" : `script: ${plainNumber(own)}`);
  }
}

/** A button that writes what was set into the script. */
export function writeButton(label: string, pressed: () => void): HTMLElement {
  return iconButton(`Write ${label} into the script…`, "edit", pressed);
}
