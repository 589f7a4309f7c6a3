import { element } from "../dom.ts";

export interface NumberFieldActions {
  /** Why a number cannot be taken; undefined if it can. NaN is what was no number. */
  readonly objection: (value: number) => string | undefined;
  /** A number was typed that can be taken. */
  readonly sent: (value: number) => void;
  /** There is something to say of what was typed; undefined: not any more. */
  readonly objected: (objection: string | undefined) => void;
}

/** A field for a number that the run has, too: it shows the run's unless the user has another in mind. */
export class NumberField {
  readonly input: HTMLInputElement;
  private readonly actions: NumberFieldActions;
  private isEdited = false;
  private shown = Number.NaN;
  /** The run's. */
  private own = Number.NaN;
  /** What the run was like when it was last looked at, and when a number was sent. */
  private state = "";
  private sentIn: string | undefined;

  constructor(label: string, actions: NumberFieldActions) {
    this.actions = actions;
    this.input = element("input", {
      class: "steps-field",
      attributes: { type: "text", inputmode: "decimal", spellcheck: "false", "aria-label": label },
    });
    this.input.addEventListener("input", () => {
      this.isEdited = true;
    });
    this.input.addEventListener("change", () => this.typed());
    this.input.addEventListener("keydown", event => {
      if (event.key !== "Escape") return;
      this.forget();
      this.write(this.own);
    });
  }

  /** The number that was shown or sent last. */
  get value(): number {
    return this.shown;
  }

  /**
   * Shows the number of the run, unless the user is typing, or has sent another one in this `state` of
   * the run: the one that follows has that.
   */
  show(value: number, state: string): void {
    this.state = state;
    this.own = value;
    if (this.isEdited || this.sentIn === state || !Number.isFinite(value)) return;
    this.forget();
    this.write(value);
  }

  /** Takes a number from elsewhere, as if it had been typed and sent. */
  take(value: number): void {
    this.forget();
    this.sentIn = this.state;
    this.write(value);
  }

  /** The next number of the run is shown, whatever was typed or sent. */
  forget(): void {
    this.isEdited = false;
    this.sentIn = undefined;
    this.object(undefined);
  }

  private write(value: number): void {
    this.shown = value;
    const text = plainNumber(value);
    if (this.input.value !== text) this.input.value = text;
  }

  private typed(): void {
    const text = this.input.value.trim();
    const value = text === "" ? Number.NaN : Number(text);
    const objection = this.actions.objection(value);
    if (objection) {
      this.object(objection);
      return;
    }
    this.take(value);
    this.actions.sent(value);
  }

  private object(objection: string | undefined): void {
    const isInvalid = this.input.getAttribute("aria-invalid") === "true";
    if (!objection && !isInvalid) return;
    this.input.setAttribute("aria-invalid", String(objection !== undefined));
    this.actions.objected(objection);
  }
}

/** A number as one types it, with the seven digits that float32 has. */
export function plainNumber(value: number): string {
  return String(Number(value.toPrecision(7)));
}
